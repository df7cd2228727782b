"""The mails about the card that is charged: changed, or removed. One that expires is in `card_expiry`."""

from dataclasses import dataclass
from datetime import date

from billing.notices.send import card_of, moment, send
from billing.notices.true_while import SAME_CARD, next_charge
from billing.payments.models import PaymentMethod
from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import ALWAYS, Cents, Day, Mail, Url
from emails.languages import Text


@dataclass(frozen=True)
class CardRemovedMail(Mail, true_while=next_charge("charge_on", SAME_CARD)):
    """The card can't be charged any more, because the acquirer stores it no more; the next charge is on `charge_on`."""

    card_brand: str
    card_last4: str
    amount: Cents
    charge_on: Day
    card_url: Url
    cancel_url: Url


def card_removed(ctx: TransactionContext, subscription: Subscription, charge_on: date) -> None:
    """The acquirer stores the card no more. Once for each card, and not after the next charge's day."""
    card = card_of(ctx.session, subscription)
    mail = CardRemovedMail(
        card_brand=card.brand,
        card_last4=card.last4,
        amount=terms_on(ctx.session, subscription, charge_on)[1].amount,
        charge_on=charge_on.isoformat(),
        card_url=ctx.site.card_url(subscription.id),
        cancel_url=ctx.site.cancel_url(subscription.id),
    )
    expires_at = trial.charge_at(charge_on, ctx.zone)
    send(ctx, subscription, mail, f"card-removed:{subscription.id}:{card.id}", expires_at=expires_at)


@dataclass(frozen=True)
class CardChangedMail(Mail, true_while=ALWAYS):
    """Another card was given at the moment `at_text`; it is charged from now on."""

    at_text: Text
    card_brand: str
    card_last4: str
    account_url: Url
    cancel_url: Url


def card_changed(ctx: TransactionContext, subscription: Subscription, method: PaymentMethod) -> None:
    """Another card is charged from now on: warns a reader who didn't give it."""
    mail = CardChangedMail(
        at_text=moment(ctx.site, ctx.at),
        card_brand=method.brand,
        card_last4=method.last4,
        account_url=ctx.site.account_url,
        cancel_url=ctx.site.cancel_url(subscription.id),
    )
    send(ctx, subscription, mail, f"card-changed:{subscription.id}:{method.id}")
