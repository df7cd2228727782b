"""A linter for mails: it reads the rendered HTML as a mail program would, in light and in dark mode."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "br", "img", "hr", "input", "link"}
NEEDED_META = {"color-scheme": "light dark", "supported-color-schemes": "light dark"}
Rule = tuple[list[str], dict[str, str]]


@dataclass(eq=False)
class Node:
    """One element, or (without a tag) a run of text."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    words: str = ""

    def all(self, *tags: str) -> list["Node"]:
        found = [child for child in self.children if child.tag in tags]
        return [
            node for child in self.children for node in ([child] if child in found else []) + child.all(*tags)
        ]

    def texts(self) -> list["Node"]:
        if not self.tag:
            return [self]
        return [text for child in self.children for text in child.texts()]

    @property
    def text(self) -> str:
        return " ".join(" ".join(node.words for node in self.texts()).split())

    @property
    def chain(self) -> list["Node"]:
        """The element and its ancestors, from the inside out."""
        node, found = self, []
        while node.parent is not None:
            found.append(node)
            node = node.parent
        return found

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("root")
        self._at = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(node)
        if tag not in VOID:
            self._at = node

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._at.tag == tag, f"</{tag}> closes <{self._at.tag}>"
            self._at = self._at.parent or self._at

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._at.children.append(Node("", parent=self._at, words=data))


def tree(html: str) -> Node:
    """Parse a page; a wrongly nested closing tag fails."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def problems(html: str, subject: str) -> list[str]:
    """The violations of rules X1 to X6 and H18, in words."""
    root = tree(html)
    return [
        *_head(root, subject),
        *_tables(root),
        *_headings(root),
        *_links(root),
        *_images(root),
        *_shape(root, html),
        *_preheader(root),
        *_legible(root, [], "light"),
        *_legible(root, _media(html, "prefers-color-scheme: dark"), "dark"),
    ]


def _head(root: Node, subject: str) -> list[str]:
    html = root.all("html")[0]
    metas = {node.attributes.get("name", ""): node.attributes.get("content") for node in root.all("meta")}
    titles = [node.text for node in root.all("title")]
    return [
        *(
            []
            if html.attributes.get("lang") and html.attributes.get("dir")
            else ["X1 html needs lang and dir"]
        ),
        *([] if titles == [" ".join(subject.split())] else [f"X1 the title {titles} is not the subject"]),
        *([] if any("charset" in node.attributes for node in root.all("meta")) else ["X1 no charset"]),
        *(
            f"X1 {name} is {metas.get(name)!r}"
            for name, value in NEEDED_META.items()
            if metas.get(name) != value
        ),
    ]


def _tables(root: Node) -> list[str]:
    found = []
    for table in root.all("table"):
        cells = [
            cell for cell in table.all("th") if next(up for up in cell.chain if up.tag == "table") is table
        ]
        if table.attributes.get("role") == "presentation":
            found += ["X2 a layout table has headings"] if cells else []
        elif not cells or any(cell.attributes.get("scope") not in ("row", "col") for cell in cells):
            found.append("X2 a table is neither layout nor has headings with a scope")
        found += [
            f"X2 a table without {name}=0"
            for name in ("border", "cellpadding", "cellspacing")
            if table.attributes.get(name) != "0"
        ]
    return found


def _headings(root: Node) -> list[str]:
    levels = [int(node.tag[1]) for node in root.all("h1", "h2", "h3", "h4")]
    skipped = any(after - before > 1 for before, after in pairwise(levels))
    return [f"X4 headings {levels}"] if levels[:1] != [1] or levels.count(1) != 1 or skipped else []


def _links(root: Node) -> list[str]:
    found, seen = [], dict[str, str]()
    for link in root.all("a"):
        target, style = link.attributes.get("href", ""), _style(link)
        if not re.match(r"(https?://|mailto:|tel:)\S", target):
            found.append(f"X4 a link to {target!r}")
        if len(link.text) < 3 or re.fullmatch(r"(click )?here|more|link", link.text, re.IGNORECASE):
            found.append(f"X4 a link that says {link.text!r}")
        if seen.setdefault(link.text, target) != target:
            found.append(f"X4 {link.text!r} leads to two places")
        if style.get("text-decoration") != "underline":
            found.append(f"X4 {link.text!r} is not underlined")
        if _height(style) < 44 or style.get("display") not in ("block", "inline-block"):
            found.append(f"X4 {link.text!r} is {_height(style)} px high")
    return found


def _height(style: dict[str, str]) -> float:
    padding = [_pixels(part) for part in style.get("padding", "0").split()]
    return _pixels(style.get("line-height", "0")) + padding[0] + padding[2 if len(padding) > 2 else 0]


def _images(root: Node) -> list[str]:
    required = ("alt", "width", "height")
    return [
        f"X3 an image without {name}"
        for image in root.all("img")
        for name in required
        if name not in image.attributes
    ]


def _shape(root: Node, html: str) -> list[str]:
    banned = [
        word
        for word in ("position:", "float:", "flex", "grid", "background-image", "<script", "data:")
        if word in html
    ]
    widths = [
        _pixels(style["max-width"]) for node in root.all("table") if "max-width" in (style := _style(node))
    ]
    return [
        *(f"X6 uses {word}" for word in banned),
        *([] if widths == [600.0] else [f"X6 widths are {widths}"]),
        *([] if len(html.encode()) < 90_000 else ["X6 longer than Gmail shows"]),
        *([] if _media(html, "max-width: 480px") else ["X6 no rules for phones"]),
    ]


def _preheader(root: Node) -> list[str]:
    first = root.all("body")[0].texts()[0]
    style = _style(first.chain[1])
    says = " ".join(first.words.split())
    return [
        *([] if style.get("display") == "none" else ["H18 the preheader is not hidden"]),
        *([] if 40 <= len(says) <= 110 else [f"H18 the preheader has {len(says)} characters: {says}"]),
        *(["H18 the preheader repeats the title"] if says in root.all("title")[0].text else []),
    ]


def _legible(root: Node, rules: list[Rule], scheme: str) -> list[str]:
    found = []
    for text in root.all("body")[0].texts():
        styles = [_style(node) | _overrides(node, rules) for node in text.chain[1:]]
        if any(style.get("display") == "none" for style in styles):
            continue
        ink = _first(styles, "color")
        paper = _first(styles, "background-color")
        size = _pixels(_first(styles, "font-size"))
        small = any("foot" in node.classes for node in text.chain)
        if size < (13 if small else 16):
            found.append(f"X5 {size} px: {text.words.strip()[:40]}")
        if contrast(ink, paper) < 4.5:
            found.append(
                f"X5 {scheme} {ink} on {paper} is {contrast(ink, paper):.2f}: {text.words.strip()[:40]}"
            )
        if {ink.lower(), paper.lower()} & {"#000", "#000000", "#fff", "#ffffff"}:
            found.append(f"X5 {scheme} pure black or white")
    return found


def _first(styles: list[dict[str, str]], name: str) -> str:
    return next(style[name] for style in styles if name in style)


def contrast(first: str, second: str) -> float:
    """The WCAG contrast ratio of two colours such as `#211e1a`."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    assert re.fullmatch(r"#[0-9a-fA-F]{6}", colour), colour
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _style(node: Node) -> dict[str, str]:
    return _declarations(node.attributes.get("style", ""))


def _declarations(text: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in text.split(";") if ":" in part)
    return {name.strip(): value.replace("!important", "").strip() for name, value in pairs}


def _pixels(value: str) -> float:
    return float(value.removesuffix("px")) if value not in ("auto", "") else 0.0


def _media(html: str, condition: str) -> list[Rule]:
    """The rules under one @media condition, in order."""
    sheet = re.search(rf"@media \({re.escape(condition)}\) \{{((?:[^{{}}]*\{{[^{{}}]*\}})*)\s*\}}", html)
    if sheet is None:
        return []
    blocks = re.findall(r"([^{}]+)\{([^{}]*)\}", sheet.group(1))
    return [
        ([selector.strip() for selector in selectors.split(",")], _declarations(body))
        for selectors, body in blocks
    ]


def _overrides(node: Node, rules: list[Rule]) -> dict[str, str]:
    """The declarations that apply to a node. All are `!important`, so the more specific wins, then the later."""
    hits = [
        ((len(re.findall(r"\.", selector)), len(selector.split())), place, declared)
        for place, (selectors, declared) in enumerate(rules)
        for selector in selectors
        if _matches(node, selector.split())
    ]
    merged: dict[str, str] = {}
    for _, _, declared in sorted(hits, key=lambda hit: hit[:2]):
        merged |= declared
    return merged


def _matches(node: Node, steps: list[str]) -> bool:
    if not _is(node, steps[-1]):
        return False
    outer = node.chain[1:]
    for step in reversed(steps[:-1]):
        while outer and not _is(outer[0], step):
            outer = outer[1:]
        if not outer:
            return False
        outer = outer[1:]
    return True


def _is(node: Node, step: str) -> bool:
    return step[1:] in node.classes if step.startswith(".") else node.tag == step
