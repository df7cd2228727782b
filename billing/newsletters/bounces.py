"""Bounces and complaints: their effect on the delivery and on the address (B3, B4)."""

from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from billing.mail import suppressions
from billing.mail.bounces import BounceKind, BounceReport
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters.models import BounceRecord, Delivery, DeliveryState, Signup
from billing.newsletters.progress import FINAL_AFTER
from billing.newsletters.signups import Origin, Person, leave, person_of
from billing.platform.context import TransactionContext

SOFT_BOUNCES = 5
SOFT_ISSUES = 3
SOFT_WITHIN = timedelta(days=14)
SETTLES_WITHIN = FINAL_AFTER - timedelta(days=1)
"""How long after its issue's start a report may change a delivery. A day less than to the final counts, so no report runs beside them."""
COMPLAINT = Origin("complaint")


class ReportOutcome(StrEnum):
    """The effect of a report."""

    NEW = "taken"
    LATE = "taken; the newsletter's numbers no longer change"
    KNOWN = "known already"
    GONE = "about a delivery so old that it isn't kept; nothing changed"
    UNKNOWN = "about no delivery of ours"


def handle_report(ctx: TransactionContext, report: BounceReport) -> ReportOutcome:
    """Apply a genuine report. A replay changes nothing.

    A late one stops further newsletters to the address as any other, for as long as the delivery is kept: it has the address."""
    of_report = select(Delivery).where(Delivery.number == report.number)
    delivery = ctx.session.exec(of_report.with_for_update()).first()
    if delivery is None:
        return ReportOutcome.GONE if _was_ours(ctx, report.number) else ReportOutcome.UNKNOWN
    if not record_bounce(ctx, delivery, report):
        return ReportOutcome.KNOWN
    is_late = delivery.started_at <= ctx.at - SETTLES_WITHIN
    if not is_late:
        _settle(delivery, report, ctx.at)
    if report.kind is BounceKind.COMPLAINT:
        leave(ctx, Person(delivery.address, _reader_of(ctx, delivery)), None, COMPLAINT)
    return ReportOutcome.LATE if is_late else ReportOutcome.NEW


def _reader_of(ctx: TransactionContext, delivery: Delivery) -> str | None:
    """The id of the reader who gets that newsletter today, wherever the address belongs by now."""
    signup = ctx.session.get(Signup, delivery.signup_id)
    return person_of(ctx.session, signup).reader_id if signup is not None else delivery.reader_id


def _was_ours(ctx: TransactionContext, number: int) -> bool:
    """Whether a delivery, which isn't kept any more, had this number. They are numbered in order."""
    last = sa.text("SELECT pg_sequence_last_value(pg_get_serial_sequence('delivery', 'number')::regclass)")
    return 0 < number <= (ctx.session.execute(last).scalar_one() or 0)


def record_bounce(ctx: TransactionContext, delivery: Delivery, report: BounceReport) -> bool:
    """Store the evidence and suppress the address if needed. Returns whether the report was new.

    A complaint or an unknown mailbox suppresses at once. A soft bounce does after five within two weeks over at least three
    issues, each mail counted once. A refusal by policy never does: it isn't the reader's fault (B3)."""
    digest = suppressions.digest(ctx.site.tokens, delivery.address)
    row = insert(BounceRecord).values(
        number=delivery.number,
        name=report.name,
        issue_id=delivery.issue_id,
        address_digest=digest,
        kind=report.kind,
        status=report.status,
        at=ctx.at,
    )
    kept = ctx.session.execute(row.on_conflict_do_nothing().returning(col(BounceRecord.name)))
    if kept.first() is None:
        return False
    reason = _reason(ctx, report.kind, digest)
    if reason is not None:
        source = f"delivery {delivery.number} {report.status}".strip()
        suppressions.suppress(
            ctx, delivery.address, scope=suppressions.NEWSLETTERS, reason=reason, source=source
        )
    return True


def _reason(ctx: TransactionContext, kind: BounceKind, digest: str) -> SuppressionReason | None:
    match kind:
        case BounceKind.HARD:
            return SuppressionReason.HARD_BOUNCE
        case BounceKind.COMPLAINT:
            return SuppressionReason.COMPLAINT
        case BounceKind.POLICY:
            return None
        case BounceKind.SOFT:
            bounces, issues = ctx.session.execute(
                sa.text(
                    "SELECT count(DISTINCT number), count(DISTINCT issue_id) FROM bounce_record"
                    " WHERE address_digest = :digest AND kind = 'soft' AND at > :since"
                ),
                {"digest": digest, "since": ctx.at - SOFT_WITHIN},
            ).one()
            is_enough = bounces >= SOFT_BOUNCES and issues >= SOFT_ISSUES
            return SuppressionReason.SOFT_BOUNCES if is_enough else None


def _settle(delivery: Delivery, report: BounceReport, at: datetime) -> None:
    """A report proves that the mail was sent, so it settles an uncertain delivery too. Skipped ones were never sent."""
    if delivery.state in (DeliveryState.SKIPPED, DeliveryState.COMPLAINED):
        return
    is_complaint = report.kind is BounceKind.COMPLAINT
    delivery.state = DeliveryState.COMPLAINED if is_complaint else DeliveryState.BOUNCED
    delivery.claimed_by, delivery.settled_at = None, at
    delivery.last_answer = f"{report.kind.value} {report.status}".strip()
