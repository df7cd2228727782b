"""Render a mail: one template, two environments (only html escapes), styles moved onto the tags."""

import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from emails.errors import UnsafeSubject
from emails.fields import Document, paragraphed
from emails.filters import by_the, card, day, every, per, rand, returned, span
from emails.flow import columns, flow
from emails.house import House
from emails.languages import ENGLISH, Language, Text, TranslatedEnvironment, in_whole
from emails.mails import Mail

SHEET = ("heading", "papers", "caption", "table_heading", "lines", "total")
"""The parts of a document that its template gives."""
ACCENT, ACCENTS_DARK = "#8c2318", ("#e8907f", "#f0a394")
"""The accents in our styles, which the publisher's replace."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words. `subject` is one line, `text` has lines of at most 78, `html` has its styles inline.

    `language`: English where the wanted one lacks a part."""

    subject: str
    text: str
    html: str
    language: Language = ENGLISH


def render(mail: Mail, house: House, language: Language = ENGLISH) -> Rendered:
    """The subject, text and html of `mail`, signed by `house`, in that language; in English if the language lacks a part of it, or
    if it is for staff.

    Raises `UnsafeSubject` where a value would carry a line break or control character into the subject, and
    `UnsafeLink` for a link that is not http or https.
    """
    mail.check_links()
    return in_whole(ENGLISH if mail.for_staff else language, lambda written: _render(mail, house, written))


def _render(mail: Mail, house: House, language: Language) -> Rendered:
    plain, raw = template(mail.kind, "plain", language), asdict(mail)
    subject = plain.render(raw | {"house": house, "sheets": ()}, layout="subject.j2")
    check_subject(mail.kind, subject)
    tidy = tidy_house(house)
    sheets = [sheet_of(document, tidy, language) for document in mail.documents]
    values = tidied(raw, paragraphed(type(mail))) | {"house": tidy, "sheets": sheets}
    text = flow(plain.render(values, layout="layout.txt.j2"))
    html = template(mail.kind, "html", language).render(values | look_of(house), layout="layout.html.j2")
    return Rendered(subject, text, inliner().inline(html), language)


def check_subject(kind: str, subject: str) -> None:
    """Raises `UnsafeSubject`."""
    if any(is_control(character) for character in subject) or not subject.strip():
        raise UnsafeSubject(f"{kind} has {subject!r}")


def tidy_house(house: House) -> House:
    """The house as the bodies take it."""
    return replace(house, **tidied(house.words))


def sheet_of(document: Document, house: House, language: Language = ENGLISH) -> dict[str, Any]:
    """The words of a document, for the mail and the PDF: its template's parts, which `SHEET` names."""
    words = template(document.kind, "plain", language).make_module(
        tidied(asdict(document)) | {"house": house}
    )
    return {name: _shown(getattr(words, name), language) for name in SHEET}


def tidied(values: dict[str, Any], in_paragraphs: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The values as the bodies take them: a line break becomes a space, other control characters are dropped.

    A field `in_paragraphs` becomes a tuple of its lines."""
    return {
        name: _paragraphs(value) if name in in_paragraphs else _tidy(value) for name, value in values.items()
    }


def _tidy(value: Any) -> Any:
    if isinstance(value, Text):
        if value == _one_line(value):  # as nearly all
            return value
        return Text(_one_line(value.message), tidied(dict(value.values)), value.context)
    if isinstance(value, str):
        return _one_line(value)
    return tuple(tidied(entry) for entry in value) if isinstance(value, tuple) else value


def _paragraphs(value: str) -> tuple[str, ...]:
    return tuple(line for line in map(_one_line, value.split("\n")) if line)


def _one_line(value: str) -> str:
    if value.isascii() and value.isprintable():
        return value.strip()
    spaced = "".join(" " if character in "\t\n\v\f\r\x85\u2028\u2029" else character for character in value)
    return "".join(character for character in spaced if not is_control(character)).strip()


def is_control(character: str) -> bool:
    """Whether a subject must not hold this character: it breaks the line or is invisible."""
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")


@cache
def template(kind: str, environment: str, language: Language = ENGLISH) -> Any:
    """The template of a kind in the environment `plain`, or `html`, which escapes."""
    return _environments(language)[environment].get_template(f"{kind}.j2")


@cache
def _environments(language: Language) -> dict[str, Environment]:
    plain, html = _environment(language, escapes=False), _environment(language, escapes=True)
    plain.globals["columns"] = lambda pairs: columns(_shown(pairs, language))
    parts = html.get_template("parts.html.j2").module
    for name in ("button", "link", "facts", "amounts", "article"):
        html.globals[name] = getattr(parts, name)
    return {"plain": plain, "html": html}


def look_of(house: House) -> dict[str, Markup]:
    """The styles of a mail in the publisher's colours: what every client obeys, and what stands apart for phones and the dark."""
    return _styles(house.brand.accent, house.brand.accent_dark)


@lru_cache(8)
def _styles(accent: str, accent_dark: str) -> dict[str, Markup]:
    look, media = (_own_file(f"{sheet}.css") for sheet in ("look", "media"))
    if accent:
        look = look.replace(ACCENT, accent)
    for shade in ACCENTS_DARK if accent_dark else ():
        media = media.replace(shade, accent_dark)
    return {"look": Markup(look), "media": Markup(media)}  # noqa: S704 our own files


def _own_file(name: str) -> str:
    return files("emails").joinpath("templates", name).read_text("utf-8")


def _environment(language: Language, *, escapes: bool) -> Environment:
    environment = TranslatedEnvironment(
        language,
        loader=PackageLoader("emails", "templates"),
        autoescape=escapes,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    words: dict[str, Callable[..., Text]] = {
        "rand": rand,
        "day": day,
        "every": every,
        "by_the": by_the,
        "per": per,
    }
    environment.filters.update({name: _in(filter_, language) for name, filter_ in words.items()})
    environment.globals.update(
        card=_in(card, language), span=_in(span, language), returned=_in(returned, language)
    )
    return environment


def _in(words: Callable[..., Any], language: Language) -> Callable[..., Any]:
    """The function with its words in a language: templates put them together with others."""
    return lambda *given: _shown(words(*given), language)


def _shown(value: Any, language: Language) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_shown(entry, language) for entry in value)
    return language.shown(value)


@cache
def inliner() -> CSSInliner:
    """Moves the styles onto the tags."""
    return CSSInliner(load_remote_stylesheets=False)
