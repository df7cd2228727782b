"""Contrast of colours, as WCAG 2.2 defines it (1.4.3), and the nearest colour that can be read."""

import colorsys
import re
from functools import lru_cache

ENOUGH = 4.5
"""The contrast that text of usual size needs at level AA."""
COLOUR = r"#[0-9a-f]{6}"
STEPS = 255


class NotAColour(ValueError):
    """A colour is written as # and six hexadecimal digits, such as #8a3413."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def colour(typed: str) -> str:
    """The colour in lower case; `#abc` is `#aabbcc`. Raises NotAColour."""
    text = typed.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", text):
        text = "#" + "".join(digit * 2 for digit in text[1:])
    if not re.fullmatch(COLOUR, text):
        raise NotAColour
    return text


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(1000)
def nearest(wanted: str, background: str) -> str:
    """The colour of the same hue, nearest to `wanted` in lightness, that can be read on the background; `wanted` if it can be."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(wanted))
    steps = [step / STEPS for step in range(STEPS + 1)]
    shades = sorted(steps, key=lambda step: abs(step - lightness))
    candidates = (wanted, *(_written(colorsys.hls_to_rgb(hue, shade, saturation)) for shade in shades))
    return next(shade for shade in candidates if contrast(shade, background) >= ENOUGH)


def mixed(one: str, other: str, share: float) -> str:
    """The first colour with a share of the other, from 0 to 1."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return _written(tuple(mine + (theirs - mine) * share for mine, theirs in pairs))


def _luminance(of: str) -> float:
    # 0.04045 is sRGB's limit, which WCAG has too since 2021; its older texts say 0.03928
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(of)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(of: str) -> tuple[float, float, float]:
    red, green, blue = (int(of[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(parts: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
