"""`/brand/…`: the publisher's logos and stylesheet, out of the process's memory. An address with the hash of its content is kept for good.

With another hash, of an old mail or a process that has not followed yet, what is shown now is sent, and kept nowhere."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from billing.brand.publisher import ADDRESS
from billing.platform.errors import NotFound
from billing.rules.pictures import PictureKind
from billing.web.kit.brand_sheet import SHEET, sheet_of
from billing.web.kit.static_files import FOR_GOOD
from billing.web.kit.visit import services_of

router = APIRouter(include_in_schema=False)
HARMLESS = {
    # opened by itself, an SVG is a document: nothing may run or load in it
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
    # mail programs in a browser show it
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class NoLogo(NotFound):
    """This publisher has no such logo."""

    code = "no_logo"


@router.head(f"{ADDRESS}/logo.{{kind}}")
@router.get(f"{ADDRESS}/logo.{{kind}}")
async def logo(request: Request, kind: PictureKind, v: str = "") -> Response:
    """The logo of this kind. Raises NoLogo."""
    brand = services_of(request).publisher.house.brand
    found = brand.drawing if kind is PictureKind.SVG else brand.picture
    if found is None:
        raise NoLogo
    kept = FOR_GOOD if found.path.endswith(f"?v={v}") else {}
    return Response(found.content, headers=HARMLESS | kept | {"Content-Type": kind.media_type})


@router.head(f"{ADDRESS}/{SHEET}")
@router.get(f"{ADDRESS}/{SHEET}")
async def sheet(request: Request, v: str = "") -> Response:
    """The stylesheet in the publisher's colours."""
    brand = services_of(request).publisher.house.brand
    found = sheet_of(brand.accent, brand.accent_dark)
    return Response(found.css, headers=FOR_GOOD if v == found.digest else {}, media_type="text/css")
