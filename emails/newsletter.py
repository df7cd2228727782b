"""Renders a newsletter issue: its prose and cards, inside the layout of every mail."""

from dataclasses import dataclass, replace

from markupsafe import Markup

from emails.compose import Rendered, check_subject, inliner, look_of, template, tidied, tidy_house
from emails.flow import flow
from emails.house import House
from emails.languages import ENGLISH, Language, in_whole


@dataclass(frozen=True, slots=True)
class Prose:
    """Running text. The caller has made `html` safe; `text` says the same plainly."""

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
class NewsletterMail:
    """One issue for one kind of reader; the two links are the recipient's own."""

    newsletter: str
    subject: str
    preheader: str
    blocks: tuple[Prose | ArticleCard, ...]
    unsubscribe_url: str
    preferences_url: str


def render_newsletter(mail: NewsletterMail, house: House, language: Language = ENGLISH) -> Rendered:
    """The subject, text and html of `mail`, signed by `house`. Raises `UnsafeSubject`.

    Its frame is in that language: the publication's own, as an issue is rendered once for all its recipients."""
    return in_whole(language, lambda written: _render(mail, house, written))


def _render(mail: NewsletterMail, house: House, language: Language) -> Rendered:
    check_subject("newsletter", mail.subject)
    words = {name: getattr(mail, name) for name in NewsletterMail.__slots__ if name != "blocks"}
    values = tidied(words) | {"blocks": mail.blocks, "house": tidy_house(house)}
    text = flow(template("newsletter", "plain", language).render(values, layout="layout.txt.j2", html=False))
    blocks = [_marked(block) for block in mail.blocks]
    html = template("newsletter", "html", language).render(
        values | look_of(house) | {"blocks": blocks}, layout="layout.html.j2", html=True
    )
    return Rendered(mail.subject, text, inliner().inline(html), language)


def _marked(block: Prose | ArticleCard) -> Prose | ArticleCard:
    return replace(block, html=Markup(block.html)) if isinstance(block, Prose) else block  # noqa: S704 made safe by its maker
