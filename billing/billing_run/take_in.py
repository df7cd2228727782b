"""Take in a charge as the acquirer knows it. Usually its attempt is here. After a restore from a backup, or when a standby
without the last commits took over, it may be lost. Then the charge itself names the period and subscription that it paid."""

from sqlmodel import Session, select

from billing.acquirer.answers import ChargeClaim, Charged, Outcome
from billing.billing_run.outcome import SettleOutcome, Unattributed
from billing.billing_run.settle import settle
from billing.cards.saved_cards import keep_card
from billing.changes import next_terms
from billing.changes.extend import NOTHING_NEXT
from billing.payments.intend_charge import attempt_names
from billing.payments.invoices import InvoiceRequest, draw_up
from billing.payments.models import Attempt, AttemptState, Invoice, PaymentMethod
from billing.platform import bulk
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.refunds import unexplained_charges
from billing.rules.lifecycle import Event, State
from billing.rules.periods import NoSuchPeriod, Period
from billing.subscriptions.change import change, lock, mark
from billing.subscriptions.find import terms_of, terms_on
from billing.subscriptions.models import Price, Subscription
from billing.subscriptions.schedule import nth_period


def take_in(
    ctx: TransactionContext, acquirer: str, claim: ChargeClaim, outcome: Outcome
) -> SettleOutcome | Unattributed:
    """Write down what became of a charge, by its own claim. Safe to repeat.

    A decline whose attempt is lost is left alone: the charge is made again under the same name, and answered as before."""
    if ctx.session.get(Attempt, claim.attempt_id) is not None:
        return settle(ctx, claim.attempt_id, outcome)
    if not isinstance(outcome, Charged) or not claim.whole:
        return Unattributed.NOT_OURS
    attempt_id = _lost_attempt(ctx, acquirer, claim, outcome)
    if attempt_id is None:
        unexplained_charges.note(ctx, acquirer, claim, outcome)
        return Unattributed.UNEXPLAINED
    return settle(ctx, attempt_id, outcome, again=True)


def _lost_attempt(ctx: TransactionContext, acquirer: str, claim: ChargeClaim, charged: Charged) -> str | None:
    """Write the attempt of a charge, with its invoice, once more; None where there is no such subscription or period."""
    if ctx.session.get(Subscription, claim.subscription_id) is None:
        return None
    subscription = lock(ctx.session, claim.subscription_id)
    known = _known(ctx.session, claim)
    if known is not None:
        return known
    method_id = _card(ctx, acquirer, subscription, charged)
    paid_for = _period(ctx, subscription, claim, charged)
    if method_id is None or paid_for is None:
        return None
    invoice_id = _invoice(ctx, subscription, paid_for, charged)
    row = attempt_names(ctx.site, claim.subscription_id, claim.period_number, claim.rung)
    written = {
        "invoice_id": invoice_id,
        "payment_method_id": method_id,
        "acquirer": acquirer,
        "amount": charged.amount,
        "state": AttemptState.NOT_SENT,  # this database never sent it
        "intended_at": charged.at,
        "next_poll_at": ctx.at,
        "poll_count": 0,
        "by_reader": charged.card is not None,
        "hosted": charged.card is not None,  # only a page answers with a card: a charge of ours has one
        "settled_at": ctx.at,
    }
    bulk.insert(ctx.session, Attempt, [row | written])
    return str(row["id"])


def _known(session: Session, claim: ChargeClaim) -> str | None:
    """The attempt by its claim: two processes that take it in at once write it once."""
    return session.exec(
        select(Attempt.id)
        .join(Invoice)
        .where(
            Invoice.subscription_id == claim.subscription_id,
            Invoice.period_number == claim.period_number,
            Attempt.ordinal == claim.rung,
        )
    ).first()


def _card(ctx: TransactionContext, acquirer: str, subscription: Subscription, charged: Charged) -> str | None:
    """The card that paid; the subscription's where that is lost too."""
    if charged.card is not None:
        return keep_card(ctx, acquirer, subscription.reader_id, charged.card).id
    known = ctx.session.exec(
        select(PaymentMethod.id).where(
            PaymentMethod.gateway_ref == charged.method_ref, PaymentMethod.acquirer == acquirer
        )
    ).first()
    return known or subscription.payment_method_id


def _period(
    ctx: TransactionContext, subscription: Subscription, claim: ChargeClaim, charged: Charged
) -> Period | None:
    """The paid period. A first charge was made on the first day that isn't free, which may have moved since the backup.
    A plan chosen in the trial begins with it, if it is what was charged."""
    if subscription.state is State.TRIALING and claim.period_number == claim.rung == 1:
        mark(subscription, ctx.zone, charge_on=ctx.site.today(charged.at))
        chosen = terms_on(ctx.session, subscription, subscription.charge_on)[1]
        if chosen.amount == charged.amount:
            next_terms.begin(ctx, subscription, subscription.charge_on)
        elif subscription.next_price_id is not None:
            reason = "the first charge had another price, so it was undone since the backup"
            change(ctx.acting_as(WORKER), subscription, Event.SWITCH_UNDONE, reason=reason, **NOTHING_NEXT)
    try:
        return nth_period(subscription, claim.period_number, terms_of(ctx.session, subscription)[0].months)
    except NoSuchPeriod:
        return None


def _invoice(ctx: TransactionContext, subscription: Subscription, paid_for: Period, charged: Charged) -> str:
    """At the charged amount: the price may have been another by then."""
    plan, price = terms_of(ctx.session, subscription)
    # a copy that no session knows: the price itself doesn't change
    paid = Price(**price.model_dump() | {"amount": charged.amount})
    [invoice] = draw_up(
        ctx, [InvoiceRequest(subscription, plan, paid, paid_for)], today=ctx.site.today(charged.at)
    )
    return invoice.id
