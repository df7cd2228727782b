"""Saved cards: keep one, change it for another, follow the network's replacements and removals."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlmodel import Session, col, func, select

from billing.acquirer.answers import SavedCard
from billing.notices.card import card_changed, card_removed
from billing.notices.payment import payment_failed
from billing.payments import payment_page
from billing.payments.invoices import open_invoice
from billing.payments.models import Attempt, AttemptState, PaymentMethod
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.rules import periods, trial
from billing.rules.dunning_steps import AskReader, DunningReason, Retry, RetryReason, in_words
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import (
    SubscriptionPatch,
    change,
    lock,
    lock_all,
    mark,
    move_charge,
    take_back_mails,
)
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge


class HasEnded(Conflict):
    """The subscription that this card was given for has ended, so nothing is charged to it."""

    code = "has_ended"


def keep_card(ctx: TransactionContext, acquirer: str, reader_id: str, card: SavedCard) -> PaymentMethod:
    """The card's row: what may be shown, and a keyed hash of its fingerprint."""
    known = ctx.session.exec(
        select(PaymentMethod).where(
            PaymentMethod.gateway_ref == card.method_ref, PaymentMethod.acquirer == acquirer
        )
    ).first()
    if known is not None:
        return known
    method = PaymentMethod(
        id=ids.new("pmt", ctx.at),
        reader_id=reader_id,
        acquirer=acquirer,
        customer_ref=card.customer_ref,
        gateway_ref=card.method_ref,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=fingerprint_of(ctx.site, card),
        saved_at=ctx.at,
    )
    ctx.session.add(method)
    ctx.session.flush()
    log_event(ctx.session, "card kept", card=method.id, reader=reader_id)
    return method


def fingerprint_of(site: Site, card: SavedCard) -> str:
    """The keyed hash that recognises a card when it is saved again."""
    if card.fingerprint is None:
        return site.tokens.list_digest("card-without-fingerprint", card.method_ref)
    return site.tokens.list_digest("card", card.fingerprint)


def last_good_day(method: PaymentMethod) -> date:
    """The civil day through which the card may be charged: the last of its month."""
    return periods.last_of_month(method.exp_year, method.exp_month)


def on_subscription(method: PaymentMethod) -> SubscriptionPatch:
    """What a subscription stores of its card, for `change`."""
    return {
        "payment_method_id": method.id,
        "card_expires_on": last_good_day(method),
        "card_notice_at": None,
    }


def is_asked_for(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether the reader should give another card: a payment is open, or the card is gone or ends before the next charge."""
    if subscription.state is State.PAST_DUE:
        return True
    charge = next_charge(subscription, ctx.zone)
    if charge is None:
        return False
    card = ctx.session.get_one(PaymentMethod, subscription.payment_method_id)
    return card.gone_at is not None or last_good_day(card) < charge.on


def change_card(ctx: TransactionContext, subscription_id: str, method: PaymentMethod) -> Subscription:
    """Charge another card from now on. What is overdue is tried at once, also before nine. Raises HasEnded, also when a
    cancellation is due whose job is late."""
    subscription = lock(ctx.session, subscription_id)
    over = subscription.cancels_at is not None and subscription.cancels_at <= ctx.at
    if over or subscription.state is State.ENDED:
        raise HasEnded
    overdue = subscription.state is State.PAST_DUE
    retry_on = trial.charging_day(ctx.at, ctx.zone) if overdue else subscription.retry_on
    change(
        ctx,
        subscription,
        Event.CARD_CHANGED,
        reason="another card",
        **on_subscription(method) | {"retry_on": retry_on},
    )
    payment_page.close_soon(ctx, subscription.id)
    card_changed(ctx, subscription, method)
    return subscription


def renewed(ctx: TransactionContext, acquirer: str, card: SavedCard) -> bool:
    """The network has replaced a card in place: show its new digits and date (STR-12), and try it where a payment waits. False
    for a card that isn't ours. Safe to repeat."""
    found = ctx.session.exec(
        select(PaymentMethod.id).where(
            PaymentMethod.gateway_ref == card.method_ref, PaymentMethod.acquirer == acquirer
        )
    ).first()
    if found is None:
        return False
    subscriptions, method = _lock(ctx.session, found)
    fingerprint = method.fingerprint if card.fingerprint is None else fingerprint_of(ctx.site, card)
    before = (method.exp_month, method.exp_year, method.fingerprint)
    method.brand, method.last4 = card.brand, card.last4
    method.exp_month, method.exp_year, method.fingerprint = card.exp_month, card.exp_year, fingerprint
    method.gone_at = None
    if before != (card.exp_month, card.exp_year, fingerprint):
        method.saved_at = ctx.at
        for subscription in subscriptions:
            _use_renewed(ctx, subscription, method)
    return True


def _lock(session: Session, method_id: str) -> tuple[list[Subscription], PaymentMethod]:
    """Lock a card, and before it the live subscriptions that are charged to it."""
    ids_of_live = session.exec(
        select(Subscription.id).where(
            Subscription.payment_method_id == method_id, Subscription.state != State.ENDED
        )
    ).all()
    locked = lock_all(session, ids_of_live).values()
    # again, under the lock: the reader may have given another card meanwhile
    subscriptions = [s for s in locked if s.payment_method_id == method_id and s.state is not State.ENDED]
    return subscriptions, lock_one(session, PaymentMethod, method_id)


def removed(ctx: TransactionContext, acquirer: str, method_refs: Sequence[str]) -> bool:
    """These cards have left the acquirer's vault. Ask their readers for another now, not after a charge has failed. False where
    none is ours. Safe to repeat."""
    found = ctx.session.exec(
        select(PaymentMethod.id)
        .where(col(PaymentMethod.gateway_ref).in_(method_refs), PaymentMethod.acquirer == acquirer)
        # two events about one customer lock its cards in one order, so they can't deadlock
        .order_by(PaymentMethod.id)
    ).all()
    for method_id in found:
        subscriptions, method = _lock(ctx.session, method_id)
        if method.gone_at is None:
            method.gone_at = ctx.at
            for subscription in subscriptions:
                _ask_for_another(ctx, subscription, method)
    return bool(found)


def _ask_for_another(ctx: TransactionContext, subscription: Subscription, method: PaymentMethod) -> None:
    if subscription.charging_since is not None and not payment_page.is_open(ctx.session, subscription.id):
        return  # the charge under way will fail, and ask for the card
    invoice = open_invoice(ctx.session, subscription.id)
    if subscription.state is State.PAST_DUE and invoice is not None:
        move_charge(ctx, subscription, in_words(AskReader(DunningReason.OTHER_CARD)), retry_on=None)
        payment_failed(ctx, invoice, method.id, occasion=f"gone:{method.id}")
    elif (charge := next_charge(subscription, ctx.zone)) is not None:
        card_removed(ctx, subscription, charge.on)


def ending_before(session: Session, acquirer: str, day: date) -> Sequence[str]:
    """The acquirer's references of cards in use that end before a day."""
    return session.exec(
        select(PaymentMethod.gateway_ref)
        .join(Subscription, col(Subscription.payment_method_id) == PaymentMethod.id)
        .where(
            PaymentMethod.acquirer == acquirer,
            Subscription.state != State.ENDED,
            col(Subscription.card_expires_on) < day,
            col(PaymentMethod.gone_at).is_(None),
        )
        .distinct()
    ).all()


def of_customer(session: Session, acquirer: str, customer_ref: str) -> Sequence[str]:
    """The acquirer's references of a customer's cards."""
    return session.exec(
        select(PaymentMethod.gateway_ref).where(
            PaymentMethod.customer_ref == customer_ref, PaymentMethod.acquirer == acquirer
        )
    ).all()


def _use_renewed(ctx: TransactionContext, subscription: Subscription, method: PaymentMethod) -> None:
    """Charge the subscription to the renewed card: what is overdue today, or tomorrow after a decline of today."""
    mark(subscription, ctx.zone, **on_subscription(method))
    if subscription.state is State.PAST_DUE:
        day = trial.charging_day(ctx.at, ctx.zone)
        declined_at = ctx.session.exec(
            select(func.max(Attempt.intended_at)).where(
                Attempt.subscription_id == subscription.id, col(Attempt.state) == AttemptState.DECLINED
            )
        ).one()
        if declined_at is not None and ctx.site.today(declined_at) == ctx.today:
            day = ctx.today + timedelta(days=1)
        move_charge(ctx, subscription, in_words(Retry(day, RetryReason.OTHER_CARD)), retry_on=day)
    take_back_mails(ctx, [subscription])
