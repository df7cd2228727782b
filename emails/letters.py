"""An issue of a newsletter, put into words: its own prose and cards inside the same layout as every mail."""

from dataclasses import dataclass, replace

from markupsafe import Markup

from emails.compose import Rendered, inliner, is_control, template, tidied
from emails.errors import UnsafeSubject
from emails.flow import flow
from emails.house import House


@dataclass(frozen=True, slots=True)
class Prose:
    """Running text. `html` is markup that whoever made it has made safe; `text` says the same plainly."""

    html: str
    text: str


@dataclass(frozen=True, slots=True)
class ArticleCard:
    """An article to open. `note` is a word about who can read it, or empty."""

    section: str
    title: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One issue for one kind of reader; the two links are the recipient's own."""

    newsletter: str
    subject: str
    preheader: str
    blocks: tuple[Prose | ArticleCard, ...]
    unsubscribe_url: str
    preferences_url: str


def render_letter(letter: Letter, house: House) -> Rendered:
    """The mail for `letter`, signed by `house`. Raises `UnsafeSubject`."""
    if any(is_control(character) for character in letter.subject) or not letter.subject.strip():
        raise UnsafeSubject(f"newsletter has {letter.subject!r}")
    said: dict[str, object] = {
        "newsletter": letter.newsletter,
        "subject": letter.subject,
        "preheader": letter.preheader,
        "unsubscribe_url": letter.unsubscribe_url,
        "preferences_url": letter.preferences_url,
    }
    said = tidied(said) | {
        "blocks": letter.blocks,
        "house": House(**tidied({name: getattr(house, name) for name in House.__slots__})),
    }
    text = flow(template("newsletter", "plain").render(said, layout="layout.txt.j2", html=False))
    blocks = [_marked(block) for block in letter.blocks]
    html = template("newsletter", "html").render(
        said | {"blocks": blocks}, layout="layout.html.j2", html=True
    )
    return Rendered(letter.subject, text, inliner().inline(html))


def _marked(block: Prose | ArticleCard) -> Prose | ArticleCard:
    return replace(block, html=Markup(block.html)) if isinstance(block, Prose) else block  # noqa: S704 made safe by its maker
