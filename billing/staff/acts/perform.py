"""The only way to act for a reader: lock, check that nothing has changed since the preview, check limits, do, audit."""

import hashlib

from sqlmodel import Session

from billing.personal_data.ask import AlreadyErased
from billing.platform.actors import key_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.readers.models import Reader
from billing.readers.register import lock_reader
from billing.rules.addresses import is_erased
from billing.rules.card_numbers import without_card_numbers
from billing.rules.ceilings import Spent
from billing.staff import audit, facts, key_limits
from billing.staff.acts.limits import check_limits, lock_member, needs_second
from billing.staff.acts.merging import MergeAct
from billing.staff.acts.shape import Act, Preview
from billing.staff.models import AuditLine
from billing.staff.roles import Permission, Role
from billing.staff.second_member import NeedsSecond

_FOR_THE_ERASED = (Permission.REFUND, Permission.ENTER_REFUND)
"""All that is still done for an erased reader: money may have to go back."""


class StaleVersion(Conflict):
    """Something has happened since you looked, so nothing was done. Look at how it stands now."""

    code = "changed_meanwhile"
    title = "Something has changed meanwhile"


class ActNeedsReason(Invalid):
    """Say why, in a few words: the reason stands in the history."""

    code = "needs_reason"


def preview_act(ctx: TransactionContext, act: Act) -> tuple[Preview, str]:
    """What the act would do, and the version of the reader's state that it was shown with, for `perform`."""
    return act.preview(ctx), f"{_state(ctx.session, act)}.{_act_hash(act)}"


def is_same_act(act: Act, version: str) -> bool:
    """Whether the version was made for this act, with these fields."""
    return version.rpartition(".")[2] == _act_hash(act)


def changed_since(session: Session, act: Act, version: str) -> bool:
    """Whether the reader's state has changed since the version was made."""
    return version.partition(".")[0] != _state(session, act)


def _readers_of(act: Act) -> list[str]:
    """The readers whom the act is about, in the order in which they are locked."""
    return sorted({act.reader_id, act.other_id}) if isinstance(act, MergeAct) else [act.reader_id]


def _state(session: Session, act: Act) -> str:
    return "-".join(facts.state_hash(session, reader_id) for reader_id in _readers_of(act))


def _lock(session: Session, act: Act) -> Reader:
    """Lock the act's readers, by id: two acts for the same two can't deadlock. Raises UnknownReader, ReaderMerged."""
    readers = _readers_of(act)
    # both before the subscription of either, as `personal_data.merge` locks them
    if len(readers) > 1:
        for reader_id in readers:
            lock_reader(session, reader_id)
    locked = {reader_id: facts.lock_reader(session, reader_id) for reader_id in readers}
    return locked[act.reader_id]


def perform(
    ctx: TransactionContext, act: Act, *, role: Role | None, reason: str, version: str | None
) -> AuditLine:
    """Do the act in this transaction. Programs have no role and no version; the Idempotency-Key makes theirs happen once.

    Raises UnknownReader, ActNeedsReason, StaleVersion, OverLimit, NeedsSecond, ScopeMissing, KeyOverLimit, and what the act itself refuses."""
    reason, given = checked(ctx, act, role=role, reason=reason, version=version)
    if role is not None and needs_second(ctx, act, given):
        raise NeedsSecond
    return _do(ctx, act, given, reason)


def checked(
    ctx: TransactionContext, act: Act, *, role: Role | None, reason: str, version: str | None
) -> tuple[str, Preview]:
    """Lock the reader; the reason without card numbers, and what the act would do. Raises AlreadyErased, and as `perform`."""
    refuse_erased(_lock(ctx.session, act), act.what)
    reason = without_card_numbers(reason.strip())
    if not reason:
        raise ActNeedsReason
    if version is not None and (not is_same_act(act, version) or changed_since(ctx.session, act, version)):
        raise StaleVersion
    if role is None:
        return reason, act.preview(ctx)
    lock_member(ctx)
    return reason, check_limits(ctx, role, act)


def refuse_erased(reader: Reader, what: Permission) -> None:
    """Raises AlreadyErased for an erased reader, unless the act is still done for one."""
    if is_erased(reader.email) and what not in _FOR_THE_ERASED:
        raise AlreadyErased


def perform_previewed(
    ctx: TransactionContext, act: Act, *, role: Role, reason: str, cents: int, approved: bool
) -> AuditLine:
    """Do an act of many that were previewed together, whatever else has happened since, if the same sum still goes back. Raises as
    `perform`; NeedsSecond only where no second member has `approved` all of them."""
    reason, given = checked(ctx, act, role=role, reason=reason, version=None)
    if given.cents != cents:
        raise StaleVersion
    if not approved and needs_second(ctx, act, given):
        raise NeedsSecond
    return _do(ctx, act, given, reason)


def perform_approved(
    ctx: TransactionContext, act: Act, *, role: Role, reason: str, version: str, cents: int
) -> AuditLine | None:
    """Do an act that another member has approved, as it was shown. None, and nothing is done, where the reader's state has
    changed, or where another sum than `cents` would go back. Raises UnknownReader, OverLimit, and what the act itself refuses."""
    _lock(ctx.session, act)
    lock_member(ctx)
    if changed_since(ctx.session, act, version):
        return None
    given = check_limits(ctx, role, act)
    return _do(ctx, act, given, reason) if given.cents == cents else None


def _do(ctx: TransactionContext, act: Act, given: Preview, reason: str) -> AuditLine:
    before = facts.snapshot(ctx, act.reader_id)
    subject = act.do(ctx, reason)
    more = act.audited(ctx, subject) if isinstance(act, MergeAct) else {}
    key_limits.spend(ctx, key_id_of(ctx.actor), Spent(given.cents, given.days))
    return audit.write(
        ctx,
        act.what.value,
        reader_id=act.reader_id,
        subject=subject,
        reason=reason,
        before=before,
        after=facts.snapshot(ctx, act.reader_id) | more,
        cents=given.cents,
        days=given.days,
    )


def _act_hash(act: Act) -> str:
    return hashlib.sha256(repr(act).encode()).hexdigest()[:16]
