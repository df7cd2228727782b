"""Draws the pictures that a paper has without any of its own, in its colours: for previews of shared links, and icons.

Each is a PNG with a palette, made of columns: no library of pictures is needed, and a picture takes some ten milliseconds."""

import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt

from billing.rules.contrast import mixed
from billing.rules.png import SIGNATURE

Points = tuple[tuple[float, float], ...]
Column = Callable[[int], bytes]
WIDE, HIGH = 1200, 630
"""Pixels of the picture of a shared link. Source: https://developers.facebook.com/docs/sharing/webmasters/images."""
FAR: Points = (
    *((0, 190), (80, 158), (150, 176), (236, 108), (300, 142), (372, 96), (450, 152), (540, 118), (618, 160)),
    *((702, 92), (770, 138), (850, 112), (930, 164), (1010, 120), (1090, 168), (1200, 128)),
)
MID: Points = (
    *(
        (0, 226),
        (96, 188),
        (190, 220),
        (282, 166),
        (356, 208),
        (470, 170),
        (566, 222),
        (676, 178),
        (760, 214),
    ),
    *((880, 172), (986, 222), (1086, 188), (1200, 216)),
)
NEAR: Points = ((0, 262), (146, 243), (292, 252), (448, 256), (604, 246), (748, 248), (892, 258), (1200, 240))
"""The ridges of the offer's drawing, in its units."""
PEAK: Points = ((6, 52), (22, 26), (31, 38), (38, 29), (58, 52))
"""The mountain of the icon, in its units of 64."""
CREAM, SUN = "#fbf7ef", "#f3c98b"
UNITS = 64


def ridge_picture(accent: str, background: str) -> bytes:
    """The ridges under the sun, 1200 by 630 pixels."""
    colours = (background, *(mixed(accent, background, share) for share in (0.55, 0.75, 0.5)), accent)
    lines = [[HIGH - (300 - y) * 1.9 for y in _heights(points, WIDE, 1)] for points in (FAR, MID, NEAR)]

    def column(x: int) -> bytes:
        far, mid, near = (round(line[x]) for line in lines)
        sky = _disc(x, centre=(905, 250), radius=110, height=far)
        return sky + b"\2" * (mid - far) + b"\3" * (near - mid) + b"\4" * (HIGH - near)

    return _png(WIDE, HIGH, colours, column)


def icon_picture(side: int, accent: str) -> bytes:
    """The icon as a square of so many pixels; phones round its corners."""
    scale = side / UNITS
    top = _heights(PEAK, side, scale)
    foot = round(52 * scale)

    def column(x: int) -> bytes:
        peak = min(round(top[x] * scale), foot)
        above = _disc(x, centre=(44 * scale, 22 * scale), radius=8 * scale, height=peak)
        return above + b"\2" * (foot - peak) + b"\0" * (side - foot)

    return _png(side, side, (accent, SUN, CREAM), column)


def as_ico(png: bytes, side: int) -> bytes:
    """The PNG in the file form of `/favicon.ico`, whose sides have 256 pixels at most."""
    size = bytes([side % 256, side % 256, 0, 0])
    return (
        b"\0\0\1\0\1\0"
        + size
        + (1).to_bytes(2, "little")
        + (32).to_bytes(2, "little")
        + len(png).to_bytes(4, "little")
        + (22).to_bytes(4, "little")
        + png
    )


def _heights(points: Points, width: int, scale: float) -> list[float]:
    """The height of the line at each column; outside of it, that of its ends."""
    found = [points[0][1]] * width
    for (x0, y0), (x1, y1) in pairwise(points):
        for x in range(width):
            at = x / scale
            if x0 <= at <= x1:
                found[x] = y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return [points[-1][1] if x / scale > points[-1][0] else y for x, y in enumerate(found)]


def _disc(x: int, *, centre: tuple[float, float], radius: float, height: int) -> bytes:
    """The part of a column above the ridge: sky, with the sun where the column passes it."""
    inside = radius**2 - (x - centre[0]) ** 2
    if inside <= 0:
        return bytes(height)
    above, below = (min(max(round(centre[1] + way * sqrt(inside)), 0), height) for way in (-1, 1))
    return bytes(above) + b"\1" * (below - above) + bytes(height - below)


def _png(width: int, height: int, colours: Sequence[str], column: Column) -> bytes:
    pixels = b"".join(map(column, range(width)))
    # pixels stand column by column, and each row of a PNG begins with its filter: 0 is none
    rows = b"".join(b"\0" + pixels[y::height] for y in range(height))
    palette = bytes.fromhex("".join(colour[1:] for colour in colours))
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 3, 0, 0, 0])
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(
        len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in parts
    )
