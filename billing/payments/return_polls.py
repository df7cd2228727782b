"""How often a reader's return from a hosted page may poll the acquirer. Counted in the database, for all processes together.

Webhooks and the worker poll when they must, and aren't counted."""

from datetime import timedelta

from sqlmodel import col, or_, update

from billing.payments.models import Attempt, CardSetup
from billing.platform.context import TransactionContext

LONGEST_CALL = timedelta(seconds=45)
"""Longer than a call takes: two tries of 20 s, and the pause between. A process that dies in its call delays the next by so
much."""
Polled = type[CardSetup] | type[Attempt]


def claim(ctx: TransactionContext, kind: Polled, polled_id: str) -> bool:
    """Try to claim the next poll. Who gets it calls `done` afterwards; until then all others wait."""
    claimed = ctx.session.exec(
        update(kind)
        .where(
            col(kind.id) == polled_id, or_(col(kind.page_poll_at).is_(None), col(kind.page_poll_at) <= ctx.at)
        )
        .values(page_poll_at=ctx.at + LONGEST_CALL)
    )
    return claimed.rowcount == 1


def done(ctx: TransactionContext, kind: Polled, polled_id: str, seconds: int) -> None:
    """The poll of the instant `at` has its answer, or wasn't made: the next may follow so many `seconds` later."""
    ctx.session.exec(
        update(kind).where(col(kind.id) == polled_id).values(page_poll_at=ctx.at + timedelta(seconds=seconds))
    )
