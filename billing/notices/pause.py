"""The mails about a pause: that it was asked for, and the charge with which it ends."""

from dataclasses import dataclass
from datetime import date, timedelta

from billing.notices.send import card_of, send
from billing.notices.true_while import SAME_CARD, next_charge
from billing.platform.context import TransactionContext
from billing.rules import notices, trial
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import Cents, Day, Mail, Url


@dataclass(frozen=True)
class PausedMail(Mail, true_while=next_charge("resumes_on")):
    """A pause was asked for: reading stops after `last_day`, and goes on, with a charge, on `resumes_on`."""

    last_day: Day
    resumes_on: Day
    amount: Cents
    cancel_url: Url
    account_url: Url


def pause_confirmed(ctx: TransactionContext, subscription: Subscription) -> None:
    """The last day of reading, and the day on which the subscription goes on."""
    resumes_on = subscription.resumes_on or subscription.charge_on
    last_day = (subscription.period_end_on or resumes_on) - timedelta(days=1)
    mail = PausedMail(
        last_day=last_day.isoformat(),
        resumes_on=resumes_on.isoformat(),
        amount=terms_on(ctx.session, subscription, resumes_on)[1].amount,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"paused:{subscription.id}:{ctx.at.isoformat()}")


@dataclass(frozen=True)
class PauseEndsMail(Mail, true_while=next_charge("charge_on", "s.state = 'paused'", SAME_CARD)):
    """Announces the charge with which a pause ends, at least a week ahead."""

    amount: Cents
    charge_on: Day
    card_brand: str
    card_last4: str
    cancel_url: Url
    account_url: Url


def pause_notice_key(subscription_id: str, resumes_on: date) -> str:
    """The key of the notice. Another day has another key, so it is announced again."""
    return f"pause-ends:{subscription_id}:{resumes_on.isoformat()}"


def pause_ending(ctx: TransactionContext, subscription: Subscription) -> None:
    """The charge with which the pause ends. Not sent after its window."""
    on = subscription.resumes_on or subscription.charge_on
    card = card_of(ctx.session, subscription)
    mail = PauseEndsMail(
        amount=terms_on(ctx.session, subscription, on)[1].amount,
        charge_on=on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    closes_at = notices.window(notices.Notice.FIRST, trial.charge_at(on, ctx.zone)).closes_at
    send(ctx, subscription, mail, pause_notice_key(subscription.id, on), expires_at=closes_at)
