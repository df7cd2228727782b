"""The second step of a charge: claim what `intend_charges` wrote down, and call the gateway with no transaction open.

An attempt belongs to the worker whose number stands in it. When that worker is dead, any other may claim it, and looks up what
became of it before it sends anything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.acquirer import breaker
from billing.acquirer.answers import (
    ChargeClaim,
    ChargeRequest,
    NeverArrived,
    NotTaken,
    Outcome,
    PageClosed,
    SentBefore,
)
from billing.acquirer.port import Gateway
from billing.cases.models import Case, CaseKind
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, PaymentMethod
from billing.payments.payment_page import close_or_look_up
from billing.platform import bulk
from billing.platform.claims import assign, unclaimed
from billing.platform.context import TransactionContext
from billing.platform.installation import ASKING, refuse_held
from billing.platform.stop_points import reached
from billing.rules.decline_causes import DeclineCause
from billing.rules.lifecycle import State
from billing.subscriptions.models import Subscription

SENT_WITHIN = timedelta(hours=20)
"""A charge that has waited for longer is decided again: what allowed it, such as its notices, may not hold any more."""
AFTER_TRIAL = "TRIAL OVER"
"""Descriptor of the first charge after a trial (CARD-9)."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The attempt never reached the acquirer, and must not any more."""


@dataclass(frozen=True, slots=True)
class ClaimedAttempt:
    """An attempt to send or to look up."""

    attempt_id: str
    acquirer: str
    request: ChargeRequest
    sent_before: SentBefore | None
    """None where it was never sent."""
    wanted: bool
    """Whether the money is still to be taken: the reader hasn't cancelled, and the invoice is open."""
    hosted: bool = False
    page_ref: str | None = None
    not_taken_reason: str | None = None
    """What the acquirer said when it wouldn't make the charge."""
    for_staff: bool = False
    """Whether such an attempt waits until staff have closed its case."""


def claim(
    ctx: TransactionContext,
    me: int,
    *,
    limit: int,
    subscription_id: str | None = None,
    paused_at: str | None = None,
) -> list[ClaimedAttempt]:
    """Claim open attempts that are due, of acquirers that aren't paused; or, for a probe, of the one that is `paused_at`. Commit
    before calling the gateway. Raises NotAdopted, AsksAcquirer: the database may have changed under a run that goes on after a
    lost connection."""
    refuse_held(ctx.session)
    query = (
        _attempts()
        .where(
            col(Attempt.state) == AttemptState.OPEN,
            col(Attempt.next_poll_at) <= ctx.at,
            unclaimed(Attempt.claimed_by),
            breaker.goes_on(Attempt.acquirer) if paused_at is None else col(Attempt.acquirer) == paused_at,
        )
        .order_by(col(Attempt.next_poll_at), col(Attempt.id))
        .limit(limit)
        # Only attempts: with joined rows locked too, a locked subscription would hide its charge from this run.
        .with_for_update(skip_locked=True, of=Attempt)
    )
    if subscription_id is not None:
        query = query.where(col(Attempt.subscription_id) == subscription_id)
    claimed = [_claimed(row) for row in ctx.session.execute(query)]
    assign(ctx.session, Attempt, [attempt.attempt_id for attempt in claimed], me)
    return claimed


def _attempts() -> sa.Select[*tuple[Any, ...]]:
    """Attempts with all that a charge is made and decided by. Columns, not rows: a run claims thousands."""
    return (
        sa.select(
            col(Attempt.id),
            col(Attempt.invoice_id),
            col(Attempt.subscription_id),
            col(Attempt.ordinal),
            col(Attempt.acquirer),
            col(Attempt.idempotency_key),
            col(Attempt.amount),
            col(Attempt.intended_at),
            col(Attempt.claimed_by),
            col(Attempt.poll_count),
            col(Attempt.hosted),
            col(Attempt.page_ref),
            col(Attempt.unlisted_since),
            col(Attempt.key_unusable),
            col(Attempt.not_taken_reason),
            col(Invoice.currency),
            col(Invoice.period_number).label("invoiced_period"),
            col(Invoice.state).label("invoice_state"),
            col(PaymentMethod.customer_ref),
            col(PaymentMethod.gateway_ref),
            col(Subscription.state),
            col(Subscription.period_number),
            col(Subscription.cancel_asked_at),
            waits_for_staff().label("for_staff"),
        )
        .join(Subscription, col(Subscription.id) == Attempt.subscription_id)
        .join(Invoice, col(Invoice.id) == Attempt.invoice_id)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
    )


def waits_for_staff() -> sa.ColumnElement[bool]:
    """Whether an attempt that the acquirer wouldn't make has an open case, and its reader has given no other card meanwhile."""
    case = sa.exists().where(
        col(Case.kind) == CaseKind.CHARGE_REFUSED.value,
        col(Case.subject) == Attempt.id,
        col(Case.closed_at).is_(None),
    )
    return sa.and_(case, col(Subscription.payment_method_id) == Attempt.payment_method_id)


def _claimed(row: sa.Row[Any]) -> ClaimedAttempt:
    request = ChargeRequest(
        claim=ChargeClaim(row.id, row.invoice_id, row.subscription_id, row.invoiced_period, row.ordinal),
        idempotency_key=row.idempotency_key,
        customer_ref=row.customer_ref,
        method_ref=row.gateway_ref,
        amount=row.amount,
        currency=row.currency,
        descriptor_suffix=descriptor_suffix(row.state, row.period_number),
        intended_at=row.intended_at,
    )
    owed = row.invoice_state is InvoiceState.OPEN
    return ClaimedAttempt(
        row.id,
        row.acquirer,
        request,
        sent_before=sent_before(row, row.intended_at),
        wanted=row.state is not State.ENDED and row.cancel_asked_at is None and owed,
        hosted=row.hosted,
        page_ref=row.page_ref,
        not_taken_reason=row.not_taken_reason,
        for_staff=row.for_staff,
    )


def sent_before(row: Any, keyed_at: datetime) -> SentBefore | None:
    """What is kept of an attempt or a refund that may have been sent; None where it never was. `row` as it was before its
    claim."""
    if row.claimed_by is None and row.poll_count == 0:
        return None
    # a worker that died may have sent it after the last look, so its absence counts from now on
    unlisted_since = row.unlisted_since if row.claimed_by is None else None
    return SentBefore(keyed_at, row.key_unusable, unlisted_since)


def send_or_look_up(gateway: Gateway, claimed: ClaimedAttempt, at: datetime) -> Outcome | NotSent:
    """Send the charge, or find what became of it when it may have been sent before. No transaction may be open.

    It isn't sent any more when it is old, because what allowed it must be decided again, or when the reader has cancelled. One
    that the acquirer wouldn't make is neither sent nor looked for: it waits while staff have its case."""
    if claimed.hosted:
        page = close_or_look_up(gateway, claimed.request, claimed.page_ref)
        return NotSent() if isinstance(page, PageClosed) else page
    if claimed.not_taken_reason is not None:
        waits = claimed.for_staff and claimed.wanted
        return NotTaken(claimed.not_taken_reason, again=True) if waits else NotSent()
    suffix = gateway.capabilities.descriptor(claimed.request.descriptor_suffix)
    request = replace(claimed.request, descriptor_suffix=suffix)
    may_send = claimed.wanted and at - request.intended_at < SENT_WITHIN
    if claimed.sent_before is None:
        return gateway.charge(request) if may_send else NotSent()
    outcome = gateway.find_or_charge(request, claimed.sent_before, at, may_send=may_send)
    if isinstance(outcome, NeverArrived):
        reached("recovery: a charge that never arrived is not sent any more")
        return NotSent()
    return outcome


# Without a claim `sent_before` goes by `poll_count` alone, so an attempt that was perhaps sent needs at least 1.
_RELEASE = sa.text(
    f"""
    UPDATE attempt SET claimed_by = NULL, poll_count = greatest(poll_count, perhaps_sent)
    FROM {bulk.recordset("held", "held", {"id": "text", "perhaps_sent": "int"})}
    WHERE attempt.id = held.id AND claimed_by = :me
    """  # noqa: S608 - names of our own
)


def release(session: Session, unsent: Sequence[ClaimedAttempt], me: int) -> None:
    """Put claimed attempts back that weren't sent after all. One that an earlier worker may have sent keeps that doubt."""
    reached("recovery: charges that were held are put back")
    rows = [
        {"id": attempt.attempt_id, "perhaps_sent": int(attempt.sent_before is not None)} for attempt in unsent
    ]
    session.execute(_RELEASE, {"held": bulk.as_json(rows), "me": me})


def postpone(session: Session, attempt_id: str, *, until: datetime) -> None:
    """Look up later what became of an attempt that can't be settled now."""
    reached("recovery: a charge that breaks us is put off")
    attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
    if attempt.state is AttemptState.OPEN:
        attempt.poll_count += 1
        attempt.next_poll_at, attempt.claimed_by = until, None
        # it may have been sent since the last look, so its absence counts anew
        attempt.unlisted_since = None


def waiting(session: Session) -> int:
    """How many charges are intended and not settled; open pages aren't counted."""
    return session.exec(
        select(func.count()).where(col(Attempt.state) == AttemptState.OPEN, col(Attempt.hosted).is_(False))
    ).one()


def descriptor_suffix(state: State, period_number: int) -> str | None:
    """What the statement adds to our name: `AFTER_TRIAL` on the first money after a trial, also when a retry takes it (CARD-9)."""
    overdue = state is State.PAST_DUE and period_number == 0
    return AFTER_TRIAL if overdue or state is State.TRIALING else None


def last_since(session: Session, subscription_id: str, since: datetime) -> AttemptState | None:
    """The state of the last charge intended for a subscription from an instant on."""
    return session.exec(
        select(col(Attempt.state))
        .where(Attempt.subscription_id == subscription_id, Attempt.intended_at >= since)
        .order_by(col(Attempt.intended_at).desc(), col(Attempt.ordinal).desc())
    ).first()


def cause_since(session: Session, subscription_id: str, since: datetime) -> DeclineCause | None:
    """What the reader may know of the last decline since then."""
    return session.exec(
        select(col(Attempt.decline_cause))
        .where(Attempt.subscription_id == subscription_id, Attempt.intended_at >= since)
        .order_by(col(Attempt.intended_at).desc(), col(Attempt.ordinal).desc())
    ).first()


NEXT_DUE = f"""SELECT min(next_poll_at) FROM attempt
               WHERE state = 'open' AND acquirer NOT IN ({breaker.PAUSED}) AND NOT EXISTS ({ASKING})"""  # noqa: S608
"""When an open attempt is due next; null while charging is paused (see `timetable.Job`)."""
