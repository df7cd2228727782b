"""What readers are told about a subscription and its money: one small function a mail, each under a key of its own."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from billing.mail import outbox
from billing.notices import refunds
from billing.payments.document_text import receipt_words
from billing.payments.models import Invoice, PaymentMethod, Refund
from billing.platform import bulk
from billing.platform.site import Office
from billing.readers.models import Reader
from billing.readers.register import by_id
from billing.rules import notices, trial
from billing.rules.money import Money
from billing.subscriptions.find import on_sale, terms_of, terms_on
from billing.subscriptions.models import Plan, Price, Subscription
from emails import (
    Cancelled,
    CardChanged,
    CardExpiring,
    CardRemoved,
    Disputed,
    Ended,
    Message,
    PaymentFailed,
    Resumed,
    TrialNotice,
    TrialStarted,
)


def after_words(session: Session, plan: Plan, price: Price, on: date) -> str:
    """What follows a charge on that day: the same each month, or nothing for a year and then the month's price."""
    if plan.then_plan_id is None:
        return f"{Money(price.amount, price.currency).with_vat_words()} every month, until you cancel"
    month = on_sale(session, on, plan.then_plan_id)[1]
    words = Money(month.amount, month.currency).with_vat_words()
    return f"no charge for a year, then {words} every month, until you cancel"


def trial_started(session: Session, office: Office, subscription: Subscription, at: datetime) -> None:
    """The terms, at once (CARD-3). Told again where the mail that waited has become untrue: a day that moved, for instance."""
    card = card_of(session, subscription)
    plan, price = terms_of(session, subscription)
    words = TrialStarted(
        amount=price.amount,
        started_on=office.today(subscription.started_at).isoformat(),
        trial_ends_on=(subscription.charge_on - timedelta(days=1)).isoformat(),
        first_charge_on=subscription.charge_on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        after=after_words(session, plan, price, subscription.charge_on),
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    charge_at = trial.charge_at(subscription.charge_on, office.zone)
    queue(session, subscription, words, f"trial-started:{subscription.id}", at, expires_at=charge_at)


def notice_key(which: notices.Notice, subscription_id: str, charge_on: date) -> str:
    """One notice of each kind for each announced day: a day that moves is announced anew."""
    return f"trial-notice-{which}:{subscription_id}:{charge_on.isoformat()}"


def trial_notice(
    session: Session, office: Office, subscription: Subscription, which: notices.Notice, at: datetime
) -> None:
    """Amount, date and how to cancel, before the first charge (CARD-4). Not sent after its window: it would not count."""
    card = card_of(session, subscription)
    plan, price = terms_of(session, subscription)
    words = TrialNotice(
        which=which.value,
        amount=price.amount,
        charge_on=subscription.charge_on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        after=after_words(session, plan, price, subscription.charge_on),
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    window = notices.window(which, trial.charge_at(subscription.charge_on, office.zone))
    key = notice_key(which, subscription.id, subscription.charge_on)
    queue(session, subscription, words, key, at, expires_at=window.closes_at)


def receipts(
    session: Session,
    office: Office,
    paid: Sequence[tuple[Subscription, Invoice, str]],
    at: datetime,
    *,
    again: bool = False,
) -> None:
    """Receipt and abridged tax invoice in one (CARD-6, VAT-5); each with the id of the card that paid. `again`: the readers may
    have got one before, from a database that was lost."""
    if not paid:
        return
    cards = bulk.load(session, PaymentMethod, {method_id for _, _, method_id in paid})
    readers = bulk.load(session, Reader, {subscription.reader_id for subscription, _, _ in paid})
    letters = [
        outbox.Letter(
            receipt_words(office, subscription, invoice, cards[method_id], again=again),
            f"receipt:{invoice.id}",
            readers[subscription.reader_id].email,
            subscription.reader_id,
            at + outbox.RECEIPT_LIFE,
        )
        for subscription, invoice, method_id in paid
    ]
    outbox.queue_all(session, letters, at)


def payment_failed(
    session: Session,
    office: Office,
    subscription: Subscription,
    invoice: Invoice,
    method_id: str,
    at: datetime,
    *,
    occasion: str,
    confirm: bool,
    bank_asked: bool = True,
) -> None:
    """The card said no; when we try again, how long reading goes on, where to pay in person or give another card.

    `confirm`: the bank wants the reader to confirm the payment (3DS-2). `bank_asked` is False where the card has refused so
    often that its bank wasn't asked (RET-6)."""
    card = session.get_one(PaymentMethod, method_id)
    words = PaymentFailed(
        amount=invoice.gross,
        card_brand=card.brand,
        card_last4=card.last4,
        retry_on=subscription.retry_on.isoformat() if subscription.retry_on else None,
        confirm=confirm,
        bank_asked=bank_asked,
        reading_until=last_day_before(office, subscription.access_until).isoformat(),
        card_gone=card.gone_at is not None,
        pay_url=office.pay_url(invoice.id),
        card_url=office.card_url(subscription.id),
        cancel_url=office.cancel_url(subscription.id),
    )
    key = f"payment-failed:{occasion}"
    queue(session, subscription, words, key, at, expires_at=at + timedelta(days=3))


def card_expiring(
    session: Session, office: Office, subscription: Subscription, charge_on: date, at: datetime
) -> None:
    """The card ends before the next charge; once for each date a card has, and not after that charge's day."""
    card = card_of(session, subscription)
    if subscription.card_expires_on is None:
        raise AssertionError(f"nobody knows when the card of {subscription.id} ends")
    words = CardExpiring(
        card_brand=card.brand,
        card_last4=card.last4,
        expires_on=subscription.card_expires_on.isoformat(),
        amount=terms_on(session, subscription, charge_on)[1].amount,
        charge_on=charge_on.isoformat(),
        card_url=office.card_url(subscription.id),
        cancel_url=office.cancel_url(subscription.id),
    )
    key = f"card-expiring:{subscription.id}:{card.id}:{subscription.card_expires_on.isoformat()}"
    queue(session, subscription, words, key, at, expires_at=trial.charge_at(charge_on, office.zone))


def card_removed(
    session: Session, office: Office, subscription: Subscription, charge_on: date, at: datetime
) -> None:
    """The card has left Stripe's vault before the next charge; once for each card, and not after that charge's day."""
    card = card_of(session, subscription)
    words = CardRemoved(
        card_brand=card.brand,
        card_last4=card.last4,
        amount=terms_on(session, subscription, charge_on)[1].amount,
        charge_on=charge_on.isoformat(),
        card_url=office.card_url(subscription.id),
        cancel_url=office.cancel_url(subscription.id),
    )
    key = f"card-removed:{subscription.id}:{card.id}"
    queue(session, subscription, words, key, at, expires_at=trial.charge_at(charge_on, office.zone))


def card_changed(
    session: Session, office: Office, subscription: Subscription, method: PaymentMethod, at: datetime
) -> None:
    """Another card is charged from now on; so that a reader who didn't give it hears of it."""
    words = CardChanged(
        at_text=moment(office, at),
        card_brand=method.brand,
        card_last4=method.last4,
        account_url=office.account_url,
        cancel_url=office.cancel_url(subscription.id),
    )
    queue(session, subscription, words, f"card-changed:{subscription.id}:{method.id}", at)


def cancelled(
    session: Session,
    office: Office,
    subscription: Subscription,
    at: datetime,
    returning: Sequence[Refund] = (),
) -> None:
    """The cancellation is confirmed at once, with the last day of reading and the way back (INT-4); anew where reading is to
    end at another moment than was said. The same mail tells what goes back because of it."""
    reading = (
        subscription.cancels_at is not None and subscription.ended_at is None and subscription.cancels_at > at
    )
    last_day = (
        last_day_before(office, subscription.cancels_at).isoformat()
        if reading and subscription.cancels_at
        else None
    )
    words = Cancelled(
        access_until=last_day,
        ever_charged=subscription.period_number > 0,
        undo_url=office.undo_url if last_day else None,
        offer_url=office.offer_url,
    )
    asked = subscription.cancel_asked_at or at
    ends = f":{subscription.cancels_at.isoformat()}" if subscription.cancels_at else ""
    key = f"cancelled:{subscription.id}:{asked.isoformat()}{ends}"
    queue(session, subscription, words, key, at)
    refunds.together(session, office, key, returning, at)


def disputed(
    session: Session,
    office: Office,
    subscription: Subscription,
    at: datetime,
    *,
    occasion: str,
    taken_back: bool = False,
) -> None:
    """Renewals have stopped because a bank questions a charge; no blame, and the way to us. `taken_back`: the bank has decided,
    and reading has ended with what was paid for it."""
    reading = subscription.ended_at is None and subscription.cancels_at is not None
    last_day = (
        last_day_before(office, subscription.cancels_at).isoformat()
        if reading and subscription.cancels_at
        else None
    )
    words = Disputed(access_until=last_day, account_url=office.account_url, taken_back=taken_back)
    queue(session, subscription, words, f"disputed:{subscription.id}:{occasion}", at)


def resumed(
    session: Session, office: Office, subscription: Subscription, charge_on: date, at: datetime
) -> None:
    """The cancellation was undone; when the card is charged next."""
    plan, price = terms_on(session, subscription, charge_on)
    words = Resumed(
        next_charge_on=charge_on.isoformat(),
        amount=price.amount,
        after=after_words(session, plan, price, charge_on),
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    queue(session, subscription, words, f"resumed:{subscription.id}:{at.isoformat()}", at)


def ended(session: Session, office: Office, subscription: Subscription, at: datetime) -> None:
    """It is over because no charge went through."""
    last_day = last_day_before(office, subscription.ended_at or at)
    words = Ended(last_day=last_day.isoformat(), offer_url=office.offer_url)
    queue(session, subscription, words, f"ended:{subscription.id}", at)


def last_day_before(office: Office, until: datetime) -> date:
    """The last civil day with reading, where reading stops at `until`."""
    return office.today(until - timedelta(microseconds=1))


def moment(office: Office, at: datetime) -> str:
    """An instant in words, in the publisher's zone."""
    local = at.astimezone(office.zone)
    return f"{local:%A} {local.day} {local:%B %Y} at {local:%H:%M}"


def card_of(session: Session, subscription: Subscription) -> PaymentMethod:
    """The card that is charged."""
    return session.get_one(PaymentMethod, subscription.payment_method_id)


def queue(
    session: Session,
    subscription: Subscription,
    words: Message,
    key: str,
    at: datetime,
    *,
    expires_at: datetime | None = None,
) -> None:
    """Write a mail to the subscription's reader, once for its key."""
    reader = by_id(session, subscription.reader_id)
    outbox.queue(
        session,
        words,
        key=key,
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=expires_at or at + outbox.RECEIPT_LIFE,
        about=subscription.id,
    )
