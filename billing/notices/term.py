"""What readers are told about a choice: days given, another plan or price, a pause, leaving early. One small function a mail."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Literal

from sqlmodel import Session

from billing.mail import outbox
from billing.notices import refunds
from billing.notices.subscription import after_words, card_of, last_day_before, queue
from billing.payments.models import Attempt, Payment, PaymentMethod, Refund
from billing.platform.site import Office
from billing.rules import notices, term, trial
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.find import NothingOnSale, on_sale, terms_on
from billing.subscriptions.models import Because, Plan, Price, PriceNotice, Subscription
from billing.subscriptions.schedule import next_charge
from emails import (
    GoesOn,
    MoreDays,
    Paused,
    PauseEnds,
    PlanSwitched,
    TermLeft,
    TermNotice,
    TermReminder,
    Withdrawn,
)
from emails import PriceNotice as PriceNoticeWords

PRICE_NOTICE_TEXT = "price-notice-2026-11"


def every(plan: Plan) -> Literal["month", "year"]:
    """How often a plan is paid, in a word."""
    return "year" if plan.months == 12 else "month"


def withdrawn(
    session: Session,
    office: Office,
    subscription: Subscription,
    payments: Sequence[Payment],
    *,
    cents: int,
    later_cents: int,
    at: datetime,
    returning: Sequence[Refund] = (),
) -> None:
    """The sale is taken back; the moment of it stands in the mail (INT-1), with all that goes back: `cents` of these payments, the
    first of which is the first charge; `later_cents` of them are of the others."""
    cards = [_card_of(session, payment) for payment in payments]
    local = at.astimezone(office.zone)
    words = Withdrawn(
        asked_text=f"{local:%A} {local.day} {local:%B %Y} at {local:%H:%M}",
        amount=cents,
        card_brand=cards[0].brand,
        card_last4=cards[0].last4,
        offer_url=office.offer_url,
        unread_amount=later_cents or None,
        one_card=len({(card.brand, card.last4) for card in cards}) == 1,
    )
    key = f"withdrawn:{payments[0].id}"
    queue(session, subscription, words, key, at)
    refunds.together(session, office, key, returning, at)


def _card_of(session: Session, payment: Payment) -> PaymentMethod:
    return session.get_one(PaymentMethod, session.get_one(Attempt, payment.attempt_id).payment_method_id)


def more_days(session: Session, office: Office, subscription: Subscription, on: date, at: datetime) -> None:
    """Staff gave days; `on` is the first that is neither free nor paid now. The next charge comes then, or after a pause."""
    charge = next_charge(subscription, office.zone)
    charge_on = charge.on if charge else on
    words = MoreDays(
        what="trial" if subscription.state is State.TRIALING else "period",
        last_day=(on - timedelta(days=1)).isoformat(),
        next_charge_on=charge_on.isoformat(),
        amount=terms_on(session, subscription, charge_on)[1].amount,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    queue(session, subscription, words, f"more-days:{subscription.id}:{on.isoformat()}:{at.isoformat()}", at)


def price_notice_key(notice_id: str) -> str:
    """One mail for each notice."""
    return f"price-notice:{notice_id}"


def price_notice(
    session: Session,
    office: Office,
    subscription: Subscription,
    notice: PriceNotice,
    price: Price,
    at: datetime,
) -> None:
    """Another price. Not sent once it would be too late to count."""
    old = session.get_one(Price, subscription.price_id)
    words = PriceNoticeWords(
        every=every(session.get_one(Plan, price.plan_id)),
        old_amount=old.amount,
        new_amount=price.amount,
        from_on=notice.starts_on.isoformat(),
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    last = trial.charge_at(notice.starts_on, office.zone) - timedelta(days=30)
    queue(session, subscription, words, price_notice_key(notice.id), at, expires_at=last)


def term_keys(subscription_id: str) -> str:
    """How the keys of all notices of the ends of a subscription's terms begin."""
    return f"term-notice:{subscription_id}:"


def term_key(subscription_id: str, ends_on: date) -> str:
    """One notice for each end of a term."""
    return term_keys(subscription_id) + ends_on.isoformat()


def term_notice(
    session: Session,
    office: Office,
    subscription: Subscription,
    month: Price,
    at: datetime,
    *,
    corrects: bool = False,
) -> None:
    """The year ends: what comes then, and what was chosen or may be (CPA-2). One that corrects another may be sent to the end."""
    ends_on = subscription.period_end_on or subscription.charge_on
    year, chosen = None, None
    if subscription.next_terms_because is Because.SWITCH:
        plan, price = terms_on(session, subscription, ends_on)
        chosen = f"{Money(price.amount, price.currency).with_vat_words()} a {every(plan)}"
    else:
        with suppress(NothingOnSale):
            year = on_sale(session, ends_on, subscription.plan_id)[1].amount
    words = TermNotice(
        last_day=(ends_on - timedelta(days=1)).isoformat(),
        next_on=ends_on.isoformat(),
        month_amount=month.amount,
        year_amount=year,
        chosen=chosen,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    last = trial.charge_at(ends_on, office.zone) if corrects else term.window(ends_on, office.zone).closes_at
    queue(session, subscription, words, term_key(subscription.id, ends_on), at, expires_at=last)


def reminder_key(which: notices.Notice, subscription_id: str, charge_on: date) -> str:
    """One reminder of each kind for each charge after a term."""
    return f"term-reminder-{which}:{subscription_id}:{charge_on.isoformat()}"


def term_reminder(
    session: Session, office: Office, subscription: Subscription, which: notices.Notice, at: datetime
) -> None:
    """The charge after a term, in the windows of the trial's notices (CARD-8)."""
    charge_on = subscription.period_end_on or subscription.charge_on
    plan, price = terms_on(session, subscription, charge_on)
    card = card_of(session, subscription)
    words = TermReminder(
        which=which.value,
        every=every(plan),
        amount=price.amount,
        charge_on=charge_on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    closes_at = notices.window(which, trial.charge_at(charge_on, office.zone)).closes_at
    key = reminder_key(which, subscription.id, charge_on)
    queue(session, subscription, words, key, at, expires_at=closes_at)


def plan_switched(session: Session, office: Office, subscription: Subscription, at: datetime) -> None:
    """Another plan from a day on, and that it can be undone."""
    on = subscription.next_terms_on or subscription.charge_on
    plan, price = terms_on(session, subscription, on)
    words = PlanSwitched(
        every=every(plan),
        amount=price.amount,
        from_on=on.isoformat(),
        after=after_words(session, plan, price, on),
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    queue(session, subscription, words, f"plan-switched:{subscription.id}:{at.isoformat()}", at)


def goes_on(
    session: Session,
    office: Office,
    subscription: Subscription,
    what: Literal["pause", "plan"],
    on: date,
    at: datetime,
) -> None:
    """A choice was taken back before it began; `on` is the next charge."""
    words = GoesOn(
        what=what,
        next_charge_on=on.isoformat(),
        amount=terms_on(session, subscription, on)[1].amount,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    queue(session, subscription, words, f"goes-on:{subscription.id}:{at.isoformat()}", at)


def paused(session: Session, office: Office, subscription: Subscription, at: datetime) -> None:
    """The last day of reading, and when it goes on."""
    resumes_on = subscription.resumes_on or subscription.charge_on
    last_day = (subscription.period_end_on or resumes_on) - timedelta(days=1)
    words = Paused(
        last_day=last_day.isoformat(),
        resumes_on=resumes_on.isoformat(),
        amount=terms_on(session, subscription, resumes_on)[1].amount,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    queue(session, subscription, words, f"paused:{subscription.id}:{at.isoformat()}", at)


def pause_ends_key(subscription_id: str, resumes_on: date) -> str:
    """One notice for each day on which a pause ends."""
    return f"pause-ends:{subscription_id}:{resumes_on.isoformat()}"


def pause_ends(session: Session, office: Office, subscription: Subscription, at: datetime) -> None:
    """The charge with which the pause ends. Not sent after its window."""
    on = subscription.resumes_on or subscription.charge_on
    card = card_of(session, subscription)
    words = PauseEnds(
        amount=terms_on(session, subscription, on)[1].amount,
        charge_on=on.isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        cancel_url=office.cancel_url(subscription.id),
        account_url=office.account_url,
    )
    closes_at = notices.window(notices.Notice.FIRST, trial.charge_at(on, office.zone)).closes_at
    queue(session, subscription, words, pause_ends_key(subscription.id, on), at, expires_at=closes_at)


def term_left(
    session: Session,
    office: Office,
    subscription: Subscription,
    cents: int,
    at: datetime,
    returning: Sequence[Refund] = (),
) -> None:
    """A term was left early: the last day, and what goes back."""
    words = TermLeft(
        last_day=last_day_before(office, subscription.cancels_at or at).isoformat(),
        refund=cents,
        offer_url=office.offer_url,
    )
    key = f"term-left:{subscription.id}:{at.isoformat()}"
    queue(session, subscription, words, key, at)
    refunds.together(session, office, key, returning, at)


def told_at(session: Session, key: str) -> datetime | None:
    """When the mail server took the mail with this key."""
    return outbox.accepted_at(session, key)
