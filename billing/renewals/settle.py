"""Bring an attempt to its end. The gateway's answer, the webhook and the janitor are three callers of one `settle`;
whoever comes first settles, the others change nothing."""

import random
from datetime import datetime

from sqlmodel import Session, select

from billing import ids
from billing.errors import NotFound
from billing.logs import say
from billing.office import Office
from billing.payments import book, refund, tell
from billing.payments.cards import keep_card, on_subscription
from billing.payments.charge import Withdrawn
from billing.payments.gateway import Charged, Declined, Outcome, Unknown
from billing.payments.invoice import mark_paid
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, Payment
from billing.renewals.refuse import declined, let_go
from billing.rules import backoff, periods
from billing.rules.lifecycle import Happening, State
from billing.subscriptions.change import change, lock, mark
from billing.subscriptions.models import Subscription

TWICE = "This invoice had been paid already, so this second payment is returned in full."
RACED = "You cancelled before this charge was made, so it is returned in full."


class UnknownAttempt(NotFound):
    """There is no such attempt."""

    code = "unknown_attempt"


def settle(
    session: Session, office: Office, attempt_id: str, outcome: Outcome | Withdrawn, at: datetime, *, by: str
) -> str:
    """Write down what became of an attempt, and everything that follows from it, in this transaction. Safe to repeat.

    Returns a word for the report: charged, refunded, declined, unknown, withdrawn, settled (before), open (a page where the
    reader may still pay). Raises UnknownAttempt."""
    subscription, attempt = _lock(session, attempt_id)
    word = _settle(session, office, subscription, attempt, outcome, at, by)
    if word != "settled":
        say(
            session,
            f"charge {word}",
            attempt=attempt.id,
            invoice=attempt.invoice_id,
            cents=attempt.amount,
            intent=attempt.intent_ref,
            by=by,
        )
    return word


def _settle(
    session: Session,
    office: Office,
    subscription: Subscription,
    attempt: Attempt,
    outcome: Outcome | Withdrawn,
    at: datetime,
    by: str,
) -> str:
    invoice = session.get_one(Invoice, attempt.invoice_id)
    if attempt.state is AttemptState.CHARGED:
        return "settled"
    if attempt.state is not AttemptState.OPEN and not isinstance(outcome, Charged):
        return "settled"
    if attempt.by_page and isinstance(outcome, Declined):
        return "open"  # refused on the page, where the reader may try another card until it closes
    attempt.claimed_by = None
    session.add(attempt)
    match outcome:
        case Charged():  # money that moved is written down even when the attempt had been given up
            return _charged(session, office, subscription, invoice, attempt, outcome, at, by)
        case Declined():
            return declined(session, office, subscription, invoice, attempt, outcome, at, by)
        case Withdrawn():
            return _withdrawn(office, subscription, invoice, attempt, session, at)
        case Unknown():
            _leave_open(attempt, outcome, at)
            return "unknown"


def _leave_open(attempt: Attempt, doubt: Unknown, at: datetime) -> None:
    """Ask again later, and remember what of the doubt matters then."""
    attempt.asked += 1
    attempt.ask_at = (
        backoff.after_busy(attempt.asked, at, asked=doubt.wait, chance=random.random())  # noqa: S311 - no secret
        if doubt.busy
        else backoff.again_at(attempt.asked, at)
    )
    spent = doubt.key_spent or bool(attempt.evidence.get("key_spent"))
    attempt.evidence = {"unknown": doubt.why} | ({"key_spent": True} if spent else {})


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
        surplus=invoice.state is InvoiceState.PAID,
        paid_at=outcome.at,
    )
    session.add(payment)
    kept = _card_that_paid(session, office, subscription, attempt, outcome, at)
    if payment.surplus:
        return _paid_twice(session, office, payment, at)
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
        **kept,
    )
    tell.receipt(session, office, subscription, invoice, attempt, at)
    return "charged"


def _card_that_paid(
    session: Session,
    office: Office,
    subscription: Subscription,
    attempt: Attempt,
    outcome: Charged,
    at: datetime,
) -> dict[str, object]:
    """On a page the reader may have paid with any card: it is noted on the attempt, and is the subscription's from now on."""
    if not attempt.by_page or outcome.card is None:
        return {}
    method = keep_card(session, office, subscription.reader_id, outcome.card, at)
    attempt.payment_method_id = method.id
    session.add(attempt)
    return on_subscription(method)


def _paid_twice(session: Session, office: Office, payment: Payment, at: datetime) -> str:
    """Money for an invoice that had been paid goes back, and moves nothing else."""
    session.flush()
    book.paid_twice(session, office, payment)
    cause = f"twice:{payment.id}"
    refund.intend(session, payment, amount=None, cause=cause, reason=TWICE, by="worker", at=at)
    return "refunded"


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
        let_go(session, office, subscription, invoice)
    elif invoice.state is InvoiceState.OPEN:
        mark(subscription, office.zone, charging_since=None)
        if subscription.state is State.PAST_DUE and not attempt.by_page:
            # too old for its key: the next look makes a new attempt for the same invoice
            mark(subscription, office.zone, retry_on=office.today(at))
        session.add(subscription)
    return "withdrawn"
