"""The text of a received mail, and the names of what is attached. Nothing else of it is kept."""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from html.parser import HTMLParser

MOST_PARTS = 200
_CONTAINERS = ("multipart/alternative", "multipart/mixed", "multipart/related", "multipart/signed")
_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Control characters, surrogates, which UTF-8 can't hold, and characters that turn the direction of writing."""
_HIDDEN = ("head", "style", "script", "title", "template", "blockquote")
_MARKED_SECTION = re.compile(r"<!\[[^>]*(>|\Z)")
"""Such as `<![if !mso]>`, which browsers skip. The library raises AssertionError at one that it doesn't know."""
_BREAKS = ("br", "p", "div", "tr", "li", "h1", "h2", "h3")
LONGEST_NAME = 100
MOST_NAMES = 10


def text_of(message: Message) -> str:
    """The words of a mail: its plain text, else the text of its HTML. Empty where it has neither."""
    parts = list(_parts(message))
    for kind, read in (("text/plain", str), ("text/html", _text_of_html)):
        found = [part for part in parts if part.get_content_type() == kind and not _is_attached(part)]
        if found:
            return clean("\n".join(read(_decoded(part)) for part in found))
    return ""


def names_of_attachments(message: Message) -> list[str]:
    """The names of the attachments, ten at most."""
    attached = [part for part in _parts(message) if _is_attached(part)]
    return [_name(part) for part in attached][:MOST_NAMES]


def header(message: Message, name: str) -> str:
    """A header as a line of text, decoded; empty where the mail lacks it."""
    raw = str(message.get(name, ""))[:2000]
    try:
        return clean(" ".join(str(make_header(decode_header(raw))).split()))
    except (HeaderParseError, LookupError, ValueError):  # an unknown or broken encoding
        return clean(" ".join(raw.split()))


def clean(text: str) -> str:
    """The text without characters that a page or the database can't show."""
    return _UNKEPT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _parts(message: Message) -> Iterator[Message]:
    """The parts that hold something. A mail inside the mail is one part."""
    left, seen = [message], 0
    while left and seen < MOST_PARTS:
        part, seen = left.pop(0), seen + 1
        payload = part.get_payload()
        if part.get_content_type() in _CONTAINERS and isinstance(payload, list):
            left = [each for each in payload if isinstance(each, Message)] + left
        else:
            yield part


def _is_attached(part: Message) -> bool:
    is_text = part.get_content_maintype() == "text"
    return not is_text or part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _name(part: Message) -> str:
    name = clean(" ".join((part.get_filename() or "").split())) or part.get_content_type()
    return name[:LONGEST_NAME]


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


class _HtmlText(HTMLParser):
    """Collects the text that a person sees, without quoted mails."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self.hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as the parser calls it
        """Begin a line, or a part that isn't shown."""
        if tag in _HIDDEN:
            self.hidden.append(tag)
        elif tag in _BREAKS:
            self.written.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a part that isn't shown."""
        if self.hidden and self.hidden[-1] == tag:
            self.hidden.pop()

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        if not self.hidden:
            self.written.append(re.sub(r"\s+", " ", data))


def _text_of_html(html: str) -> str:
    parser = _HtmlText()
    parser.feed(_MARKED_SECTION.sub("", html))
    parser.close()
    lines = (line.strip() for line in "".join(parser.written).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
