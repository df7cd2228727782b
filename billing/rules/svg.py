"""Reads an SVG strictly. Only shapes, text, gradients and styles of its own may stand in it: nothing that runs, loads or links."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from billing.rules.pictures import BadPicture, Size

SVG, XLINK, XML = (
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/XML/1998/namespace",
)
BETWEEN = " "
"""Stands between a namespace and a name."""
ELEMENTS = frozenset(
    {
        *("svg", "g", "defs", "title", "desc", "style", "text", "tspan"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("linearGradient", "radialGradient", "stop", "clipPath", "mask"),
    }
)
MOST_ELEMENTS = 1_000
DEEPEST = 20
ELSEWHERE = re.compile(
    r"\\|@import|[a-z]+script:|data:|https?:|//|expression\(|image\(|image-set\(|src\(", re.IGNORECASE
)
"""What a style or an attribute may not hold: an address, or an escape that could hide one."""
ADDRESS = re.compile(r"url\((?!\s*['\"]?#)", re.IGNORECASE)
"""The beginning of `url(…)` with anything but a part of the same file."""
NUMBER = r"\d{1,6}(?:\.\d{1,6})?"


@dataclass
class _Reading:
    """What was read so far."""

    open_elements: list[str] = field(default_factory=list)
    elements: int = 0
    styles: list[str] = field(default_factory=list)
    root: dict[str, str] = field(default_factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(BETWEEN)
        if namespace != SVG or name not in ELEMENTS:
            raise BadPicture(f"it holds <{name}>; save it as a plain SVG, with text and pictures as outlines")
        if (name == "svg") is bool(self.open_elements):
            raise BadPicture("an SVG has one <svg>, around all the rest")
        self.open_elements.append(name)
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(self.open_elements) > DEEPEST:
            raise BadPicture(f"it has more than {MOST_ELEMENTS} elements, or is deeper than {DEEPEST}")
        for attribute, value in attributes.items():
            _check_attribute(attribute, value)
        if name == "svg":
            self.root = attributes

    def end(self, _: str) -> None:
        self.open_elements.pop()

    def text(self, text: str) -> None:
        if self.open_elements[-1:] == ["style"]:
            self.styles.append(text)


def svg_size(content: bytes) -> Size:
    """The size of the picture: of its `viewBox`, or else its width and height. Raises BadPicture."""
    reading = _Reading()
    parser = expat.ParserCreate("utf-8", BETWEEN)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reading.start, reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.ProcessingInstructionHandler = _refuse_instruction
    parser.XmlDeclHandler = _refuse_encoding
    try:
        content.decode("utf-8")  # or else a page in another encoding would read something else than we do
        parser.Parse(content, True)
    except UnicodeDecodeError:
        raise BadPicture("it is not written in UTF-8") from None
    except expat.ExpatError as problem:
        raise BadPicture(
            f"it is not well-formed: {expat.ErrorString(problem.code)} in line {problem.lineno}"
        ) from None
    _check_words("its style", "".join(reading.styles))
    return _size(reading.root)


def _refuse_doctype(*_: object) -> None:
    raise BadPicture("it has a DOCTYPE, which may declare entities; save it without")


def _refuse_instruction(*_: object) -> None:
    raise BadPicture("it has a processing instruction, such as <?xml-stylesheet?>")


def _refuse_encoding(_: str, encoding: str | None, __: int) -> None:
    if encoding is not None and encoding.lower() != "utf-8":
        raise BadPicture(f"it is written in {encoding}; save it in UTF-8")


def _check_attribute(attribute: str, value: str) -> None:
    namespace, _, name = attribute.rpartition(BETWEEN)
    if namespace not in ("", XML):
        raise BadPicture(f"it has the attribute {name} of another language; save it as a plain SVG")
    if name.lower().startswith("on") or name.lower() in ("href", "src", "base"):
        raise BadPicture(f"it has the attribute {name}, which runs or links something")
    _check_words(f"its attribute {name}", value)


def _check_words(where: str, value: str) -> None:
    """Styles may name parts of the same file, such as `url(#sun)`, and nothing else. A comment could hide what browsers read."""
    if "/*" in value or ELSEWHERE.search(value) or ADDRESS.search(value):
        raise BadPicture(f"{where} refers to something outside of the file, or may hide that")


def _size(root: dict[str, str]) -> Size:
    box = re.fullmatch(
        rf"\s*-?{NUMBER}[\s,]+-?{NUMBER}[\s,]+({NUMBER})[\s,]+({NUMBER})\s*", root.get("viewBox", "")
    )
    if box is not None:
        return Size(float(box[1]), float(box[2]))
    sides = [re.fullmatch(rf"({NUMBER})(?:px)?", root.get(side, "")) for side in ("width", "height")]
    if sides[0] is None or sides[1] is None:
        raise BadPicture("it says no size; give its <svg> a viewBox")
    return Size(float(sides[0][1]), float(sides[1][1]))
