"""The mails about a fixed term: the notice of its end, the reminders of the charge that follows, and leaving early."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billing.notices import true_while
from billing.notices.returned_charges import SAMPLE_FAILED, MailWithRefunds, attach_refunds
from billing.notices.send import card_of, send, with_vat
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.rules import notices, term, trial
from billing.rules.money import Money
from billing.subscriptions.find import NotOffered, plan_on_offer, terms_on
from billing.subscriptions.models import Price, Subscription, TermsChangeReason
from emails import ALWAYS, Cents, Day, Mail, Url
from emails.filters import per
from emails.languages import Text, say


def _choice(price: Text, period: str) -> Text:
    return say("%(price)s %(per)s", price=price, per=per(period))


@dataclass(frozen=True)
class TermNoticeMail(
    Mail,
    true_while=true_while.subscription(
        true_while.GOES_ON, "s.is_fixed_term", f"s.period_end_on = {true_while.day('next_on')}"
    ),
):
    """A fixed term ends, 80 to 40 business days ahead: what follows, and what may be chosen (CPA-2).

    `chosen` is the reader's choice with its price, such as "R750.00 incl. VAT a year"; `month_amount` then holds without it."""

    samples = {
        "": {},
        "plain": {"year_amount": None},
        "chosen": {"year_amount": None, "chosen": _choice(with_vat(Money(75000)), "year")},
    }
    last_day: Day
    next_on: Day
    month_amount: Cents
    year_amount: Cents | None
    cancel_url: Url
    account_url: Url
    chosen: Text | None = None


def term_notice_keys(subscription_id: str) -> str:
    """The start of all `term_notice_key`s of a subscription."""
    return f"term-notice:{subscription_id}:"


def term_notice_key(subscription_id: str, ends_on: date) -> str:
    """The key of the notice. Another day has another key, so it is announced again."""
    return term_notice_keys(subscription_id) + ends_on.isoformat()


def term_ending(
    ctx: TransactionContext, subscription: Subscription, month: Price, *, corrects: bool = False
) -> None:
    """The term ends: what follows, and what the reader chose or may choose (CPA-2). A correction may be sent until the end."""
    ends_on = subscription.period_end_on or subscription.charge_on
    year, chosen = None, None
    if subscription.next_terms_because is TermsChangeReason.SWITCH:
        plan, price = terms_on(ctx.session, subscription, ends_on)
        chosen = _choice(with_vat(price.money), plan.period_label)
    else:
        with suppress(NotOffered):  # the year may be sold no more: then the mail offers none
            year = plan_on_offer(ctx.session, ends_on, subscription.plan_id)[1].amount
    mail = TermNoticeMail(
        last_day=(ends_on - timedelta(days=1)).isoformat(),
        next_on=ends_on.isoformat(),
        month_amount=month.amount,
        year_amount=year,
        chosen=chosen,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    last = trial.charge_at(ends_on, ctx.zone) if corrects else term.window(ends_on, ctx.zone).closes_at
    send(ctx, subscription, mail, term_notice_key(subscription.id, ends_on), expires_at=last)


@dataclass(frozen=True)
class TermReminderMail(
    Mail, true_while=true_while.next_charge("charge_on", "s.is_fixed_term", true_while.SAME_CARD)
):
    """Announces the charge that follows a fixed term, about a week and about four days ahead (CARD-8)."""

    samples = {"first": {}, "second": {"which": "second", "every": "year", "amount": 75000}}
    which: Literal["first", "second"]
    every: str
    amount: Cents
    charge_on: Day
    card_brand: str
    card_last4: str
    cancel_url: Url
    account_url: Url


def term_reminder_key(which: notices.Notice, subscription_id: str, charge_on: date) -> str:
    """The key of a reminder. Another day has another key, so it is announced again."""
    return f"term-reminder-{which}:{subscription_id}:{charge_on.isoformat()}"


def term_reminder(ctx: TransactionContext, subscription: Subscription, which: notices.Notice) -> None:
    """The charge after a term, in the windows of the trial's notices (CARD-8)."""
    charge_on = subscription.period_end_on or subscription.charge_on
    plan, price = terms_on(ctx.session, subscription, charge_on)
    card = card_of(ctx.session, subscription)
    mail = TermReminderMail(
        which=which.value,
        every=plan.period_label,
        amount=price.amount,
        charge_on=charge_on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    closes_at = notices.window(which, trial.charge_at(charge_on, ctx.zone)).closes_at
    key = term_reminder_key(which, subscription.id, charge_on)
    send(ctx, subscription, mail, key, expires_at=closes_at)


@dataclass(frozen=True)
class TermLeftMail(MailWithRefunds, true_while=ALWAYS):
    """The reader left a fixed term early: the last day, and what goes back for the days after it (CPA-2)."""

    samples = {"": {}, "not-taken": {"returns": [SAMPLE_FAILED]}}
    last_day: Day
    refund: Cents
    offer_url: Url


def term_left(
    ctx: TransactionContext, subscription: Subscription, cents: int, returning: Sequence[Refund] = ()
) -> None:
    """A term was left early: the last day, and what goes back."""
    mail = TermLeftMail(
        last_day=ctx.site.last_day(subscription.cancels_at or ctx.at).isoformat(),
        refund=cents,
        offer_url=ctx.site.offer_url,
    )
    key = f"term-left:{subscription.id}:{ctx.at.isoformat()}"
    send(ctx, subscription, mail, key)
    attach_refunds(ctx, key, returning)
