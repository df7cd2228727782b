"""The demo's articles: Markdown files in `articles/`, with front matter of `name: value` lines.

After a blank line comes the text. Blank lines separate paragraphs; `## ` is a heading, `> ` a quotation, and `!name caption` a figure
from `articles/figures/name.svg`.
"""

import math
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from markupsafe import Markup

from billing.access.policies import NO_TERMS, AccessTerms
from billing.dev.paper.views import Block
from billing.rules.access import AccessLevel
from billing.web.views.start import Teaser

FOLDER = Path(__file__).parent / "articles"
AUDIO = FOLDER / "listen.ogg"
"""The demo's one recording: the opening of the article that has audio, read aloud."""
AUDIO_MINUTES = 1
WORDS_READ_A_MINUTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle:
    """An article with its whole text, which only the server has.

    `terms` are empty if the section's policy applies. `opened` is the reason if an editor opened it to everyone. A `fresh` article is
    published when the demo first starts, to show free hours."""

    teaser: Teaser
    terms: AccessTerms
    opened: str | None
    fresh: bool
    byline: str
    paragraphs: tuple[Block, ...]


@cache
def sample_articles() -> tuple[SampleArticle, ...]:
    """All sample articles, newest first."""
    found = [parse(path.stem, path.read_text("utf-8")) for path in FOLDER.glob("*.md")]
    return tuple(sorted(found, key=lambda article: article.teaser.published_on, reverse=True))


def sample_article(article_id: str) -> SampleArticle | None:
    """The sample article with this id, or None."""
    return _by_id().get(article_id)


@cache
def _by_id() -> dict[str, SampleArticle]:
    return {article.teaser.id: article for article in sample_articles()}


def with_sample(teaser: Teaser) -> Teaser:
    """Add to a teaser what only the sample file has: the lead, the reading time, whether there is a recording."""
    sample = sample_article(teaser.id)
    if sample is None:
        return teaser
    return replace(sample.teaser, access=teaser.access, published_on=teaser.published_on)


def parse(article_id: str, source: str) -> SampleArticle:
    """Parse an article's file. Raises ValueError for a missing field, a wrong date or an unknown access level."""
    head, _, body = source.partition("\n\n")
    lines = dict(line.split(": ", 1) for line in head.splitlines())
    if missing := {"title", "section", "lead", "access", "published", "byline"} - lines.keys():
        raise ValueError(f"{article_id}.md lacks {', '.join(sorted(missing))}.")
    words = len(body.split()) + len(lines["lead"].split())
    return SampleArticle(
        teaser=Teaser(
            id=article_id,
            url=f"/articles/{article_id}",
            title=lines["title"],
            section=lines["section"],
            lead=lines["lead"],
            access=AccessLevel(lines["access"]).value,
            published_on=date.fromisoformat(lines["published"]),
            minutes=math.ceil(words / WORDS_READ_A_MINUTE),
            audio=lines.get("audio") == "yes",
        ),
        terms=_terms(lines),
        opened=lines.get("opened"),
        fresh=lines.get("fresh") == "yes",
        byline=lines["byline"],
        paragraphs=tuple(block(text.strip()) for text in body.split("\n\n") if text.strip()),
    )


def _terms(lines: dict[str, str]) -> AccessTerms:
    if lines.get("policy") == "section":
        return NO_TERMS
    hours, days = (int(lines[name]) if name in lines else None for name in ("free_hours", "open_after_days"))
    return AccessTerms(AccessLevel(lines["access"]), hours, days)


def block(text: str) -> Block:
    """Parse one block of the text. A figure's SVG is a file of this package, so it is trusted markup."""
    if text.startswith("## "):
        return Block(kind="heading", text=text[3:])
    if text.startswith("> "):
        return Block(kind="quote", text=text[2:])
    if text.startswith("!"):
        name, _, caption = text[1:].partition(" ")
        drawing = (FOLDER / "figures" / f"{name}.svg").read_text("utf-8")
        return Block(kind="figure", text=caption, svg=Markup(drawing))  # noqa: S704 - a file of this package
    return Block(kind="paragraph", text=text)
