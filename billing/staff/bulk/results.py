"""The lines of an act on many, in pages, and why some were refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.readers.models import Reader
from billing.staff import facts
from billing.staff.bulk.models import BulkAction, BulkLine, LineState

PAGE = 1000
MOST_REASONS = 10


_CHANGED = sa.text(
    f"""SELECT count(DISTINCT l.reader_id), max(c.at) FROM {facts.CHANGES} c JOIN bulk_line l ON l.reader_id = c.reader_id
        WHERE c.at > :since AND l.action_id = :action_id AND l.state = 'ready'"""  # noqa: S608 - of our own
)
"""From the few changes to their lines: an act may have a hundred thousand."""


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line with its reader's address."""

    line: BulkLine
    email: str
    external_id: str | None


def page(session: Session, action_id: str, state: LineState, *, after: str, limit: int) -> list[FoundLine]:
    """Lines in one state by subject, after that of the page before."""
    return _found(session, action_id, after, limit, BulkLine.state == state)


def all_lines(session: Session, action_id: str) -> Iterator[FoundLine]:
    """Every line by subject, read in pages."""
    after = ""
    while found := _found(session, action_id, after, PAGE):
        yield from found
        after = found[-1].line.subject
        session.expunge_all()


def _found(
    session: Session, action_id: str, after: str, limit: int, *which: sa.ColumnElement[bool] | bool
) -> list[FoundLine]:
    lines = (
        select(BulkLine, Reader.email, Reader.external_id)
        .join(Reader, col(Reader.id) == BulkLine.reader_id)
        .where(BulkLine.action_id == action_id, BulkLine.subject > after, *which)
        .order_by(col(BulkLine.subject))
        .limit(limit)
    )
    return [FoundLine(*row) for row in session.exec(lines)]


def reasons(session: Session, action_id: str) -> tuple[tuple[str, int], ...]:
    """Why lines were refused, each with their number, the most frequent first."""
    refused = (
        sa.select(col(BulkLine.words), sa.func.count())
        .where(col(BulkLine.action_id) == action_id, col(BulkLine.state) == LineState.REFUSED)
        .group_by(col(BulkLine.words))
        .order_by(sa.func.count().desc(), col(BulkLine.words))
        .limit(MOST_REASONS)
    )
    return tuple((words, int(lines)) for words, lines in session.execute(refused))


def changed(session: Session, action: BulkAction) -> tuple[int, datetime | None]:
    """How many readers of lines to be done have changed since the act was made, and when the last one did."""
    values = {"action_id": action.id, "since": action.made_at, "without": list(facts.WITHOUT_EFFECT)}
    number, last = session.execute(_CHANGED, values).one()
    return int(number), last
