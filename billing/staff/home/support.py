"""Requests on the first page: the longest wait first, with the rand at risk."""

from billing.platform.context import TransactionContext
from billing.rules.ages import age_in_words
from billing.rules.money import Money
from billing.staff import reads, requests
from billing.staff.home.lines import LISTED, HomeLine, HomePart, count, oldest_for
from billing.staff.requests import Waiting

ROOM = "/staff/requests"
_WAITING = "SELECT waits_since, 0 FROM reader_request WHERE waits_since IS NOT NULL"
_REPLIED = f"{_WAITING} AND waits_since > received_at"
"""A request that was answered waits from the reader's reply on."""


def support_part(ctx: TransactionContext, *, short: bool) -> HomePart:
    """How many requests wait, how many of them for the second time or more, and each by itself unless it is `short`."""
    waiting = count(ctx.session, _WAITING)
    lines: tuple[HomeLine, ...] = ()
    if waiting.since is not None:
        lines = (
            HomeLine(
                what=f"{waiting.words('request waits', 'requests wait')} for an answer",
                link=ROOM,
                note=_replied(ctx),
                age=oldest_for(ctx, waiting.since),
            ),
            *(() if short else _each(ctx)),
        )
    return HomePart(name="requests", title="Requests", nothing="No request is waiting.", lines=lines)


def _replied(ctx: TransactionContext) -> str:
    """How many were answered and have a reply that nobody has: only the longest waits stand below."""
    found = count(ctx.session, _REPLIED)
    return found.words("has replied", "have replied") if found.number else ""


def _each(ctx: TransactionContext) -> tuple[HomeLine, ...]:
    """The requests that have waited longest. Reading them is counted, as on their own page."""
    rows = requests.waiting(ctx, limit=LISTED)
    reads.note_rows(ctx, "GET /staff", len(rows))
    return tuple(_line(ctx, row) for row in rows)


def _line(ctx: TransactionContext, waiting: Waiting) -> HomeLine:
    request = waiting.request
    since = request.waits_since or request.received_at
    replied = ", has replied" if since > request.received_at else ""
    charged, due = waiting.complained or waiting.charged_since, waiting.next_cents
    return HomeLine(
        what=request.kind.words,
        link=f"{ROOM}/{request.id}",
        note=f"{request.email}{replied}",
        age=age_in_words(ctx.at - since),
        amount=Money(charged or due) if charged or due else None,
        after_amount=_meaning(waiting),
        before_at="" if charged or not due else "charged next on",
        at=None if charged else waiting.next_at,
        urgent=bool(charged),
    )


def _meaning(waiting: Waiting) -> str:
    if waiting.complained:
        return "incl. VAT complained of"
    return "incl. VAT charged since" if waiting.charged_since else "incl. VAT"
