"""The mails about an end: the cancellation, its undoing, the withdrawal from the sale, the end without a payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.notices.deceased import death_recorded
from billing.notices.returned_charges import (
    SAMPLE_FAILED,
    SAMPLE_UNDER_WAY,
    MailWithRefunds,
    attach_refunds,
    card_that_paid,
)
from billing.notices.send import after_that, last_day_while_reading, moment, send
from billing.notices.true_while import next_charge
from billing.payments.models import Payment
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.readers import deceased
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from emails import ALWAYS, Cents, Day, Mail, Url
from emails.languages import Text

_AT_ONCE = {"access_until": None, "ever_charged": True, "undo_url": None}


@dataclass(frozen=True)
class CancelledMail(MailWithRefunds, true_while=ALWAYS):
    """Confirms a cancellation, with all that goes back because of it. `access_until` is the last day of reading, None where
    reading stopped at once."""

    samples = {
        "in-trial": {"access_until": "2026-03-15"},
        "when-paid": {"ever_charged": True},
        "at-once": _AT_ONCE,
        "with-money": _AT_ONCE
        | {
            "returns": [{}, {"charged_on": "2026-04-16", "credit_note_number": "CN-000008"}],
            "notes": [{}, {"credit_note_number": "CN-000008", "invoice_number": "INV-000150"}],
        },
        "with-money-later": _AT_ONCE | {"returns": [SAMPLE_UNDER_WAY]},
        "with-money-owed": _AT_ONCE | {"returns": [SAMPLE_FAILED]},
        "with-money-returned-before": _AT_ONCE | {"returns": [SAMPLE_FAILED | {"state": "before"}]},
    }
    access_until: Day | None
    ever_charged: bool
    undo_url: Url | None
    offer_url: Url


def subscription_cancelled(
    ctx: TransactionContext, subscription: Subscription, returning: Sequence[Refund] = ()
) -> None:
    """Confirm a cancellation at once, with the last day of reading, how to undo it, and what goes back (INT-4); again where the
    last day moves. Of a reader who has died, their correspondent gets another mail."""
    death = deceased.of(ctx.session, subscription.reader_id)
    if death is not None:
        death_recorded(ctx, death, subscription, returning)
        return
    cancels_at = subscription.cancels_at
    last_day = last_day_while_reading(ctx.site, subscription) if cancels_at and cancels_at > ctx.at else None
    mail = CancelledMail(
        access_until=last_day,
        ever_charged=subscription.period_number > 0,
        undo_url=ctx.site.undo_url if last_day else None,
        offer_url=ctx.site.offer_url,
    )
    asked = subscription.cancel_asked_at or ctx.at
    ends = f":{cancels_at.isoformat()}" if cancels_at else ""
    key = f"cancelled:{subscription.id}:{asked.isoformat()}{ends}"
    send(ctx, subscription, mail, key)
    attach_refunds(ctx, key, returning)


@dataclass(frozen=True)
class ResumedMail(Mail, true_while=next_charge("next_charge_on")):
    """Confirms that a cancellation was undone."""

    next_charge_on: Day
    amount: Cents
    after: Text
    cancel_url: Url
    account_url: Url


def cancellation_undone(ctx: TransactionContext, subscription: Subscription, charge_on: date) -> None:
    """The cancellation was undone; the day of the next charge."""
    plan, price = terms_on(ctx.session, subscription, charge_on)
    mail = ResumedMail(
        next_charge_on=charge_on.isoformat(),
        amount=price.amount,
        after=after_that(ctx.session, plan, price, charge_on),
        cancel_url=ctx.site.cancel_url(subscription.id),
        account_url=ctx.site.account_url,
    )
    send(ctx, subscription, mail, f"resumed:{subscription.id}:{ctx.at.isoformat()}")


@dataclass(frozen=True)
class WithdrawnMail(MailWithRefunds, true_while=ALWAYS):
    """Acknowledges that the reader withdrew from the sale, with the moment of it (INT-1), `asked_text`.

    `unread_amount` is the part of `amount` for days not read, of charges after the first; `one_card`: all of it returns to one card."""

    samples = {
        "": {},
        "after-a-renewal": {"amount": 14750, "unread_amount": 7250},
        "two-cards": {"amount": 14750, "unread_amount": 7250, "one_card": False},
        "not-taken": {"returns": [SAMPLE_FAILED]},
        "partly-taken": {
            "amount": 14750,
            "unread_amount": 7250,
            "returns": [
                SAMPLE_FAILED,
                SAMPLE_UNDER_WAY | {"amount": 7250, "charged_on": "2026-04-16"},
            ],
        },
    }
    asked_text: Text
    amount: Cents
    card_brand: str
    card_last4: str
    offer_url: Url
    unread_amount: Cents | None = None
    one_card: bool = True


def sale_withdrawn(
    ctx: TransactionContext,
    subscription: Subscription,
    payments: Sequence[Payment],
    *,
    cents: int,
    later_cents: int,
    returning: Sequence[Refund] = (),
) -> None:
    """The reader withdrew: `cents` of these payments go back, of which `later_cents` are of charges after the first."""
    cards = [card_that_paid(ctx.session, payment) for payment in payments]
    mail = WithdrawnMail(
        asked_text=moment(ctx.site, ctx.at),
        amount=cents,
        card_brand=cards[0].brand,
        card_last4=cards[0].last4,
        offer_url=ctx.site.offer_url,
        unread_amount=later_cents or None,
        one_card=len({(card.brand, card.last4) for card in cards}) == 1,
    )
    key = f"withdrawn:{payments[0].id}"
    send(ctx, subscription, mail, key)
    attach_refunds(ctx, key, returning)


@dataclass(frozen=True)
class EndedMail(
    Mail,
    true_while="""NOT EXISTS (SELECT FROM subscription s JOIN subscription o ON o.reader_id = s.reader_id
                              WHERE s.id = m.about AND o.state <> 'ended')""",
):
    """The subscription is over; `last_day` was the last day of reading."""

    last_day: Day
    offer_url: Url


def subscription_ended(ctx: TransactionContext, subscription: Subscription) -> None:
    """It is over because no charge went through."""
    last_day = ctx.site.last_day(subscription.ended_at or ctx.at)
    mail = EndedMail(last_day=last_day.isoformat(), offer_url=ctx.site.offer_url)
    send(ctx, subscription, mail, f"ended:{subscription.id}")
