"""Cards as we keep them: saved, changed for another, replaced by the network."""

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from billing import ids
from billing.errors import Conflict
from billing.logs import say
from billing.office import Office
from billing.payments import pay_page
from billing.payments.gateway import SavedCard
from billing.payments.models import Attempt, AttemptState, PaymentMethod
from billing.rules import periods, trial
from billing.rules.lifecycle import Happening, State
from billing.subscriptions.change import change, lock, lock_all, mark, take_back_mails
from billing.subscriptions.models import Subscription


class HasEnded(Conflict):
    """The subscription that this card was given for has ended, so nothing is charged to it."""

    code = "has_ended"


def keep_card(
    session: Session, office: Office, reader_id: str, card: SavedCard, at: datetime
) -> PaymentMethod:
    """The card as a row: what may be shown, and a keyed hash of its fingerprint."""
    known = session.exec(select(PaymentMethod).where(PaymentMethod.gateway_ref == card.method_ref)).first()
    if known is not None:
        return known
    method = PaymentMethod(
        id=ids.new("pmt", at),
        reader_id=reader_id,
        customer_ref=card.customer_ref,
        gateway_ref=card.method_ref,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=office.tokens.digest("card", card.fingerprint),
        saved_at=at,
    )
    session.add(method)
    session.flush()
    say(session, "card kept", card=method.id, reader=reader_id)
    return method


def last_good_day(method: PaymentMethod) -> date:
    """The civil day through which the card may be charged: the last of its month."""
    return periods.last_of_month(method.exp_year, method.exp_month)


def on_subscription(method: PaymentMethod) -> dict[str, object]:
    """What a subscription notes of the card it is charged to, for `change`."""
    return {
        "payment_method_id": method.id,
        "card_expires_on": last_good_day(method),
        "card_notice_at": None,
    }


def change_card(
    session: Session, office: Office, subscription_id: str, method: PaymentMethod, at: datetime, *, by: str
) -> Subscription:
    """Charge another card from now on; what is overdue is tried at once, before nine too. Raises HasEnded, also at a cancelled
    one's instant whose job is late."""
    subscription = lock(session, subscription_id)
    over = subscription.cancels_at is not None and subscription.cancels_at <= at
    if over or subscription.state is State.ENDED:
        raise HasEnded
    overdue = subscription.state is State.PAST_DUE
    retry_on = trial.charging_day(at, office.zone) if overdue else subscription.retry_on
    change(
        session,
        subscription,
        Happening.CARD_CHANGED,
        at=at,
        by=by,
        why="another card",
        zone=office.zone,
        retry_on=retry_on,
        **on_subscription(method),
    )
    pay_page.close_soon(session, subscription.id, at)
    return subscription


def renewed(session: Session, office: Office, card: SavedCard, at: datetime) -> bool:
    """The network has replaced a card in place: show its new digits and date (STR-12), and try it where a payment waits.

    Whether it is a card of ours. Repeated news changes nothing."""
    found = session.exec(select(PaymentMethod.id).where(PaymentMethod.gateway_ref == card.method_ref)).first()
    if found is None:
        return False
    held = session.exec(
        select(Subscription.id).where(
            Subscription.payment_method_id == found, Subscription.state != State.ENDED
        )
    ).all()
    subscriptions = lock_all(session, held).values()
    method = session.get_one(PaymentMethod, found, with_for_update=True, populate_existing=True)
    fingerprint = office.tokens.digest("card", card.fingerprint)
    before = (method.exp_month, method.exp_year, method.fingerprint)
    method.brand, method.last4 = card.brand, card.last4
    method.exp_month, method.exp_year, method.fingerprint = card.exp_month, card.exp_year, fingerprint
    session.add(method)
    if before != (card.exp_month, card.exp_year, fingerprint):
        method.saved_at = at
        for subscription in subscriptions:
            _put_in(session, office, subscription, method, at)
    return True


def _put_in(
    session: Session, office: Office, subscription: Subscription, method: PaymentMethod, at: datetime
) -> None:
    """The subscription is charged to the renewed card; what is overdue today, or tomorrow where it was asked today."""
    mark(subscription, office.zone, **on_subscription(method))
    if subscription.state is State.PAST_DUE:
        day = trial.charging_day(at, office.zone)
        asked = session.exec(
            select(func.max(Attempt.intended_at)).where(
                Attempt.subscription_id == subscription.id, col(Attempt.state) == AttemptState.DECLINED
            )
        ).one()
        if asked is not None and office.today(asked) == office.today(at):
            day = office.today(at) + timedelta(days=1)
        mark(subscription, office.zone, retry_on=day)
    session.add(subscription)
    take_back_mails(session, [subscription], office.zone)
