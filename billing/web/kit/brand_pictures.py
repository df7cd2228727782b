"""The publisher's icons and the picture of its shared links: its own logo where it suits, else drawn in its colours."""

import hashlib
from functools import lru_cache

from billing.brand.backgrounds import LIGHT
from billing.brand.publisher import ADDRESS
from billing.rules.drawn_pictures import HIGH, WIDE, as_ico, icon_picture, ridge_picture
from billing.rules.png import png_size
from emails import House, Logo

ACCENT = "#8a3413"
"""The accent of `site.css`."""
LEAST_SHARED = 200
"""Pixels of each side that a shared picture needs. Source: https://developers.facebook.com/docs/sharing/webmasters/images."""
TOUCH_ICON, FAVICON = 180, 48
ICONS = (FAVICON, TOUCH_ICON, 192, 512)
"""The sides in pixels of the icons that are drawn."""
DRAWING_VERSION = "1"
"""Of the drawings: another one changes their addresses."""


@lru_cache(8)
def share_png(accent: str) -> bytes:
    """The picture of shared links in this accent."""
    return ridge_picture(accent or ACCENT, LIGHT)


@lru_cache(16)
def icon_png(side: int, accent: str) -> bytes:
    """The icon in this accent."""
    return icon_picture(side, accent or ACCENT)


def drawing_hash(house: House) -> str:
    """What the addresses of drawings end with: it changes with the accent."""
    return hashlib.sha256(f"{DRAWING_VERSION} {house.brand.accent}".encode()).hexdigest()[:12]


def touch_icon(house: House) -> str:
    """The address of the icon for a phone's home screen, a square PNG."""
    logo = _square(house)
    return logo.path if logo else icon_address(house, TOUCH_ICON)


def icon_address(house: House, side: int) -> str:
    """The address of the drawn icon with this side."""
    return f"{ADDRESS}/icon-{side}.png?v={drawing_hash(house)}"


def favicon(house: House) -> bytes:
    """The file at `/favicon.ico`."""
    logo = _square(house)
    side = int(png_size(logo.content).width) if logo else FAVICON
    if logo and side <= 256:
        return as_ico(logo.content, side)
    return as_ico(icon_png(FAVICON, house.brand.accent), FAVICON)


def shared_picture(house: House) -> tuple[str, int, int]:
    """The whole address of the picture for previews of shared links, its width, its height."""
    logo = house.brand.picture
    if logo is not None:
        size = png_size(logo.content)
        if min(size.width, size.height) >= LEAST_SHARED:
            return f"{house.url}{logo.path}", int(size.width), int(size.height)
    return f"{house.url}{ADDRESS}/share.png?v={drawing_hash(house)}", WIDE, HIGH


def preview(house: House, title: str, description: str, path: str) -> tuple[tuple[str, str], ...]:
    """The Open Graph properties of a page, for previews of its link. It is a website, as without a type."""
    return (
        ("og:site_name", house.name),
        ("og:title", title),
        ("og:description", description),
        ("og:url", f"{house.url}{path}"),
        *picture_properties(house),
    )


def picture_properties(house: House) -> tuple[tuple[str, str], ...]:
    """The Open Graph properties of the picture."""
    address, width, height = shared_picture(house)
    return (
        ("og:image", address),
        ("og:image:width", str(width)),
        ("og:image:height", str(height)),
    )


def manifest(house: House, start: str) -> dict[str, object]:
    """The web app manifest (https://www.w3.org/TR/appmanifest/). `start` is the path of the front page."""
    brand = house.brand
    icons: list[dict[str, str]] = []
    if brand.drawing and brand.drawing.is_square:
        icons.append({"src": brand.drawing.path, "sizes": "any", "type": "image/svg+xml"})
    if logo := _square(house):
        side = int(png_size(logo.content).width)
        icons.append({"src": logo.path, "sizes": f"{side}x{side}", "type": "image/png"})
    if not icons:
        icons = [
            {"src": icon_address(house, side), "sizes": f"{side}x{side}", "type": "image/png"}
            for side in ICONS[2:]
        ]
    return {
        "name": house.name,
        "short_name": house.name,
        "lang": "en-ZA",
        "start_url": start,
        "scope": "/",
        "display": "browser",
        "theme_color": brand.accent or ACCENT,
        "background_color": LIGHT,
        "icons": icons,
    }


def _square(house: House) -> Logo | None:
    logo = house.brand.picture
    return logo if logo and logo.is_square else None
