"""Audit what code that knows nothing of staff does for a reader: the state before, and after."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session, select

from billing.payments.refund_models import Refund
from billing.platform.actors import key_id_of
from billing.platform.context import TransactionContext
from billing.rules.ceilings import Spent
from billing.staff import audit, facts, key_limits


@contextmanager
def recorded(
    ctx: TransactionContext, act: str, *, reader_id: str, reason: str = "", subject: str | None = None
) -> Iterator[None]:
    """Lock the reader around the block, then write the audit line with the cents that its refunds give back.

    A block that raises writes nothing. Raises UnknownReader, ScopeMissing, KeyOverLimit."""
    facts.lock_reader(ctx.session, reader_id)
    before = facts.snapshot(ctx, reader_id)
    refunds_before = _refunds(ctx.session, reader_id).keys()
    yield
    after = facts.snapshot(ctx, reader_id)
    refunds = _refunds(ctx.session, reader_id)
    cents = sum(refunds[refund_id] for refund_id in refunds.keys() - refunds_before)
    audit.write(
        ctx,
        act,
        reader_id=reader_id,
        subject=subject,
        reason=reason,
        before=before,
        after=after,
        cents=cents,
    )
    key_limits.spend(ctx, key_id_of(ctx.actor), Spent(cents=cents))


def _refunds(session: Session, reader_id: str) -> dict[str, int]:
    """The cents of each of the reader's refunds, by its id."""
    return dict(session.exec(select(Refund.id, Refund.amount).where(Refund.reader_id == reader_id)).all())
