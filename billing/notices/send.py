"""Send notices to a subscriber, and the values that several of them share."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from sqlmodel import Session

from billing.mail import outbox
from billing.mail.outbox import NewMessage
from billing.payments.models import PaymentMethod
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers import deceased
from billing.readers.register import by_id
from billing.rules.money import Money
from billing.subscriptions.find import on_sale
from billing.subscriptions.models import Plan, Price, Subscription
from emails import Mail
from emails.filters import every
from emails.languages import Text, full_moment, say


class Channel(Protocol):
    """Another way to a subscriber, such as SMS. It chooses by `message.mail` which messages it carries."""

    def queue_all(self, session: Session, messages: Sequence[NewMessage], at: datetime) -> object:
        """Queue those that it carries, in the transaction that causes them."""


BESIDE_MAIL: list[Channel] = []
"""The composition root adds to it. Mail comes first: its keys decide what is new, and only its 250 counts as notice."""


def send_all(ctx: TransactionContext, messages: Sequence[NewMessage]) -> Sequence[NewMessage]:
    """Queue mails, and hand those that are new to the other channels. Returns those that were new."""
    new = outbox.queue_all(ctx.session, messages, ctx.at)
    if BESIDE_MAIL and new:
        # `outbox` gives mail to the correspondent; other channels know only the reader, who has died.
        dead = deceased.among(ctx.session, [message.reader_id for message in new])
        alive = [message for message in new if message.reader_id not in dead]
        for channel in BESIDE_MAIL:
            channel.queue_all(ctx.session, alive, ctx.at)
    return new


def send(
    ctx: TransactionContext,
    about: Subscription | Refund,
    mail: Mail,
    key: str,
    *,
    expires_at: datetime | None = None,
) -> bool:
    """Send a notice about a subscription or a refund to its reader, once for its key. Returns whether it was new."""
    reader = by_id(ctx.session, about.reader_id)
    expires_at = expires_at or ctx.at + outbox.RECEIPT_LIFE
    return bool(send_all(ctx, [NewMessage(mail, key, reader.email, reader.id, expires_at, about.id)]))


def card_of(session: Session, subscription: Subscription) -> PaymentMethod:
    """The card that is charged."""
    return session.get_one(PaymentMethod, subscription.payment_method_id)


def last_day_while_reading(site: Site, subscription: Subscription) -> str | None:
    """The last day of reading of a subscription that is to end; None where it has ended, or doesn't end."""
    if subscription.ended_at is not None or subscription.cancels_at is None:
        return None
    return site.last_day(subscription.cancels_at).isoformat()


def after_that(session: Session, plan: Plan, price: Price, on: date) -> Text:
    """What follows a charge on that day: the same each period, or nothing for a year, then the month's price."""
    if plan.then_plan_id is None:
        return say(
            "%(price)s %(every)s, until you cancel",
            price=with_vat(price.money),
            every=every(plan.period_label),
        )
    month = on_sale(session, on, plan.then_plan_id)[1]
    return say(
        "no charge for a year, then %(price)s every month, until you cancel", price=with_vat(month.money)
    )


def with_vat(amount: Money) -> Text:
    """A price says that it includes VAT (VAT-2)."""
    return say("%(amount)s incl. VAT", amount=amount)


def moment(site: Site, at: datetime) -> Text:
    """An instant in words, in the publisher's zone."""
    return full_moment(at.astimezone(site.zone))
