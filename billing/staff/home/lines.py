"""The shape of a member's first page, and counts that end early."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.context import TransactionContext
from billing.rules.ages import age_in_words
from billing.rules.money import Money

LISTED = 10
"""How many rows a part names one by one."""
MOST = 1_000
"""A count ends here, so that it costs the same however many wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeLine:
    """What waits, as a link to the page where it is handled. Without a `link` no page of ours handles it, and a `note` says what does.

    `age` says how long it has waited. `at` is a moment, and `before_at` its meaning: "answer by". `amount` includes VAT unless
    `after_amount`, the words behind it, says otherwise. `urgent` marks what is late or lost soon."""

    what: str
    link: str = ""
    note: str = ""
    age: str = ""
    before_at: str = ""
    at: datetime | None = None
    amount: Money | None = None
    after_amount: str = "incl. VAT"
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePart:
    """A part of the page; `name` is a word for its heading's id. `nothing` is the one line where nothing waits."""

    name: str
    title: str
    nothing: str
    lines: tuple[HomeLine, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingCount:
    """How many rows there are, since when the first waits, and their cents. `is_cut`: it ended early, so there may be more."""

    number: int
    since: datetime | None = None
    cents: int = 0
    is_cut: bool = False

    def words(self, one: str, many: str) -> str:
        """The number with its words: "1 request waits", "12 requests wait", "1000 or more requests wait"."""
        if self.number == 1:
            return f"1 {one}"
        return f"{self.number} {'or more ' if self.is_cut else ''}{many}"


def count(session: Session, rows: str, **values: object) -> WaitingCount:
    """Count the rows of a query of two columns, an instant and cents. Its condition needs an index."""
    counted = (
        f"SELECT count(*), min(since), coalesce(sum(cents), 0) FROM ({rows} LIMIT {MOST}) row (since, cents)"  # noqa: S608
    )
    number, since, cents = session.execute(sa.text(counted), values).one()
    return WaitingCount(number, since, int(cents), is_cut=number >= MOST)


def oldest_for(ctx: TransactionContext, since: datetime) -> str:
    """How long the first of several has waited: "the oldest for 3 days"."""
    return f"the oldest for {age_in_words(ctx.at - since)}"
