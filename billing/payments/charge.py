"""Charge a card in three steps: commit the intent here, call the gateway with no transaction open, settle (renewals).

An attempt belongs to the claimer whose number stands in it. When that process is dead, the attempt is anybody's, and
what became of it is asked before anything is charged."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from billing import ids
from billing.crew import in_nobodys_hands
from billing.payments.gateway import ChargeRequest, Gateway, NeverArrived, Outcome
from billing.payments.models import Attempt, AttemptState, Invoice, PaymentMethod
from billing.rules.dunning import Evidence
from billing.rules.lifecycle import State
from billing.rules.periods import civil_date
from billing.subscriptions.models import Subscription

SAME_KEY_FOR = timedelta(hours=20)
"""Stripe keeps answers for at least 24 hours; before that the same key can't charge twice (STR-5)."""
AFTER_TRIAL = "TRIAL OVER"
"""Descriptor of the first charge after a trial (CARD-9)."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The attempt never reached the acquirer, and must not any more."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt to bring to an end: its request, whether it may have been sent before, whether it is still wanted."""

    attempt_id: str
    request: ChargeRequest
    perhaps_sent: bool
    wanted: bool


def intend(
    session: Session, subscription: Subscription, invoice: Invoice, *, at: datetime, by_reader: bool = False
) -> Attempt:
    """Write down that the subscription's card is about to be charged for the invoice. Commit, then `bring_to_an_end`."""
    ordinal = session.exec(select(func.count()).where(col(Attempt.invoice_id) == invoice.id)).one() + 1
    attempt = Attempt(
        id=ids.new("att", at),
        invoice_id=invoice.id,
        subscription_id=subscription.id,
        ordinal=ordinal,
        payment_method_id=str(subscription.payment_method_id),
        idempotency_key=f"invoice-{invoice.id}-attempt-{ordinal}",
        amount=invoice.gross,
        state=AttemptState.OPEN,
        intended_at=at,
        ask_at=at,
        by_reader=by_reader,
        evidence={},
    )
    session.add(attempt)
    session.flush()
    return attempt


def claim(
    session: Session, me: int, at: datetime, *, limit: int, subscription_id: str | None = None
) -> list[Claimed]:
    """Take open attempts that are due and in nobody's living hands. Commit before calling the gateway."""
    query = (
        select(Attempt)
        .where(
            Attempt.state == AttemptState.OPEN,
            Attempt.ask_at <= at,
            in_nobodys_hands(Attempt.claimed_by),
        )
        .order_by(col(Attempt.ask_at), col(Attempt.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if subscription_id is not None:
        query = query.where(Attempt.subscription_id == subscription_id)
    claimed = []
    for attempt in session.exec(query).all():
        perhaps_sent = attempt.claimed_by is not None or attempt.asked > 0
        subscription = session.get_one(Subscription, attempt.subscription_id)
        wanted = subscription.state is not State.ENDED and subscription.cancel_asked_at is None
        claimed.append(Claimed(attempt.id, _request(session, subscription, attempt), perhaps_sent, wanted))
        attempt.claimed_by = me
        session.add(attempt)
    return claimed


def bring_to_an_end(gateway: Gateway, claimed: Claimed, at: datetime) -> Outcome | Withdrawn:
    """Send the charge; or, when it may have been sent before, ask what became of it first. No transaction may be open.

    An attempt that never arrived is sent again under its own key while that is fresh, and given up when it isn't, or
    when the reader has cancelled meanwhile."""
    if not claimed.perhaps_sent:
        return gateway.charge(claimed.request) if claimed.wanted else Withdrawn()
    found = gateway.find_charge(claimed.request)
    if not isinstance(found, NeverArrived):
        return found
    fresh = at - claimed.request.intended_at < SAME_KEY_FOR
    return gateway.charge(claimed.request) if claimed.wanted and fresh else Withdrawn()


def _request(session: Session, subscription: Subscription, attempt: Attempt) -> ChargeRequest:
    method = session.get_one(PaymentMethod, attempt.payment_method_id)
    invoice = session.get_one(Invoice, attempt.invoice_id)
    first_after_trial = subscription.state is State.TRIALING
    return ChargeRequest(
        attempt_id=attempt.id,
        invoice_id=attempt.invoice_id,
        idempotency_key=attempt.idempotency_key,
        customer_ref=method.customer_ref,
        method_ref=method.gateway_ref,
        amount=attempt.amount,
        currency=invoice.currency,
        descriptor_suffix=AFTER_TRIAL if first_after_trial else None,
        intended_at=attempt.intended_at,
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """What has been tried already, for the ladder: refused attempts of the worker for this invoice, the last day one was
    made, and attempts on this card in 30 days, whatever they were for (RET-6)."""

    refused: int
    last_on: date | None
    on_card: int


def tried(
    session: Session, invoice: Invoice, payment_method_id: str, *, at: datetime, zone: ZoneInfo
) -> Tried:
    """Count the attempts that the caps of dunning look at."""
    fingerprint = session.get_one(PaymentMethod, payment_method_id).fingerprint
    refused = session.exec(
        select(func.count()).where(
            col(Attempt.invoice_id) == invoice.id,
            col(Attempt.state) == AttemptState.DECLINED,
            col(Attempt.by_reader).is_(False),
        )
    ).one()
    on_card, last_at = session.exec(
        select(func.count(), func.max(Attempt.intended_at))
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(
            PaymentMethod.fingerprint == fingerprint,
            Attempt.intended_at > at - timedelta(days=30),
            col(Attempt.state) != AttemptState.WITHDRAWN,
        )
    ).one()
    return Tried(refused, civil_date(last_at, zone) if last_at else None, on_card)


def last_refusal(session: Session, invoice: Invoice, payment_method_id: str) -> Evidence | None:
    """Why this card refused this invoice the last time; None when it hasn't been asked for it."""
    fingerprint = session.get_one(PaymentMethod, payment_method_id).fingerprint
    found = session.exec(
        select(Attempt.evidence)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(
            Attempt.invoice_id == invoice.id,
            Attempt.state == AttemptState.DECLINED,
            PaymentMethod.fingerprint == fingerprint,
        )
        .order_by(col(Attempt.ordinal).desc())
    ).first()
    return None if found is None else Evidence(**found)


def last_since(session: Session, subscription_id: str, since: datetime) -> AttemptState | None:
    """What is known of the last charge intended for a subscription from an instant on; None when there was none."""
    found = session.exec(
        select(Attempt)
        .where(Attempt.subscription_id == subscription_id, Attempt.intended_at >= since)
        .order_by(col(Attempt.intended_at).desc(), col(Attempt.ordinal).desc())
    ).first()
    return found.state if found else None


def next_due(session: Session) -> datetime | None:
    """When an open attempt wants looking at next."""
    return session.exec(
        select(Attempt.ask_at)
        .where(Attempt.state == AttemptState.OPEN)
        .order_by(col(Attempt.ask_at))
        .limit(1)
    ).first()
