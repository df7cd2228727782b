"""How much programs and staff's lists read about readers: counted by the hour, and limited by a key's ceiling."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.platform.actors import key_id_of
from billing.platform.context import TransactionContext
from billing.rules import ceilings
from billing.rules.ceilings import Spent
from billing.staff import key_limits
from billing.staff.key_models import BulkRead, KeyReader


def note(ctx: TransactionContext, what: str, reader_ids: Collection[str]) -> None:
    """Count a read of these readers, before it is answered, in its own transaction. Raises KeyOverLimit."""
    if (key_id := key_id_of(ctx.actor)) is not None:
        _check_ceiling(ctx, key_id, set(reader_ids))
    note_rows(ctx, what, len(reader_ids))


def note_rows(ctx: TransactionContext, what: str, rows: int) -> None:
    """Count a read of some rows about readers."""
    line = insert(BulkRead).values(
        by=str(ctx.actor), what=what, hour=ceilings.hour_of(ctx.at), calls=1, readers=rows
    )
    ctx.session.execute(
        line.on_conflict_do_update(
            index_elements=["by", "what", "hour"],
            set_={"calls": BulkRead.calls + 1, "readers": BulkRead.readers + line.excluded.readers},
        )
    )


def latest(session: Session, *, who: str = "", limit: int) -> list[BulkRead]:
    """The lines of the last hours, newest first; `who` is a part of a member's address or a key's name."""
    query = (
        select(BulkRead)
        .order_by(col(BulkRead.hour).desc(), col(BulkRead.by), col(BulkRead.what))
        .limit(limit)
    )
    return list(session.exec(query.where(col(BulkRead.by).icontains(who, autoescape=True)) if who else query))


def _check_ceiling(ctx: TransactionContext, key_id: str, reader_ids: set[str]) -> None:
    """A reader counts once in 24 hours."""
    since = ctx.at - timedelta(hours=ceilings.HOURS)
    known = select(KeyReader.reader_id).where(
        KeyReader.key_id == key_id, col(KeyReader.reader_id).in_(reader_ids), KeyReader.read_at > since
    )
    # First without the lock, as most reads repeat; then under it, as others may have read meanwhile.
    if reader_ids <= set(ctx.session.exec(known).all()):
        return
    key = key_limits.lock_key(ctx.session, key_id)
    new = reader_ids - set(ctx.session.exec(known).all())
    key_limits.refuse_beyond(key, Spent(readers=len(new)), key_limits.within_a_day(ctx, key_id))
    if new:
        rows = insert(KeyReader).values(
            [{"key_id": key_id, "reader_id": reader_id, "read_at": ctx.at} for reader_id in sorted(new)]
        )
        ctx.session.execute(
            rows.on_conflict_do_update(
                index_elements=["key_id", "reader_id"], set_={"read_at": rows.excluded.read_at}
            )
        )
