"""The mails about the terms to come: another plan, a choice that was undone. Another price is in `price`."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from billing.notices import true_while
from billing.notices.send import after_that, send
from billing.platform.context import TransactionContext
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import Cents, Day, Mail, Url
from emails.languages import Text


@dataclass(frozen=True)
class PlanSwitchedMail(Mail, true_while=true_while.next_charge("from_on", "s.next_terms_because = 'switch'")):
    """The reader chose another plan, which begins on `from_on`. It can be undone until `undo_until`: that day, or in a trial the day
    on which the charge is announced."""

    samples = {
        "": {"every": "year", "amount": 75000},
        "in_trial": {"every": "year", "amount": 75000, "undo_until": "2026-03-08"},
    }
    every: str
    amount: Cents
    from_on: Day
    undo_until: Day
    after: Text
    cancel_url: Url
    account_url: Url


def plan_switched(ctx: TransactionContext, subscription: Subscription, undo_until: date) -> None:
    """Another plan from a day on, and until when it can be undone."""
    on = subscription.next_terms_on or subscription.charge_on
    plan, price = terms_on(ctx.session, subscription, on)
    mail = PlanSwitchedMail(
        every=plan.period_label,
        amount=price.amount,
        from_on=on.isoformat(),
        undo_until=undo_until.isoformat(),
        after=after_that(ctx.session, plan, price, on),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"plan-switched:{subscription.id}:{ctx.at.isoformat()}")


@dataclass(frozen=True)
class GoesOnMail(Mail, true_while=true_while.next_charge("next_charge_on")):
    """A pause, another plan or another day of the charge was undone before it began: everything goes on as it was."""

    samples = {"pause": {"what": "pause"}, "plan": {"what": "plan"}, "day": {"what": "day"}}
    what: Literal["pause", "plan", "day"]
    next_charge_on: Day
    amount: Cents
    cancel_url: Url
    account_url: Url


def choice_undone(
    ctx: TransactionContext, subscription: Subscription, what: Literal["pause", "plan", "day"], on: date
) -> None:
    """A choice was undone before it began; `on` is the next charge."""
    mail = GoesOnMail(
        what=what,
        next_charge_on=on.isoformat(),
        amount=terms_on(ctx.session, subscription, on)[1].amount,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"goes-on:{subscription.id}:{ctx.at.isoformat()}")
