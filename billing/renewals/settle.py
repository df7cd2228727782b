"""Bring an attempt to its end. The gateway's answer, the webhook and the janitor are three callers of one `settle`;
whoever comes first settles, the others change nothing."""

from dataclasses import asdict
from datetime import date, datetime

from sqlmodel import Session, select

from billing import ids
from billing.errors import NotFound
from billing.office import Office
from billing.payments import book, refund, tell
from billing.payments.charge import Withdrawn, tried
from billing.payments.gateway import Charged, Declined, Outcome, Unknown
from billing.payments.invoice import mark_paid, mark_void
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, Payment
from billing.rules import backoff, dunning, periods
from billing.rules.lifecycle import Happening, State
from billing.subscriptions.change import change, lock, mark
from billing.subscriptions.models import Subscription

RACED = "You cancelled before this charge was made, so it is returned in full."


class UnknownAttempt(NotFound):
    """There is no such attempt."""

    code = "unknown_attempt"


def settle(
    session: Session, office: Office, attempt_id: str, outcome: Outcome | Withdrawn, at: datetime, *, by: str
) -> str:
    """Write down what became of an attempt, and everything that follows from it, in this transaction. Safe to repeat.

    Returns a word for the report: charged, refunded, declined, unknown, withdrawn, settled (before). Raises UnknownAttempt."""
    subscription, attempt = _lock(session, attempt_id)
    invoice = session.get_one(Invoice, attempt.invoice_id)
    if attempt.state is AttemptState.CHARGED:
        return "settled"
    if attempt.state is not AttemptState.OPEN and not isinstance(outcome, Charged):
        return "settled"
    attempt.claimed_by = None
    session.add(attempt)
    match outcome:
        case Charged():  # money that moved is written down even when the attempt had been given up
            return _charged(session, office, subscription, invoice, attempt, outcome, at, by)
        case Declined():
            return _declined(session, office, subscription, invoice, attempt, outcome, at, by)
        case Withdrawn():
            return _withdrawn(office, subscription, invoice, attempt, session, at)
        case Unknown(why):
            attempt.asked += 1
            attempt.ask_at = backoff.again_at(attempt.asked, at)
            attempt.evidence = {"unknown": why}
            return "unknown"


def _lock(session: Session, attempt_id: str) -> tuple[Subscription, Attempt]:
    subscription_id = session.exec(select(Attempt.subscription_id).where(Attempt.id == attempt_id)).first()
    if subscription_id is None:
        raise UnknownAttempt
    subscription = lock(session, subscription_id)
    attempt = session.exec(
        select(Attempt)
        .where(Attempt.id == attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return subscription, attempt


def _charged(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    attempt: Attempt,
    outcome: Charged,
    at: datetime,
    by: str,
) -> str:
    attempt.state, attempt.settled_at, attempt.intent_ref = AttemptState.CHARGED, at, outcome.intent_ref
    attempt.evidence = {
        "charge": outcome.charge_ref,
        "network_transaction_id": outcome.network_transaction_id,
    }
    payment = Payment(
        id=ids.new("pay", at),
        invoice_id=invoice.id,
        attempt_id=attempt.id,
        reader_id=subscription.reader_id,
        amount=outcome.amount,
        currency=invoice.currency,
        intent_ref=outcome.intent_ref,
        charge_ref=outcome.charge_ref,
        network_transaction_id=outcome.network_transaction_id,
        paid_at=outcome.at,
    )
    session.add(payment)
    mark_paid(session, invoice, at=outcome.at, on=office.today(outcome.at))
    session.flush()
    book.sales(session, office, [(invoice, payment)])
    if subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        refund.intend(
            session, payment, amount=None, cause=f"race:{payment.id}", reason=RACED, by="worker", at=at
        )
        if subscription.state is not State.ENDED:
            mark(subscription, office.zone, charging_since=None)
        return "refunded"
    change(
        session,
        subscription,
        Happening.CHARGED,
        at=at,
        by=by,
        why=f"paid invoice {invoice.id}",
        zone=office.zone,
        period_number=invoice.period_number,
        period_start_on=invoice.period_start_on,
        period_end_on=invoice.period_end_on,
        access_until=periods.start_of_day(invoice.period_end_on, office.zone),
        charging_since=None,
        first_failed_on=None,
        retry_on=None,
    )
    tell.receipt(session, office, subscription, invoice, attempt, at)
    return "charged"


def _declined(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    attempt: Attempt,
    outcome: Declined,
    at: datetime,
    by: str,
) -> str:
    attempt.state, attempt.settled_at, attempt.intent_ref = AttemptState.DECLINED, at, outcome.intent_ref
    attempt.evidence = asdict(outcome.evidence)
    session.add(attempt)
    session.flush()
    if subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        return _let_go(office, subscription, invoice, session)
    if subscription.state is State.ACTIVE and subscription.period_number == 0:
        mark_void(session, invoice)
        _change(
            session, office, subscription, Happening.FIRST_CHARGE_REFUSED, at, by, "first charge declined"
        )
        return "declined"
    today = office.today(attempt.intended_at)
    invoice.first_failed_on = invoice.first_failed_on or today
    session.add(invoice)
    before = tried(session, invoice, attempt.payment_method_id, at=at, zone=office.zone)
    step = dunning.after(
        attempts=max(1, before.refused),
        first_failed_on=invoice.first_failed_on,
        today=today,
        evidence=outcome.evidence,
        card_attempts_30d=before.on_card,
    )
    if isinstance(step, dunning.GiveUp):
        give_up(session, office, subscription, step.why, at, by=by)
        return "declined"
    change(
        session,
        subscription,
        Happening.DECLINED,
        at=at,
        by=by,
        why=f"declined: {outcome.evidence.decline_code or outcome.evidence.code or 'no reason given'}",
        zone=office.zone,
        charging_since=None,
        first_failed_on=invoice.first_failed_on,
        retry_on=_retry_on(office, subscription, attempt, step, at),
        access_until=periods.start_of_day(dunning.gives_up_on(invoice.first_failed_on), office.zone),
    )
    tell.payment_failed(session, office, subscription, invoice, attempt, at)
    return "declined"


def _retry_on(
    office: Office, subscription: Subscription, attempt: Attempt, step: dunning.Next, at: datetime
) -> date | None:
    """The ladder's day; but a card given while this one was being asked is tried at once."""
    if subscription.payment_method_id != attempt.payment_method_id:
        return office.today(at)
    return step.day if isinstance(step, dunning.RetryOn) else None


def _withdrawn(
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    attempt: Attempt,
    session: Session,
    at: datetime,
) -> str:
    attempt.state, attempt.settled_at = AttemptState.WITHDRAWN, at
    session.add(attempt)
    if subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        _let_go(office, subscription, invoice, session)
    else:  # too old for its key: the next look makes a new attempt for the same invoice
        mark(subscription, office.zone, charging_since=None)
        if subscription.state is State.PAST_DUE:
            mark(subscription, office.zone, retry_on=office.today(at))
        session.add(subscription)
    return "withdrawn"


def _let_go(office: Office, subscription: Subscription, invoice: Invoice, session: Session) -> str:
    """The reader cancelled: nothing more is asked of them."""
    if invoice.state is InvoiceState.OPEN:
        mark_void(session, invoice)
    if subscription.state is not State.ENDED:
        mark(subscription, office.zone, charging_since=None)
        session.add(subscription)
    return "declined"


def give_up(
    session: Session, office: Office, subscription: Subscription, why: dunning.Why, at: datetime, *, by: str
) -> None:
    """End a locked subscription because no charge will go through. A stop order counts as the reader's cancellation (RET-2)."""
    for invoice in session.exec(
        select(Invoice).where(Invoice.subscription_id == subscription.id, Invoice.state == InvoiceState.OPEN)
    ):
        mark_void(session, invoice)
    stopped = why is dunning.Why.STOP_ORDER
    happening = Happening.STOP_ORDERED if stopped else Happening.GAVE_UP
    _change(session, office, subscription, happening, at, by, str(why))
    if stopped:
        tell.cancelled(session, office, subscription, at)
    else:
        tell.ended(session, office, subscription, at)


def _change(
    session: Session,
    office: Office,
    subscription: Subscription,
    happening: Happening,
    at: datetime,
    by: str,
    why: str,
) -> None:
    change(session, subscription, happening, at=at, by=by, why=why, zone=office.zone)
