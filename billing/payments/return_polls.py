"""How often the acquirer is asked how a hosted page ended, because its reader has come back: kept in the database, so that all
processes count together. Webhooks and the worker ask when they must, and aren't counted."""

from datetime import timedelta

from sqlmodel import col, or_, update

from billing.payments.models import Attempt, CardSetup
from billing.platform.context import TransactionContext

LONGEST_CALL = timedelta(seconds=45)
"""Longer than one question takes: two tries of 20 s, and the pause between. A process that dies while it asks holds up the next
question for so long."""
Polled = type[CardSetup] | type[Attempt]


def claim(ctx: TransactionContext, kind: Polled, polled_id: str) -> bool:
    """Whether it is for the caller to ask now. Then it says `done` afterwards; until then the others wait."""
    claimed = ctx.session.exec(
        update(kind)
        .where(
            col(kind.id) == polled_id, or_(col(kind.page_poll_at).is_(None), col(kind.page_poll_at) <= ctx.at)
        )
        .values(page_poll_at=ctx.at + LONGEST_CALL)
    )
    return claimed.rowcount == 1


def done(ctx: TransactionContext, kind: Polled, polled_id: str, seconds: int) -> None:
    """The question asked at the instant `at` has its answer, or wasn't put: the next one may follow so many `seconds` later."""
    ctx.session.exec(
        update(kind).where(col(kind.id) == polled_id).values(page_poll_at=ctx.at + timedelta(seconds=seconds))
    )
