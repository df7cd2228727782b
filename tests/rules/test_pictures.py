"""Which SVG and PNG files may be shown: harmless ones only, whole, small, and of a known size."""

import random
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.pictures import MOST_BYTES, MOST_PIXELS, BadPicture, PictureKind, Size, kind_of
from billing.rules.png import SIGNATURE, png_size
from billing.rules.svg import svg_size
from tests.support.pictures import chunk, png

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 80 20">'
)
ICON = Path("billing/web/static/icon.svg")


def svg(inside: str, head: str = HEAD) -> bytes:
    return f"{head}{inside}</svg>".encode()


HARMLESS = {
    "a path": '<path d="M0 0h80v20H0z" fill="#8a3413"/>',
    "a gradient of its own": '<defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient></defs>'
    '<rect width="8" height="8" fill="url(#g)"/>',
    "its own style": "<style>.a { fill: #111 } @media (prefers-color-scheme: dark) { .a { fill: #eee } }</style>",
    "a quoted reference": "<g clip-path=\"url( '#c' )\"><title>The Post</title></g>",
    "words": '<text x="1" y="9" xml:space="preserve">The <tspan>Post</tspan> &amp; more</text>',
    "a comment": "<!-- drawn by hand -->",
    "style in an attribute": '<g style="fill:#123456;opacity:.5"/>',
}
HARMFUL = {
    "a script": "<script>alert(1)</script>",
    "a script under another prefix": '<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>',
    "an event": '<path d="M0 0" onload="alert(1)"/>',
    "an event in capitals": '<path d="M0 0" ONCLICK="alert(1)"/>',
    "an event of the root": None,
    "HTML inside": "<foreignObject><p>hello</p></foreignObject>",
    "HTML by its namespace": '<h:iframe xmlns:h="http://www.w3.org/1999/xhtml" src="https://evil.example"/>',
    "a link": '<a href="https://evil.example"><path d="M0 0"/></a>',
    "a picture elsewhere": '<image href="https://evil.example/a.png"/>',
    "a picture in itself": '<image href="data:image/png;base64,AAAA"/>',
    "a use elsewhere": '<use href="https://evil.example/a.svg#b"/>',
    "a use of itself": '<use xlink:href="#a"/>',
    "an animated attribute": '<set attributeName="onload" to="alert(1)"/>',
    "an animation": '<animate attributeName="href" values="javascript:alert(1)"/>',
    "a fill elsewhere": '<path fill="url(https://evil.example/a.svg#b)"/>',
    "a fill elsewhere, without a scheme": '<path fill="url(//evil.example/a.svg#b)"/>',
    "a fill beside it": '<path fill="url(a.svg#b)"/>',
    "a style that imports": "<style>@import 'a.css';</style>",
    "a style that imports, escaped": r"<style>@\69mport 'a.css';</style>",
    "a style that imports, in parts": "<style>@im<![CDATA[port 'a.css';]]></style>",
    "a style that loads": "<style>.a { fill: url(https://evil.example) }</style>",
    "a style that hides it in a comment": "<style>.a { fill: u/**/rl(https) }</style>",
    "a font elsewhere": "<style>@font-face { src: url('font.woff') }</style>",
    "a style attribute that loads": '<g style="background:url(x.png)"/>',
    "a base": '<g xml:base="https://evil.example/"/>',
    "an entity": "<text>&nbsp;</text>",
    "an editor's own words": '<sodipodi:namedview xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"/>',
    "an editor's attribute": '<g xmlns:i="http://www.inkscape.org/namespaces/inkscape" i:label="Layer 1"/>',
    "an svg inside": f"{HEAD}</svg>",
    "metadata": "<metadata>x</metadata>",
    "a tag that isn't closed": "<g>",
    "too many elements": "<g/>" * 1_001,
    "too deep": "<g>" * 30 + "</g>" * 30,
}


@pytest.mark.parametrize("inside", HARMLESS.values(), ids=HARMLESS)
def test_a_harmless_svg_is_read(inside: str) -> None:
    assert svg_size(svg(inside)) == Size(80, 20)


@pytest.mark.parametrize("inside", HARMFUL.values(), ids=HARMFUL)
def test_an_svg_with_anything_that_runs_loads_or_links_is_refused(inside: str | None) -> None:
    content = svg(inside) if inside is not None else svg("", HEAD.replace("<svg", '<svg onload="alert(1)"'))
    with pytest.raises(BadPicture):
        svg_size(content)


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + svg("<text>&a;</text>"),
        b'<!DOCTYPE svg SYSTEM "https://evil.example/a.dtd">' + svg(""),
        b'<?xml-stylesheet href="a.css"?>' + svg(""),
        b'<?xml version="1.0" encoding="UTF-7"?>' + svg("+ADw-script+AD4-"),
        svg("<g/>").decode().encode("utf-16"),
        svg("") + b"<script/>",
        b"<html><svg/></html>",
        b'<svg viewBox="0 0 1 1"/>',
        b"<",
        b"",
    ],
)
def test_what_is_around_an_svg_is_refused(content: bytes) -> None:
    with pytest.raises(BadPicture):
        svg_size(content)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('viewBox="0 0 300 100"', (300, 100)),
        ('viewBox="-1.5,-2,30,10.5" width="3000"', (30, 10.5)),
        ('width="120px" height="40"', (120, 40)),
    ],
)
def test_the_size_is_of_the_viewbox_or_else_as_stated(attributes: str, size: tuple[float, float]) -> None:
    assert svg_size(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}/>'.encode()) == Size(*size)


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'width="50%" height="40"',
        'viewBox="0 0 0 10"',
        'viewBox="0 0 1e999 1"',
        'viewBox="0 0 110 10"',
        'width="9"',
    ],
)
def test_an_svg_without_a_usable_size_is_refused(attributes: str) -> None:
    with pytest.raises(BadPicture):
        svg_size(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}/>'.encode())


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_damaged_svg_is_read_or_refused_and_never_breaks(junk: bytes, at: int) -> None:
    content = ICON.read_bytes()
    with suppress(BadPicture):
        svg_size(content[:at] + junk + content[at:])


@pytest.mark.parametrize("colour_type", [0, 2, 3, 4, 6])
def test_a_png_is_read(colour_type: int) -> None:
    assert png_size(png(30, 20, colour_type=colour_type)) == Size(30, 20)


WHOLE = png(30, 20)
BROKEN = {
    "cut off": WHOLE[:-5],
    "without an end": WHOLE[:-12],
    "something behind": WHOLE + b"<script>",
    "a changed byte": WHOLE.replace(b"IDAT", b"IDAT"[:3] + b"X"),
    "no picture": SIGNATURE + WHOLE[8:33] + chunk(b"IEND", b""),
    "no header": SIGNATURE + chunk(b"IEND", b""),
    "two headers": SIGNATURE + WHOLE[8:33] + WHOLE[8:],
    "too few rows": png(30, 20, rows=19),
    "too many rows": png(30, 20, rows=21),
    "rows without end": png(30, 20, rows=1_000_000),
    "data that can't be unpacked": SIGNATURE + WHOLE[8:33] + chunk(b"IDAT", b"junk") + chunk(b"IEND", b""),
    "too large": png(MOST_PIXELS + 1, 1_000),
    "too narrow": png(11, 1),
    "interlaced": png(30, 20, interlaced=1),
    "an unknown form": png(30, 20, depth=3),
    "animated": WHOLE[:33] + chunk(b"acTL", bytes(8)) + WHOLE[33:],
    "an unknown part": WHOLE[:33] + chunk(b"ABCD", b"") + WHOLE[33:],
    "empty": b"",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_png_of_another_form_is_refused(content: bytes) -> None:
    with pytest.raises(BadPicture):
        png_size(content)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_each_changed_byte_of_a_png_is_noticed(at: int, by: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] ^= by
    with pytest.raises(BadPicture):
        png_size(bytes(changed))


def test_the_kind_is_read_from_the_file_and_a_large_one_is_refused() -> None:
    assert kind_of(WHOLE) is PictureKind.PNG
    assert kind_of(b"\xef\xbb\xbf\n<svg/>") is PictureKind.SVG
    noise = random.Random(11).randbytes(MOST_BYTES)
    for content in (b"GIF89a", b"", WHOLE + noise, zlib.compress(b"<svg/>")):
        with pytest.raises(BadPicture):
            kind_of(content)
