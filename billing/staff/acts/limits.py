"""How much a role may still give: to a reader in a month, and by a member in a day. The audit holds what was given."""

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
from billing.staff.bulk.models import BulkAction, BulkLine
from billing.staff.models import AuditLine, Outcome, StaffMember
from billing.staff.roles import Role, days_limit, days_limit_a_day, refund_limit


class OverLimit(Forbidden):
    """That is more than your role may give."""

    code = "over_limit"
    title = "That is more than your role may give"


@dataclass(frozen=True, slots=True)
class Left:
    """What a member may still give to this reader this month, and to all readers today; None: no limit."""

    to_reader: int | None
    today: int | None

    @property
    def least(self) -> int | None:
        """The smaller of both."""
        return min((left for left in (self.to_reader, self.today) if left is not None), default=None)

    def in_words(self, spell: Callable[[int], str]) -> str:
        """For the page and the refusal."""
        reader, today = self.to_reader, self.today
        parts = [] if reader is None else [f"{spell(reader)} for this reader this month"]
        parts += [] if today is None else [f"{spell(today)} for all readers today"]
        return f"Your role leaves you {', and '.join(parts)}."


def _allowance(ctx: TransactionContext, role: Role, reader_id: str) -> tuple[Left, Left]:
    """The cents and the days that the role leaves this member for this reader. Acts of all members count for the reader.

    What is owed doesn't count: charges since a proved request to cancel, and a first withdrawal. Programs don't count
    either: their keys have ceilings."""
    month, today = (start_of_day(on, ctx.zone) for on in (ctx.today.replace(day=1), ctx.today))
    cents_to_reader, days_to_reader = _given(ctx.session, month, reader_id=reader_id)
    cents_today, days_today = _given(ctx.session, today, staff_id=staff_id_of(ctx.actor))
    limits = ctx.site.staff_limits
    cents = Left(
        _less(refund_limit(role, limits.support_refund_limit), cents_to_reader),
        _less(refund_limit(role, limits.support_refund_day_limit), cents_today),
    )
    return cents, Left(_less(days_limit(role), days_to_reader), _less(days_limit_a_day(role), days_today))


def _given(
    session: Session, since: datetime, *which: sa.ColumnElement[bool], **whose: str | None
) -> tuple[int, int]:
    """Cents and days that members have given since then: to one reader, or by one member."""
    total = select(func.coalesce(func.sum(AuditLine.cents), 0), func.coalesce(func.sum(AuditLine.days), 0))
    done = total.where(AuditLine.outcome == Outcome.DONE, AuditLine.at >= since, *which)
    cents, days = session.exec(done.where(col(AuditLine.staff_id).is_not(None)).filter_by(**whose)).one()
    return int(cents), int(days)


def needs_second(ctx: TransactionContext, act: Act, preview: Preview) -> bool:
    """Whether a second member must approve what the act gives back. What two members decided doesn't count."""
    today = start_of_day(ctx.today, ctx.zone)
    given = GivenAlone(
        _given(ctx.session, today, *_alone(), reader_id=act.reader_id)[0],
        given_alone_today(ctx),
    )
    return is_needed(
        preview.cents,
        given,
        limit=ctx.site.staff_limits.second_person_limit,
        day_limit=ctx.site.staff_limits.second_person_day_limit,
    )


def given_alone_today(ctx: TransactionContext) -> int:
    """The cents that this member has given today on their own decision."""
    today = start_of_day(ctx.today, ctx.zone)
    return _given(ctx.session, today, *_alone(), staff_id=staff_id_of(ctx.actor))[0]


def _alone() -> tuple[sa.ColumnElement[bool], ...]:
    """SQL conditions: no second member decided about the act, nor about the act on many that it belongs to."""
    approved = select(Approval.line_id).where(col(Approval.line_id).is_not(None))
    of_many = (
        sa.select(sa.literal(1))
        .select_from(BulkLine)
        .join(BulkAction, col(BulkAction.id) == col(BulkLine.action_id))
        .where(col(BulkLine.audit_line_id) == col(AuditLine.id), col(BulkAction.approved))
    )
    return col(AuditLine.id).not_in(approved), ~sa.exists(of_many.correlate(AuditLine))


def _less(limit: int | None, given: int) -> int | None:
    return None if limit is None else max(0, limit - given)


def lock_member(ctx: TransactionContext) -> None:
    """Let a member's other acts wait until this transaction ends, so that two at once can't exceed the day's limit.

    Lock the reader first, always in this order, or two acts deadlock."""
    # NO KEY UPDATE: audit lines that name the member can still be inserted
    ctx.session.exec(
        select(StaffMember.id).where(StaffMember.id == staff_id_of(ctx.actor)).with_for_update(key_share=True)
    ).first()


def check_limits(ctx: TransactionContext, role: Role, act: Act) -> Preview:
    """What the act would do, if the role may still give as much. Raises OverLimit, and what the act refuses."""
    preview = act.preview(ctx)
    cents, days = _allowance(ctx, role, act.reader_id)
    if cents.least is not None and preview.cents > cents.least:
        raise OverLimit(
            f"This would give back {format_zar(preview.cents)}. {cents.in_words(format_zar)} Ask somebody from finance."
            f" {preview.otherwise}".rstrip()
        )
    if days.least is not None and preview.days > days.least:
        raise OverLimit(
            f"This would give {days_in_words(preview.days)}. {days.in_words(days_in_words)} Ask an admin."
        )
    return preview


def left_in_words(ctx: TransactionContext, role: Role, act: Act, preview: Preview) -> tuple[str, ...]:
    """What the role leaves before the act, for its page; nothing where no limit is touched."""
    cents, days = _allowance(ctx, role, act.reader_id)
    given = ((preview.cents, cents, format_zar), (preview.days, days, days_in_words))
    return tuple(left.in_words(spell) for amount, left, spell in given if amount and left.least is not None)
