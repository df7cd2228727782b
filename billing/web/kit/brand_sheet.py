"""The stylesheet in the publisher's colours: `site.css` with other values behind it, so that a page loads no file more."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from billing.brand.backgrounds import DARK, LIGHT
from billing.brand.publisher import ADDRESS
from billing.rules.contrast import mixed
from billing.web.kit.static_files import STATIC, asset
from emails import House

SHEET = "site.css"
BLACK, WHITE = "#000000", "#ffffff"
NIGHT = "#171512"
"""The page in the dark."""


@dataclass(frozen=True, slots=True)
class BrandSheet:
    """A stylesheet and a hash of it."""

    css: bytes
    digest: str


@lru_cache(8)
def sheet_of(accent: str, accent_dark: str) -> BrandSheet:
    """The stylesheet with these accents; an empty one stays as it is."""
    light = _rule(accent, LIGHT, deeper=BLACK, on=WHITE) if accent else ""
    dark = _rule(accent_dark, DARK, deeper=WHITE, on=NIGHT) if accent_dark else ""
    css = (
        STATIC / SHEET
    ).read_bytes() + f"\n{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n".encode()
    return BrandSheet(css, hashlib.sha256(css).hexdigest()[:12])


def _rule(accent: str, background: str, *, deeper: str, on: str) -> str:
    """The accent was checked on the background, and `on` is further from it than the background is: text in both can be read."""
    values = {
        "brand": accent,
        "brand-deep": mixed(accent, deeper, 0.25),
        "on-brand": on,
        "sky": background,
        "sun": mixed(accent, background, 0.55),
        "far": mixed(accent, background, 0.75),
        "mid": mixed(accent, background, 0.5),
        "near": mixed(accent, BLACK, 0.3),
    }
    return ":root { " + " ".join(f"--{name}: {value};" for name, value in values.items()) + " }"


def stylesheet(house: House) -> str:
    """The address of the stylesheet for this publisher's pages."""
    brand = house.brand
    if not brand.accent and not brand.accent_dark:
        return asset(SHEET)
    return f"{ADDRESS}/{SHEET}?v={sheet_of(brand.accent, brand.accent_dark).digest}"
