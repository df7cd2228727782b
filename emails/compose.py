"""Puts a message into words: one template, two environments (only html escapes), styles moved onto the tags."""

import unicodedata
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from emails.errors import UnsafeSubject
from emails.fields import Message
from emails.filters import card, day, rand, span
from emails.flow import columns, flow
from emails.house import House


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words. `subject` is one line, `text` has lines of at most 78, `html` has its styles inline."""

    subject: str
    text: str
    html: str


def render(message: Message, house: House) -> Rendered:
    """The mail for `message`, signed by `house`.

    Raises `UnsafeSubject` where a value would carry a line break or control character into the subject, and
    `UnsafeLink` for a link that is not http or https.
    """
    message.check_links()
    said = asdict(message) | {"house": house}
    subject = _template(message.kind, "plain").render(said, layout="subject.j2")
    if any(_is_control(character) for character in subject) or not subject.strip():
        raise UnsafeSubject(f"{message.kind} has {subject!r}")
    said = _tidied(asdict(message)) | {"house": House(**_tidied(asdict(house)))}
    text = flow(_template(message.kind, "plain").render(said, layout="layout.txt.j2"))
    html = _template(message.kind, "html").render(said, layout="layout.html.j2")
    return Rendered(subject, text, _inliner().inline(html))


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    """In the bodies a line break typed into a value is a space, and other control characters are dropped."""
    return {name: _one_line(value) if isinstance(value, str) else value for name, value in values.items()}


def _one_line(value: str) -> str:
    spaced = "".join(" " if character in "\t\n\v\f\r\x85\u2028\u2029" else character for character in value)
    return "".join(character for character in spaced if not _is_control(character)).strip()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")


@cache
def _template(kind: str, tongue: str) -> Any:
    return _environments()[tongue].get_template(f"{kind}.j2")


@cache
def _environments() -> dict[str, Environment]:
    plain, html = _environment(escapes=False), _environment(escapes=True)
    plain.globals["columns"] = columns
    parts = html.get_template("parts.html.j2").module
    for name in ("button", "link", "facts", "amounts"):
        html.globals[name] = getattr(parts, name)
    for sheet in ("look", "media"):
        html.globals[sheet] = Markup(_own_file(f"{sheet}.css"))  # noqa: S704 our own file
    return {"plain": plain, "html": html}


def _own_file(name: str) -> str:
    return files("emails").joinpath("templates", name).read_text("utf-8")


def _environment(*, escapes: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("emails", "templates"),
        autoescape=escapes,  # noqa: S701 the subject and the text are no markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(rand=rand, day=day)
    environment.globals.update(card=card, span=span)
    return environment


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(load_remote_stylesheets=False)
