"""Files of the sample paper's pages in one, so that a page with a recording loads no more than any other: a stylesheet, a script."""

import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from billing.brand.publisher import ADDRESS
from billing.web.api import paywall
from billing.web.kit.brand_sheet import BrandSheet, sheet_of
from billing.web.kit.static_files import FOR_GOOD, STATIC
from billing.web.kit.visit import services_of
from emails import House

router = APIRouter(include_in_schema=False)
PAPER = Path(__file__).parent / "static"
SHEET, SCRIPT = f"{ADDRESS}/paper.css", f"{ADDRESS}/listen.js"


@lru_cache(8)
def paper_sheet(accent: str, accent_dark: str) -> BrandSheet:
    """The stylesheet in the publisher's colours, with the paper's own styles behind it."""
    both = sheet_of(accent, accent_dark).css + (PAPER / "paper.css").read_bytes()
    css = squeezed(both.decode()).encode()
    return BrandSheet(css, hashlib.sha256(css).hexdigest()[:12])


def squeezed(css: str) -> str:
    """The rules without comments, spare white space, and zeros before a point. None of our strings holds a brace, a colon or a comma.
    A `+` keeps its spaces: in `clamp(1rem, 1rem + 2vw, 2rem)` a browser needs them."""
    css = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL))
    css = re.sub(r" ?([{};,>]) ?", r"\1", css).replace(": ", ":").replace(";}", "}")
    return re.sub(r"(?<=[ :(,-])0\.(?=\d)", ".", css)


@cache
def listen_script() -> tuple[bytes, str]:
    """What shares an article and what plays its recording, and a hash of it."""
    share = paywall.compact((STATIC / "share.js").read_text("utf-8"))
    script = share.encode() + paywall.script()[0]
    return script, hashlib.sha256(script).hexdigest()[:12]


def stylesheet(house: House) -> str:
    """The address of the stylesheet for this publisher's pages."""
    return f"{SHEET}?v={paper_sheet(house.brand.accent, house.brand.accent_dark).digest}"


def listen_address() -> str:
    """The address of the script of an article with a recording."""
    return f"{SCRIPT}?v={listen_script()[1]}"


@router.head(SHEET)
@router.get(SHEET)
async def sheet(request: Request, v: str = "") -> Response:
    """The stylesheet."""
    brand = services_of(request).publisher.house.brand
    found = paper_sheet(brand.accent, brand.accent_dark)
    return Response(found.css, headers=FOR_GOOD if v == found.digest else {}, media_type="text/css")


@router.head(SCRIPT)
@router.get(SCRIPT)
async def script(v: str = "") -> Response:
    """The script."""
    content, digest = listen_script()
    return Response(content, headers=FOR_GOOD if v == digest else {}, media_type="text/javascript")
