"""The mail about the day of the month that a reader chose for the charges."""

from dataclasses import dataclass
from datetime import date, timedelta

from billing.notices import true_while
from billing.notices.send import send
from billing.platform.context import TransactionContext
from billing.rules import charge_day
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import Cents, Day, Mail, Url
from emails.languages import Text, say


def day_in_words(day: int) -> Text:
    """A day of the month as pages and mails say it: "the 25th", "the last day"."""
    if day == charge_day.LAST:
        return say("the last day")
    match charge_day.in_words(day)[-2:]:
        case "st":
            return say("the %(day)sst", day=day)
        case "nd":
            return say("the %(day)snd", day=day)
        case "rd":
            return say("the %(day)srd", day=day)
    return say("the %(day)sth", day=day)


@dataclass(frozen=True)
class ChargeDayMail(
    Mail,
    true_while=true_while.next_charge(
        "next_charge_on", f"s.charge_day_from = {true_while.day('undo_until')}"
    ),
):
    """The charges come on `of_month` of each month from now on, the next on `next_charge_on`. What is paid ends with `last_day`, and
    `free_days` follow, which may be none; the choice can be undone through `last_day`, before `undo_until`."""

    samples = {
        "": {"of_month": day_in_words(25), "free_days": 9, "next_charge_on": "2026-04-25"},
        "last": {"of_month": day_in_words(charge_day.LAST), "free_days": 0},
    }
    of_month: Text
    last_day: Day
    free_days: int
    next_charge_on: Day
    amount: Cents
    undo_until: Day
    cancel_url: Url
    account_url: Url


def charge_day_chosen(
    ctx: TransactionContext, subscription: Subscription, chosen: int, *, before: date, on: date
) -> None:
    """The next charge is on that day instead of `before`, and later ones on the chosen day of each month."""
    mail = ChargeDayMail(
        of_month=day_in_words(chosen),
        last_day=(before - timedelta(days=1)).isoformat(),
        free_days=(on - before).days,
        next_charge_on=on.isoformat(),
        amount=terms_on(ctx.session, subscription, on)[1].amount,
        undo_until=before.isoformat(),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"charge-day:{subscription.id}:{ctx.at.isoformat()}")
