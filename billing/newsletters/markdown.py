"""Renders an editor's Markdown, CommonMark without raw HTML and pictures, to safe HTML and to plain text."""

from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {"p", "h2", "h3", "ul", "ol", "li", "strong", "em", "a", "blockquote", "code", "pre", "hr", "br"}
SCHEMES = {"http", "https", "mailto"}


@cache
def _parser() -> MarkdownIt:
    """A parser that shows raw HTML as typed."""
    return MarkdownIt("commonmark", {"html": False}).disable("image")


def to_html(source: str) -> str:
    """Safe HTML. The output is sanitised too, should the parser have a hole."""
    tokens = _headed(_parser().parse(source))
    html = _parser().renderer.render(tokens, _parser().options, {})
    return nh3.clean(
        html, tags=TAGS, attributes={"a": {"href"}, "ol": {"start"}}, url_schemes=SCHEMES, link_rel=None
    ).strip()


def to_text(source: str) -> str:
    """Plain text: paragraphs between blank lines, each link's address after its words."""
    return "\n\n".join(_blocks(_headed(_parser().parse(source))))


def broken_links(source: str) -> list[str]:
    """Links that can't work in a mail, because they aren't absolute."""
    hrefs = (str(token.attrGet("href")) for token in _inline(source) if token.type == "link_open")
    return [href for href in hrefs if not _is_whole(href)]


def _is_whole(href: str) -> bool:
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return "@" in parts.path
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _inline(source: str) -> Iterator[Token]:
    for token in _parser().parse(source):
        yield from token.children or []


def _headed(tokens: list[Token]) -> list[Token]:
    """Start headings at the second level, below the subject, and skip no level."""
    seen = False
    for token in tokens:
        if token.type == "heading_open":
            token.tag = "h3" if seen and token.tag not in ("h1", "h2") else "h2"
            seen = seen or token.tag == "h2"
            last = token.tag
        elif token.type == "heading_close":
            token.tag = last
    return tokens


def _blocks(tokens: list[Token]) -> Iterator[str]:
    """Paragraphs; those in lists and quotations are indented."""
    marks: list[str] = []
    numbers: list[int | None] = []
    """The next item's number in each open list; None in a list of bullets."""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                numbers.append(None)
            case "ordered_list_open":
                numbers.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                numbers.pop()
            case "list_item_open":
                number = numbers[-1]
                marks = ["- " if number is None else f"{number}. "]
                numbers[-1] = None if number is None else number + 1
            case "blockquote_open":
                marks.append("> ")
            case "blockquote_close":
                marks = []
            case "inline":
                depth = "  " * max(len(numbers) - 1, 0)
                words = _words(token)
                yield f"  {depth}{''.join(marks)}{words}" if marks or numbers else words
                marks = [mark for mark in marks if mark == "> "]
            case "fence" | "code_block":
                yield "\n".join(f"  {line}" for line in token.content.rstrip("\n").split("\n"))
            case "hr":
                yield "  * * *"
            case _:
                pass


def _words(inline: Token) -> str:
    said: list[str] = []
    targets: list[str] = []
    for token in inline.children or []:
        match token.type:
            case "link_open":
                targets.append(str(token.attrGet("href")))
                said.append("\0")  # marks the start; the parser leaves no NUL of the source
            case "link_close":
                start = len(said) - 1 - said[::-1].index("\0")
                label, target = "".join(said[start + 1 :]), targets.pop()
                plain = target.removeprefix("mailto:")
                said[start:] = [label if label == plain else f"{label} ({plain})"]
            case "softbreak" | "hardbreak":
                said.append(" ")
            case _:
                said.append(token.content)
    return "".join(said)
