"""Close the books of a tax period when its VAT return is filed, and reopen them when the return is corrected.

What is learnt later of a closed day is posted on the first open day: tax that was found late goes into the next return."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.ledger.models import ClosedPeriod
from billing.ledger.post import CLOSED_THROUGH
from billing.ledger.recognition import earned_in_books
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid


class PeriodNotOver(Conflict):
    """This period isn't over, or the revenue of its last days isn't earned in the books yet. File its return afterwards."""

    code = "period_not_over"


class PeriodClosed(Conflict):
    """The return of this period, or of a later one, is filed already."""

    code = "period_closed"


class NotTheLastClosed(Conflict):
    """Only the period that was closed last can be reopened."""

    code = "not_the_last_closed"


class NoReturnReference(Invalid):
    """Write down the reference of the return, so that it is found again."""

    code = "no_return_reference"


def closed(session: Session) -> list[ClosedPeriod]:
    """Closed periods, the latest first."""
    rows = (
        select(ClosedPeriod)
        .where(col(ClosedPeriod.reopened_at).is_(None))
        .order_by(col(ClosedPeriod.last).desc())
    )
    return list(session.exec(rows))


def closed_through(session: Session) -> date | None:
    """The last closed day."""
    return session.execute(sa.text(CLOSED_THROUGH)).scalar()


def close(ctx: TransactionContext, first: date, last: date, *, reference: str, payable: int) -> ClosedPeriod:
    """Close the days up to `last`, both those of the period and all before. `payable` is the VAT of the return in cents.

    Raises NoReturnReference, PeriodNotOver, PeriodClosed."""
    if not reference.strip():
        raise NoReturnReference
    hold_postings(ctx.session)
    if last >= ctx.today or not earned_in_books(ctx.session, last):
        raise PeriodNotOver
    already = closed_through(ctx.session)
    if already is not None and last <= already:
        raise PeriodClosed
    row = ClosedPeriod(first=first, last=last, reference=reference.strip(), payable=payable, closed_at=ctx.at)
    ctx.session.add(row)
    ctx.session.flush()
    return row


def reopen(ctx: TransactionContext, last: date) -> ClosedPeriod:
    """Open the period again that was closed last, to correct its return. Raises NotTheLastClosed."""
    hold_postings(ctx.session)
    rows = closed(ctx.session)
    if not rows or rows[0].last != last:
        raise NotTheLastClosed
    rows[0].reopened_at = ctx.at
    ctx.session.flush()
    return rows[0]


def hold_postings(session: Session) -> None:
    """Wait for postings under way, and keep others waiting until this transaction ends: none of them may land in a period whose
    figures are read here."""
    session.execute(sa.text("LOCK TABLE ledger_transaction IN SHARE ROW EXCLUSIVE MODE"))
