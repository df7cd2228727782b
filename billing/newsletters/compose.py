"""The source of an issue, and the mail made from it: prose, article cards, and parts for one variant.

Good morning.

[[article:the-water-nobody-counted]]

::: subscribers
Thank you for paying for this.
:::
::: non-subscribers
Read the rest with a trial.
:::
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import emails
from billing.newsletters import markdown
from billing.platform.errors import Invalid
from emails.languages import Language, say

MOST_BYTES = 90_000
"""Largest HTML: Gmail cuts longer mails (H17)."""
PREHEADER = (40, 110)
SUBJECT = (3, 150)
CARD = re.compile(r"\s*\[\[article:([A-Za-z0-9._~-]{1,200})\]\]\s*")
FENCE = re.compile(r"\s*:::\s*([A-Za-z-]*)\s*")


class Variant(StrEnum):
    """The kind of reader that a mail is for."""

    SUBSCRIBER = "subscriber"
    READER = "reader"
    """Without an entitlement."""


BLOCKS = {"subscribers": Variant.SUBSCRIBER, "non-subscribers": Variant.READER}


class BadIssue(Invalid):
    """This can't be sent as it is."""

    code = "bad_issue"


class BadSubject(Invalid):
    """A subject is one line, without line breaks or control characters."""

    code = "bad_subject"


@dataclass(frozen=True, slots=True)
class IssueCard:
    """An article as an issue shows it. `locked`: only subscribers may read it."""

    section: str
    title: str
    url: str
    locked: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of prose, or a card, for one variant or (None) for all."""

    variant: Variant | None
    prose: str = ""
    article_id: str = ""


@dataclass(frozen=True, slots=True)
class IssueContent:
    """An issue's content before it is rendered for a variant."""

    newsletter: str
    subject: str
    preheader: str
    source: str
    cards: Mapping[str, IssueCard]


def one_line(words: str) -> str:
    """A subject or preheader as it is kept. Raises BadSubject (H13)."""
    if any(map(emails.is_control, words)):
        raise BadSubject
    return words.strip()


def pieces(source: str) -> list[Piece]:
    """The source, parsed. Raises BadIssue with the line's number."""
    found: list[Piece] = []
    variant: Variant | None = None
    opened = 0
    prose: list[str] = []

    def close() -> None:
        if "".join(prose).strip():
            found.append(Piece(variant, prose="\n".join(prose).strip("\n")))
        prose.clear()

    for number, line in enumerate(source.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if card := CARD.fullmatch(line):
            close()
            found.append(Piece(variant, article_id=card[1]))
        elif fence := FENCE.fullmatch(line):
            close()
            variant = _opened(fence[1], variant, number)
            opened = number
        else:
            prose.append(line)
    close()
    if variant is not None:
        raise BadIssue(f"Line {opened} begins a part for some readers, which no line of ::: ends.")
    return found


def _opened(word: str, inside: Variant | None, number: int) -> Variant | None:
    if not word:
        if inside is None:
            raise BadIssue(f"Line {number} ends a part for some readers that hasn't begun.")
        return None
    if inside is not None:
        raise BadIssue(f"Line {number} begins a part inside another; end the first with a line of :::.")
    if word not in BLOCKS:
        raise BadIssue(f"Line {number}: a part is for {' or for '.join(BLOCKS)}, not for {word}.")
    return BLOCKS[word]


def article_ids(source: str) -> list[str]:
    """The articles in a source, which may be unfinished; each once, in order."""
    named = (CARD.fullmatch(line) for line in source.splitlines())
    return list(dict.fromkeys(card[1] for card in named if card))


def issue_mail(
    words: IssueContent, variant: Variant, *, unsubscribe_url: str, preferences_url: str
) -> emails.NewsletterMail:
    """The issue as a mail for one variant. Raises BadIssue."""
    blocks: list[emails.Prose | emails.ArticleCard] = []
    for piece in pieces(words.source):
        if piece.variant not in (None, variant):
            continue
        if piece.article_id:
            blocks.append(_card(words.cards, piece.article_id, variant))
        else:
            blocks.append(emails.Prose(markdown.to_html(piece.prose), markdown.to_text(piece.prose)))
    return emails.NewsletterMail(
        newsletter=words.newsletter,
        subject=words.subject,
        preheader=words.preheader,
        blocks=tuple(blocks),
        unsubscribe_url=unsubscribe_url,
        preferences_url=preferences_url,
    )


def _card(cards: Mapping[str, IssueCard], article_id: str, variant: Variant) -> emails.ArticleCard:
    card = cards.get(article_id)
    if card is None:
        raise BadIssue(f"There is no article {article_id}; pick one from the list.")
    note = say("For subscribers") if card.locked and variant is Variant.READER else ""
    return emails.ArticleCard(card.section, card.title, card.url, note)


def problems(words: IssueContent, house: emails.House, language: Language) -> list[str]:
    """What keeps an issue from being sent, in words for its editor."""
    found = []
    if not SUBJECT[0] <= len(words.subject) <= SUBJECT[1]:
        found.append(
            f"The subject has {len(words.subject)} characters; {SUBJECT[0]} to {SUBJECT[1]} are good."
        )
    if not PREHEADER[0] <= len(words.preheader) <= PREHEADER[1]:
        found.append(
            f"The line under the subject has {len(words.preheader)} characters; {PREHEADER[0]} to {PREHEADER[1]} are good."
        )
    elif words.preheader.casefold() == words.subject.casefold():
        found.append("The line under the subject only repeats it.")
    try:
        for variant in Variant:
            found += [
                problem for problem in _problems_of(words, variant, house, language) if problem not in found
            ]
    except BadIssue as refusal:
        found.append(refusal.detail)
    return found


def _problems_of(
    words: IssueContent, variant: Variant, house: emails.House, language: Language
) -> Iterable[str]:
    draft = issue_mail(
        words, variant, unsubscribe_url="https://x.invalid/u", preferences_url="https://x.invalid/p"
    )
    if not draft.blocks:
        yield f"There is nothing in it for a {variant.value}."
    if "⟦" in words.source or "⟧" in words.source:
        yield "The brackets ⟦ and ⟧ are ours; use others."
    for piece in pieces(words.source):
        for href in markdown.broken_links(piece.prose):
            yield f"The link to {href[:80]} isn't a whole address (https://…)."
    try:
        size = len(emails.render_newsletter(draft, house, language).html.encode())
    except emails.UnsafeSubject:
        return
    if size > MOST_BYTES:
        yield f"It is {kilobytes(size)} long for a {variant.value}; mail programs cut what is over {kilobytes(MOST_BYTES)}."


def kilobytes(size: int) -> str:
    """A number of bytes, for people."""
    return f"{size / 1000:.1f} kB"
