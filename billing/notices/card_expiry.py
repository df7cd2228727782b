"""The mail about a card that expires."""

from dataclasses import dataclass
from datetime import date

from billing.notices.send import card_of, send
from billing.notices.true_while import SAME_CARD, day, next_charge
from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import Cents, Day, Mail, Url


@dataclass(frozen=True)
class CardExpiringMail(
    Mail, true_while=next_charge("charge_on", f"s.card_expires_on = {day('expires_on')}", SAME_CARD)
):
    """The card's last day, `expires_on`, comes before the next charge."""

    card_brand: str
    card_last4: str
    expires_on: Day
    amount: Cents
    charge_on: Day
    card_url: Url
    cancel_url: Url


def card_expiring(ctx: TransactionContext, subscription: Subscription, charge_on: date) -> None:
    """The card expires before the next charge. Once for each expiry date of a card, and not after that charge's day."""
    card = card_of(ctx.session, subscription)
    if subscription.card_expires_on is None:
        raise AssertionError(f"the card of {subscription.id} has no expiry date")
    mail = CardExpiringMail(
        card_brand=card.brand,
        card_last4=card.last4,
        expires_on=subscription.card_expires_on.isoformat(),
        amount=terms_on(ctx.session, subscription, charge_on)[1].amount,
        charge_on=charge_on.isoformat(),
        card_url=ctx.site.card_url(subscription.id),
        cancel_url=ctx.site.cancel_url(subscription.id),
    )
    key = f"card-expiring:{subscription.id}:{card.id}:{mail.expires_on}"
    send(ctx, subscription, mail, key, expires_at=trial.charge_at(charge_on, ctx.zone))
