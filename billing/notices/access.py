"""The mail about days that staff gave to a subscriber."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billing.notices.send import send
from billing.notices.true_while import next_charge
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge as charge_after
from emails import Cents, Day, Mail, Url


@dataclass(frozen=True)
class MoreDaysMail(Mail, true_while=next_charge("next_charge_on")):
    """Staff gave days: the trial or the paid period ends later. `last_day` is the last one that is free or paid."""

    samples = {
        "trial": {"last_day": "2026-03-22", "next_charge_on": "2026-03-23"},
        "paid": {"what": "period", "last_day": "2026-04-20", "next_charge_on": "2026-04-21"},
    }
    what: Literal["trial", "period"]
    last_day: Day
    next_charge_on: Day
    amount: Cents
    cancel_url: Url
    account_url: Url


def days_added(ctx: TransactionContext, subscription: Subscription, on: date) -> None:
    """Staff gave days; `on` is the first day that is neither free nor paid now. The next charge comes then, or after a pause."""
    charge = charge_after(subscription, ctx.zone)
    charge_on = charge.on if charge else on
    mail = MoreDaysMail(
        what="trial" if subscription.state is State.TRIALING else "period",
        last_day=(on - timedelta(days=1)).isoformat(),
        next_charge_on=charge_on.isoformat(),
        amount=terms_on(ctx.session, subscription, charge_on)[1].amount,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"more-days:{subscription.id}:{on.isoformat()}:{ctx.at.isoformat()}")
