"""Icons, manifest, and the picture of shared links, where browsers and previews look for them."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from billing.brand.publisher import ADDRESS
from billing.platform.errors import NotFound
from billing.web.kit import brand_pictures
from billing.web.kit.static_files import FOR_GOOD
from billing.web.kit.visit import services_of
from billing.web.reader.brand_files import HARMLESS

router = APIRouter(include_in_schema=False)
AN_HOUR = {"Cache-Control": "public, max-age=3600"}
"""Of what has no hash in its address."""


class NoIcon(NotFound):
    """There is no icon of this size."""

    code = "no_icon"


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """The icon for programs that read no link to it."""
    content = brand_pictures.favicon(services_of(request).publisher.house)
    return Response(content, headers=AN_HOUR, media_type="image/x-icon")


@router.get("/apple-touch-icon.png")
async def touch_icon(request: Request) -> Response:
    """The same, for a phone's home screen."""
    return RedirectResponse(brand_pictures.touch_icon(services_of(request).publisher.house), 302, AN_HOUR)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """Name, colours and icons of the paper."""
    services = services_of(request)
    start = services.settings.paper if services.settings.paper.startswith("/") else "/"
    content = brand_pictures.manifest(services.publisher.house, start)
    return JSONResponse(content, headers=AN_HOUR, media_type="application/manifest+json")


@router.get(f"{ADDRESS}/share.png")
def share(request: Request, v: str = "") -> Response:
    """The picture of a shared link. Drawn once, in a thread."""
    house = services_of(request).publisher.house
    return _drawing(
        brand_pictures.share_png(house.brand.accent), is_kept=v == brand_pictures.drawing_hash(house)
    )


@router.get(f"{ADDRESS}/icon-{{side}}.png")
def icon(request: Request, side: int, v: str = "") -> Response:
    """A drawn icon. Raises NoIcon."""
    if side not in brand_pictures.ICONS:
        raise NoIcon
    house = services_of(request).publisher.house
    content = brand_pictures.icon_png(side, house.brand.accent)
    return _drawing(content, is_kept=v == brand_pictures.drawing_hash(house))


def _drawing(content: bytes, *, is_kept: bool) -> Response:
    return Response(content, headers=HARMLESS | (FOR_GOOD if is_kept else {}), media_type="image/png")
