"""The one way to act for a reader: hold their affairs, see that nothing has changed since the preview, mind the limits, do, audit."""

import hashlib

from sqlmodel import Session

from billing.errors import Conflict, Forbidden, Invalid
from billing.rules.card_numbers import without_card_numbers
from billing.staff import audit, facts
from billing.staff.acts.shape import Act, Desk, Preview, rand
from billing.staff.audit import Actor
from billing.staff.models import AuditLine
from billing.staff.roles import Role, days_limit, refund_limit


class Changed(Conflict):
    """Something has happened since you looked, so nothing was done. Look at how it stands now."""

    code = "changed_meanwhile"
    title = "Something has changed meanwhile"


class OverLimit(Forbidden):
    """That is more than your role may give in one act."""

    code = "over_limit"
    title = "That is more than your role may give"


class NeedsReason(Invalid):
    """Say why, in a few words: the reason stands in the history."""

    code = "needs_reason"


def foresee(desk: Desk, act: Act) -> tuple[Preview, str]:
    """What the act would do, and the version of what was looked at; pass that on to `perform`."""
    return act.preview(desk), f"{facts.version(desk.session, act.reader_id)}.{_wish(act)}"


def same_wish(act: Act, version: str) -> bool:
    """Whether the version was given for this very act, with these fields."""
    return version.rpartition(".")[2] == _wish(act)


def changed_since(session: Session, act: Act, version: str) -> bool:
    """Whether the reader's affairs have changed since the version was given."""
    return version.partition(".")[0] != facts.version(session, act.reader_id)


def perform(
    desk: Desk,
    act: Act,
    *,
    actor: Actor,
    role: Role | None,
    why: str,
    version: str | None,
) -> AuditLine:
    """Do it, once, in this transaction. Programs have no role, and no version: theirs is the Idempotency-Key.

    Raises UnknownReader, NeedsReason, Changed, OverLimit, and what the act itself refuses."""
    session, at = desk.session, desk.at
    facts.hold(session, act.reader_id)
    why = without_card_numbers(why.strip())
    if not why:
        raise NeedsReason
    if version is not None and (not same_wish(act, version) or changed_since(session, act, version)):
        raise Changed
    if role is not None:
        mind_limits(desk, role, act)
    before = facts.snapshot(session, act.reader_id, at)
    subject = act.do(desk, actor, why)
    return audit.write(
        session,
        actor,
        act.what.value,
        at=at,
        reader_id=act.reader_id,
        subject=subject,
        why=why,
        before=before,
        after=facts.snapshot(session, act.reader_id, at),
    )


def mind_limits(desk: Desk, role: Role, act: Act) -> None:
    """Raises OverLimit when the act gives more money or days than the role may in one act; and what the act refuses."""
    preview = act.preview(desk)
    most = refund_limit(role, desk.support_refund_limit)
    if most is not None and preview.cents > most:
        raise OverLimit(
            f"This would give back {rand(preview.cents)}. As {role} you may give back up to {rand(most)} in one act;"
            " ask somebody from finance."
        )
    if preview.days > days_limit(role):
        raise OverLimit(
            f"As {role} you may give up to {days_limit(role)} days in one act, not {preview.days}; ask an admin."
        )


def _wish(act: Act) -> str:
    return hashlib.sha256(repr(act).encode()).hexdigest()[:16]
