"""Audit something that is done for a reader by code that knows nothing of staff: how it stood before, how after."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session, select

from billing.payments.models import Refund
from billing.platform.actors import key_id_of
from billing.platform.context import TransactionContext
from billing.rules.ceilings import Spent
from billing.staff import audit, facts, key_limits


@contextmanager
def recorded(
    ctx: TransactionContext, act: str, *, reader_id: str, reason: str = "", subject: str | None = None
) -> Iterator[None]:
    """Hold the reader's affairs, let it be done, write the line with the cents that go back by it; nothing when it is refused.
    Raises UnknownReader, ScopeMissing, KeyOverLimit."""
    facts.lock_reader(ctx.session, reader_id)
    before = facts.snapshot(ctx, reader_id)
    known = _refunds(ctx.session, reader_id).keys()
    yield
    after = facts.snapshot(ctx, reader_id)
    made = [cents for refund_id, cents in _refunds(ctx.session, reader_id).items() if refund_id not in known]
    audit.write(
        ctx,
        act,
        reader_id=reader_id,
        subject=subject,
        reason=reason,
        before=before,
        after=after,
        cents=sum(made),
    )
    key_limits.spend(ctx, key_id_of(ctx.actor), Spent(cents=sum(made)))


def _refunds(session: Session, reader_id: str) -> dict[str, int]:
    """The cents of each refund of the reader's, by its id."""
    rows = session.exec(select(Refund.id, Refund.amount).where(Refund.reader_id == reader_id))
    return dict(rows.all())
