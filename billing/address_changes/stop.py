"""The owner of the old address stops a change, by a mailed link and without signing in."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col

from billing.address_changes import follow
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.platform.logs import log_event
from billing.readers import address_change, sessions
from billing.readers.address_change import AddressChange, ChangeState
from billing.readers.links import spend
from billing.readers.models import Passkey, Reader
from billing.readers.register import by_address

STOPPABLE = (ChangeState.WAITING, ChangeState.CONFIRMED)


class NothingToStop(Refusal):
    """This change is over: it was never confirmed, or a week has passed since. If your account has an address that isn’t yours, write
    to us, and a person helps."""

    status = 410
    code = "nothing_to_stop"
    title = "Nothing to stop"


@dataclass(frozen=True, slots=True)
class Stop:
    """A change as the stopping link finds it. `confirmed`: stopping it puts the old address back. `stopped`: that is done; `put_back`: and
    the old address is back, as it has no other account."""

    change: AddressChange
    confirmed: bool
    stopped: bool = False
    put_back: bool = False


def look(ctx: TransactionContext, change_id: str) -> Stop:
    """What the link would stop, or has stopped. Changes nothing. Raises NothingToStop."""
    change = _change(ctx, change_id)
    if change.stopped_at is None:
        return Stop(change, confirmed=_is_any_confirmed(_stoppable(ctx, change)))
    rows = address_change.of_reader(ctx.session, change.reader_id)
    done = [row for row in rows if row.stopped_at == change.stopped_at]  # one stop gives all the same instant
    put_back = any(row.put_back_at is not None for row in done)
    return Stop(change, confirmed=_is_any_confirmed(done), stopped=True, put_back=put_back)


def _change(ctx: TransactionContext, change_id: str) -> AddressChange:
    change = ctx.session.get(AddressChange, change_id)
    if change is None:
        raise NothingToStop
    return change


def _stoppable(ctx: TransactionContext, change: AddressChange) -> Sequence[AddressChange]:
    """It and what followed it: whoever took an account over may have changed its address once more. Raises NothingToStop."""
    rows = address_change.of_reader(ctx.session, change.reader_id)
    later = [row for row in rows if row.id >= change.id and row.state(ctx.at) in STOPPABLE]
    if not later or ctx.at > change.stops_until:
        raise NothingToStop
    return later


def _is_any_confirmed(rows: Sequence[AddressChange]) -> bool:
    return any(row.confirmed_at is not None for row in rows)


def stop(ctx: TransactionContext, change_id: str) -> None:
    """Stop it and what followed it, once: a request waits no more, a confirmed change is undone. All browsers are signed out, and
    passkeys that were added meanwhile are removed. Raises NothingToStop."""
    change = _change(ctx, change_id)
    reader = follow.lock_with_links(ctx, change.reader_id)
    ctx.session.refresh(change)  # another press may have stopped it while this one waited for the lock
    if change.stopped_at is not None:
        return
    later = _stoppable(ctx, change)
    put_back = _is_any_confirmed(later) and _put_back(ctx, reader, change)
    for row in {row.id: row for row in (change, *later)}.values():
        if row.used_at is None:
            spend(ctx, row)
        row.stopped_at = ctx.at
        row.put_back_at = ctx.at if put_back and row.confirmed_at is not None else None
    _remove_passkeys(ctx, reader, change)
    sessions.end_sessions(ctx, reader.id)
    log_event(ctx.session, "address change stopped", reader=reader.id, change=change.id)


def _put_back(ctx: TransactionContext, reader: Reader, change: AddressChange) -> bool:
    """Whether the old address is the reader's again. If it has an account of its own by now, staff separate the two."""
    if reader.email == change.old_email:
        return True
    if by_address(ctx.session, change.old_email) is not None:
        open_case(
            ctx,
            CaseKind.ADDRESS_STOPPED,
            change.id,
            f"{change.old_email} stopped the change to {reader.email}, and has an account of its own by now. Find out whose account"
            " this is, and give it its address back.",
            reader_id=reader.id,
            link=f"/staff/readers/{reader.id}",
        )
        return False
    follow.move(ctx, reader, change.old_email)
    change.customer_due_at = ctx.at
    return True


def _remove_passkeys(ctx: TransactionContext, reader: Reader, change: AddressChange) -> None:
    # Whoever asked may have used the same fresh sign-in to add a passkey first.
    since = change.created_at - sessions.FRESH
    ctx.session.execute(
        sa.delete(Passkey).where(col(Passkey.reader_id) == reader.id, col(Passkey.created_at) >= since)
    )
