"""The mails about a trial: its terms, and the two notices of its first charge."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billing.notices.send import after_that, card_of, send
from billing.notices.true_while import SAME_CARD, next_charge
from billing.platform.context import TransactionContext
from billing.rules import notices, trial
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import Cents, Day, Mail, Url
from emails.languages import Text

_IN_TRIAL = "s.state = 'trialing'"


@dataclass(frozen=True)
class TrialStartedMail(Mail, true_while=next_charge("first_charge_on", _IN_TRIAL)):
    """`trial_ends_on` is the last free day, `after` what follows the first charge."""

    amount: Cents
    started_on: Day
    trial_ends_on: Day
    first_charge_on: Day
    card_brand: str
    card_last4: str
    after: Text
    cancel_url: Url
    account_url: Url


def trial_started(ctx: TransactionContext, subscription: Subscription) -> None:
    """Confirm the terms at once (CARD-3); again where the waiting mail has become untrue, for instance as the day moved."""
    card = card_of(ctx.session, subscription)
    plan, price = terms_on(ctx.session, subscription, subscription.charge_on)
    mail = TrialStartedMail(
        amount=price.amount,
        started_on=ctx.site.today(subscription.started_at).isoformat(),
        trial_ends_on=(subscription.charge_on - timedelta(days=1)).isoformat(),
        first_charge_on=subscription.charge_on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        after=after_that(ctx.session, plan, price, subscription.charge_on),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    charge_at = trial.charge_at(subscription.charge_on, ctx.zone)
    send(ctx, subscription, mail, f"trial-started:{subscription.id}", expires_at=charge_at)


@dataclass(frozen=True)
class TrialNoticeMail(Mail, true_while=next_charge("charge_on", _IN_TRIAL, SAME_CARD)):
    """Announces the first charge, twice (CARD-4). Without both notices there is no charge."""

    samples = {
        "first": {},
        "second": {"which": "second", "card_brand": "mastercard", "card_last4": "4444"},
    }
    which: Literal["first", "second"]
    amount: Cents
    charge_on: Day
    card_brand: str
    card_last4: str
    after: Text
    cancel_url: Url
    account_url: Url


def trial_notice_key(which: notices.Notice, subscription_id: str, charge_on: date) -> str:
    """The key of a notice. Another day has another key, so it is announced again."""
    return f"trial-notice-{which}:{subscription_id}:{charge_on.isoformat()}"


def trial_ending(ctx: TransactionContext, subscription: Subscription, which: notices.Notice) -> None:
    """Amount, date and how to cancel, before the first charge (CARD-4). Not sent after its window: it would not count."""
    card = card_of(ctx.session, subscription)
    plan, price = terms_on(ctx.session, subscription, subscription.charge_on)
    mail = TrialNoticeMail(
        which=which.value,
        amount=price.amount,
        charge_on=subscription.charge_on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        after=after_that(ctx.session, plan, price, subscription.charge_on),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    window = notices.window(which, trial.charge_at(subscription.charge_on, ctx.zone))
    key = trial_notice_key(which, subscription.id, subscription.charge_on)
    send(ctx, subscription, mail, key, expires_at=window.closes_at)
