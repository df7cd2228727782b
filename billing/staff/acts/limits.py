"""How much a role may still give: to a reader in a month, and by a member in a day. What was given is in the audit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Forbidden
from billing.rules.periods import start_of_day
from billing.rules.second_person import GivenAlone, is_needed
from billing.staff.acts.shape import Act, Preview, days_in_words, format_zar
from billing.staff.approval_models import Approval
from billing.staff.models import AuditLine, Outcome, StaffMember
from billing.staff.roles import Role, days_limit, days_limit_a_day, refund_limit


class OverLimit(Forbidden):
    """That is more than your role may give."""

    code = "over_limit"
    title = "That is more than your role may give"


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a limit to give to this reader this month, and by this member today; None: no limit."""

    to_reader: int | None
    today: int | None

    @property
    def least(self) -> int | None:
        """What both leave."""
        return min((one for one in (self.to_reader, self.today) if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may still be given, in cents and in days."""

    cents: Left
    days: Left


def allowance(ctx: TransactionContext, role: Role, reader_id: str) -> Allowance:
    """What the role leaves this member for this reader. Acts of all members count for the reader; what is owed (charged
    since the reader asked to cancel by a proved request, or a first withdrawal) counts for nothing, nor do programs, whose keys have scopes."""
    today = ctx.today
    month, day = (start_of_day(on, ctx.zone) for on in (today.replace(day=1), today))
    to_reader = _given(ctx.session, month, reader_id=reader_id)
    by_member = _given(ctx.session, day, staff_id=staff_id_of(ctx.actor))
    cents = (
        refund_limit(role, ctx.site.staff_limits.support_refund_limit),
        refund_limit(role, ctx.site.staff_limits.support_refund_day_limit),
    )
    days = days_limit(role), days_limit_a_day(role)
    return Allowance(
        Left(_less(cents[0], to_reader[0]), _less(cents[1], by_member[0])),
        Left(_less(days[0], to_reader[1]), _less(days[1], by_member[1])),
    )


def _given(
    session: Session, since: datetime, *which: sa.ColumnElement[bool], **whose: str | None
) -> tuple[int, int]:
    """Cents and days that members have given since then: to a reader, or by a member."""
    total = select(func.coalesce(func.sum(AuditLine.cents), 0), func.coalesce(func.sum(AuditLine.days), 0))
    done = total.where(AuditLine.outcome == Outcome.DONE, AuditLine.at >= since, *which)
    cents, days = session.exec(done.where(col(AuditLine.staff_id).is_not(None)).filter_by(**whose)).one()
    return int(cents), int(days)


def needs_second(ctx: TransactionContext, act: Act, preview: Preview) -> bool:
    """Whether a second member must approve what the act gives back. What two have decided about counts for neither alone."""
    today = start_of_day(ctx.today, ctx.zone)
    alone = col(AuditLine.id).not_in(select(Approval.line_id).where(col(Approval.line_id).is_not(None)))
    given = GivenAlone(
        _given(ctx.session, today, alone, reader_id=act.reader_id)[0],
        _given(ctx.session, today, alone, staff_id=staff_id_of(ctx.actor))[0],
    )
    return is_needed(
        preview.cents,
        given,
        limit=ctx.site.staff_limits.second_person_limit,
        day_limit=ctx.site.staff_limits.second_person_day_limit,
    )


def _less(limit: int | None, given: int) -> int | None:
    return None if limit is None else max(0, limit - given)


def lock_member(ctx: TransactionContext) -> None:
    """Let a member's other acts wait until this transaction ends, so that two at once can't exceed the day's limit. To be called
    with the reader's affairs held: always in this order."""
    ctx.session.exec(
        select(StaffMember.id).where(StaffMember.id == staff_id_of(ctx.actor)).with_for_update(key_share=True)
    ).first()


def check_limits(ctx: TransactionContext, role: Role, act: Act) -> Preview:
    """What the act would do, if the role may still give as much. Raises OverLimit, and what the act refuses."""
    preview = act.preview(ctx)
    left = allowance(ctx, role, act.reader_id)
    if left.cents.least is not None and preview.cents > left.cents.least:
        raise OverLimit(
            f"This would give back {format_zar(preview.cents)}. {_words(left.cents, format_zar)} Ask somebody from finance."
            f" {preview.otherwise}".rstrip()
        )
    if left.days.least is not None and preview.days > left.days.least:
        raise OverLimit(
            f"This would give {days_in_words(preview.days)}. {_words(left.days, days_in_words)} Ask an admin."
        )
    return preview


def left_in_words(ctx: TransactionContext, role: Role, act: Act, preview: Preview) -> tuple[str, ...]:
    """What the role leaves before the act, for its page; nothing where no limit is touched."""
    left = allowance(ctx, role, act.reader_id)
    said = []
    if preview.cents and left.cents.least is not None:
        said.append(_words(left.cents, format_zar))
    if preview.days and left.days.least is not None:
        said.append(_words(left.days, days_in_words))
    return tuple(said)


def _words(left: Left, spell: Callable[[int], str]) -> str:
    parts = []
    if left.to_reader is not None:
        parts.append(f"{spell(left.to_reader)} for this reader this month")
    if left.today is not None:
        parts.append(f"{spell(left.today)} for all readers today")
    return f"Your role leaves you {', and '.join(parts)}."
