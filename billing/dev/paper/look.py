"""The look of pages with the sample paper: its templates and static files."""

from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from billing.dev.paper import bundles
from billing.web.kit.rendering import PageRenderer
from billing.web.kit.static_files import asset

STATIC = Path(__file__).parent / "static"
ADDRESS = "/static/paper"
paper_asset = partial(asset, folder=STATIC, address=ADDRESS)
"""The address of a static file of the paper."""


def paper_look(zone: ZoneInfo) -> PageRenderer:
    """A `PageRenderer` that also has the templates of the paper and the demo."""
    names = {
        "paper_asset": paper_asset,
        "stylesheet": bundles.stylesheet,
        "listen_address": bundles.listen_address,
    }
    return PageRenderer(zone, "billing.dev.paper", names=names)
