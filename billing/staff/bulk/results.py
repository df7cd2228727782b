"""The lines of an act on many, in pages, and why some were refused."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.readers.models import Reader
from billing.staff.bulk.models import BulkLine, LineState

PAGE = 1000
MOST_REASONS = 10


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
