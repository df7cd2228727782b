"""The mails about a request to cancel that came by form and waits for an answer."""

from dataclasses import dataclass
from datetime import date

from billing.notices import true_while
from billing.notices.send import moment, send
from billing.platform.context import TransactionContext
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge
from emails import Cents, Day, Mail, Url
from emails.languages import Text


@dataclass(frozen=True)
class CancelRequestedMail(
    Mail, true_while=true_while.subscription(true_while.GOES_ON, "s.cancel_request_at IS NOT NULL")
):
    """A form that anybody can send asked, with this address, to cancel, at `asked_text`. `charge_on` is the day of the next
    charge, of `amount`; None where none is planned."""

    samples = {"": {}, "owing": {"charge_on": None}}
    asked_text: Text
    amount: Cents
    charge_on: Day | None
    cancel_url: Url
    account_url: Url


def cancel_requested(ctx: TransactionContext, subscription: Subscription) -> bool:
    """A request came with this address: how to confirm it, and how to keep the subscription. One mail a day at most; returns
    whether it is sent."""
    charge = next_charge(subscription, ctx.zone)
    on = charge.on if charge else None
    mail = CancelRequestedMail(
        asked_text=moment(ctx.site, ctx.at),
        amount=terms_on(ctx.session, subscription, on)[1].amount,
        charge_on=on.isoformat() if on else None,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    return send(ctx, subscription, mail, f"cancel-requested:{subscription.id}:{ctx.today.isoformat()}")


@dataclass(frozen=True)
class ChargeHeldMail(Mail, true_while=true_while.next_charge("charge_on")):
    """A charge was postponed to `charge_on`: a request to cancel, which came by form at `asked_text`, isn't answered yet."""

    asked_text: Text
    amount: Cents
    charge_on: Day
    cancel_url: Url
    account_url: Url


def charge_held(ctx: TransactionContext, subscription: Subscription, until: date) -> None:
    """The due charge is postponed to the day `until`, because the request to cancel hasn't been answered."""
    mail = ChargeHeldMail(
        asked_text=moment(ctx.site, subscription.cancel_request_at or ctx.at),
        amount=terms_on(ctx.session, subscription, until)[1].amount,
        charge_on=until.isoformat(),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"charge-held:{subscription.id}:{until.isoformat()}")
