"""The mails about the terms to come: a new price, another plan, a choice that was undone."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billing.notices import true_while
from billing.notices.send import after_that, send
from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Plan, Price, PriceNotice, Subscription
from emails import Cents, Day, Mail, Url
from emails.languages import Text

PRICE_NOTICE_TEXT = "price-notice-2026-11"


@dataclass(frozen=True)
class PriceChangeMail(
    Mail,
    kind="price_notice",
    true_while=true_while.subscription(
        true_while.GOES_ON,
        "s.next_terms_because = 'price'",
        f"s.next_terms_on = {true_while.day('from_on')}",
    ),
):
    """A higher or lower price, at least 30 days before it holds (CARD-8, CPA-8)."""

    samples = {"": {"new_amount": 8000}}
    every: str
    old_amount: Cents
    new_amount: Cents
    from_on: Day
    cancel_url: Url
    account_url: Url


def price_notice_key(notice_id: str) -> str:
    """The key of the mail of a notice."""
    return f"price-notice:{notice_id}"


def price_changing(
    ctx: TransactionContext, subscription: Subscription, notice: PriceNotice, price: Price
) -> None:
    """Another price. Not sent once it would be too late (CARD-8)."""
    old = ctx.session.get_one(Price, subscription.price_id)
    mail = PriceChangeMail(
        every=ctx.session.get_one(Plan, price.plan_id).period_label,
        old_amount=old.amount,
        new_amount=price.amount,
        from_on=notice.starts_on.isoformat(),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    last = trial.charge_at(notice.starts_on, ctx.zone) - timedelta(days=30)
    send(ctx, subscription, mail, price_notice_key(notice.id), expires_at=last)


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
