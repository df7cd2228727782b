"""How pages look with the sample paper: its templates, and its own static files."""

from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from billing.web.kit.rendering import Look, asset

STATIC = Path(__file__).parent / "static"
ADDRESS = "/static/paper"
paper_asset = partial(asset, folder=STATIC, address=ADDRESS)
"""The address of one of its static files."""


def paper_look(zone: ZoneInfo) -> Look:
    """Renders the paper's and the demo's pages, and all others."""
    look = Look(zone, "billing.dev.paper")
    look.environment.globals["paper_asset"] = paper_asset
    return look
