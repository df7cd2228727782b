"""Take in a charge as the acquirer tells of it. Its attempt is known, mostly; after a restore from a backup, or when a standby
without the last commits took over, it may be lost. Then the charge itself says which period of which subscription it paid."""

from datetime import datetime

from sqlmodel import Session, select

from billing.acquirer.answers import ChargeClaim, Charged, Outcome
from billing.billing_run.outcome import SettleOutcome, Unattributed
from billing.billing_run.settle import settle
from billing.cards.saved_cards import keep_card
from billing.payments.charge import named
from billing.payments.invoices import Wanted, draw_up
from billing.payments.models import Attempt, AttemptState, Invoice, PaymentMethod
from billing.platform import bulk
from billing.platform.actors import Actor
from billing.platform.site import Office
from billing.refunds import unexplained_charges
from billing.rules.lifecycle import State
from billing.rules.periods import NoSuchPeriod, Period
from billing.subscriptions import period
from billing.subscriptions.change import lock, mark
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Price, Subscription


def take_in(
    session: Session,
    office: Office,
    acquirer: str,
    claim: ChargeClaim,
    outcome: Outcome,
    at: datetime,
    *,
    by: Actor,
) -> SettleOutcome | Unattributed:
    """Write down what became of a charge by what it says of itself. Safe to repeat.

    A refusal whose attempt is lost is left alone: the claim is made again under its name, and answered as before."""
    if session.get(Attempt, claim.attempt_id) is not None:
        return settle(session, office, claim.attempt_id, outcome, at, by=by)
    if not isinstance(outcome, Charged) or not claim.whole:
        return Unattributed.NOT_OURS
    attempt_id = _lost_attempt(session, office, acquirer, claim, outcome, at)
    if attempt_id is None:
        unexplained_charges.note(session, acquirer, claim, outcome, at)
        return Unattributed.UNEXPLAINED
    return settle(session, office, attempt_id, outcome, at, by=by, again=True)


def _lost_attempt(
    session: Session, office: Office, acquirer: str, claim: ChargeClaim, charged: Charged, at: datetime
) -> str | None:
    """The attempt of a charge, with its invoice, written down once more; None where there is no such subscription or period."""
    if session.get(Subscription, claim.subscription_id) is None:
        return None
    subscription = lock(session, claim.subscription_id)
    known = _known(session, claim)
    if known is not None:
        return known
    method_id = _card(session, office, acquirer, subscription, charged, at)
    paid_for = _period(session, office, subscription, claim, charged)
    if method_id is None or paid_for is None:
        return None
    invoice_id = _invoice(session, office, subscription, paid_for, charged, at)
    row = named(office, claim.subscription_id, claim.period_number, claim.rung)
    written = {
        "invoice_id": invoice_id,
        "payment_method_id": method_id,
        "acquirer": acquirer,
        "amount": charged.amount,
        "state": AttemptState.WITHDRAWN,  # this database never sent it
        "intended_at": charged.at,
        "ask_at": at,
        "asked": 0,
        "by_reader": charged.card is not None,
        "by_page": charged.card
        is not None,  # a page keeps the card that pays; a charge of ours has it already
        "settled_at": at,
    }
    bulk.insert(session, Attempt, [row | written])
    return str(row["id"])


def _known(session: Session, claim: ChargeClaim) -> str | None:
    """By what it claims: two who take it in at once write it down once."""
    return session.exec(
        select(Attempt.id)
        .join(Invoice)
        .where(
            Invoice.subscription_id == claim.subscription_id,
            Invoice.period_number == claim.period_number,
            Attempt.ordinal == claim.rung,
        )
    ).first()


def _card(
    session: Session,
    office: Office,
    acquirer: str,
    subscription: Subscription,
    charged: Charged,
    at: datetime,
) -> str | None:
    """The card that paid; the subscription's, where that one is lost too."""
    if charged.card is not None:
        return keep_card(session, office, acquirer, subscription.reader_id, charged.card, at).id
    known = session.exec(
        select(PaymentMethod.id).where(
            PaymentMethod.gateway_ref == charged.method_ref, PaymentMethod.acquirer == acquirer
        )
    ).first()
    return known or subscription.payment_method_id


def _period(
    session: Session, office: Office, subscription: Subscription, claim: ChargeClaim, charged: Charged
) -> Period | None:
    """A first charge is made on the first day that isn't free, whichever that had become since."""
    if subscription.state is State.TRIALING and claim.period_number == claim.rung == 1:
        mark(subscription, office.zone, charge_on=office.today(charged.at))
        session.add(subscription)
    try:
        return period.nth(subscription, claim.period_number, terms_of(session, subscription)[0].months)
    except NoSuchPeriod:
        return None


def _invoice(
    session: Session,
    office: Office,
    subscription: Subscription,
    paid_for: Period,
    charged: Charged,
    at: datetime,
) -> str:
    """At what was charged: the price may have been another by then."""
    plan, price = terms_of(session, subscription)
    asked = Price(
        id=price.id,
        plan_id=price.plan_id,
        amount=charged.amount,
        currency=price.currency,
        valid_from=price.valid_from,
    )
    wanted = Wanted(subscription, plan, asked, paid_for)
    return draw_up(session, [wanted], at=at, today=office.today(charged.at))[0].id
