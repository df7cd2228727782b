"""A sample of a page in a brand that isn't saved yet, in the light or in the dark whatever the browser prefers."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime

from markupsafe import Markup

from billing.brand.models import StoredBrand
from billing.brand.publisher import Publisher
from billing.brand.rules import checked
from billing.rules.pictures import PictureKind
from billing.web.kit.brand_sheet import sheet_of
from billing.web.kit.rendering import PageRenderer
from emails import House

SCHEMES = ("light", "dark")
IN_THE_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")


def draft(publisher: Publisher, row: StoredBrand | None, typed: Mapping[str, str], at: datetime) -> House:
    """The publisher with these fields; one that may not be is left as it is in the row, which isn't changed."""
    values, _ = checked(typed)
    shown = (row or StoredBrand.default(at)).model_dump()
    return publisher.shown_with(StoredBrand(**shown | values))


def sample(look: PageRenderer, house: House, scheme: str) -> str:
    """The page as HTML that loads nothing: styles and logo stand in it."""
    css = sheet_of(house.brand.accent, house.brand.accent_dark).css.decode()
    media = "all" if scheme == "dark" else "not all"
    style = IN_THE_DARK.sub(media, css)
    return look.render("staff/brand_sample.html", house=house, style=Markup(style), logo=_data(house, media))  # noqa: S704 our own, and colours


def _data(house: House, media: str) -> str:
    logo = house.brand.logo
    if logo is None:
        return ""
    kind, content = PictureKind(logo.kind), logo.content
    if kind is PictureKind.SVG:
        content = IN_THE_DARK.sub(media, content.decode()).encode()
    return f"data:{kind.media_type};base64,{base64.b64encode(content).decode()}"
