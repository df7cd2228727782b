"""What a staff member typed on an act's page, as the act that is wished, with the fields to show it again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.acquirer.balance_port import TakenRefund
from billing.changes.cancel import When
from billing.payments.models import Payment
from billing.platform.errors import Invalid, Refusal
from billing.refunds import refund
from billing.rules.pause import MOST_BY_STAFF
from billing.staff import open_requests
from billing.staff.acts import (
    Act,
    AnotherTrial,
    Cancel,
    Complimentary,
    EndPause,
    EnterRefund,
    Extend,
    GiveBack,
    Note,
    Pause,
    Resume,
    Withdraw,
)
from billing.staff.roles import MOST_DAYS
from billing.web import views
from billing.web.staff.guard import StaffVisit

LONGEST_NOTE = 2000
WHEN = ((When.PERIOD_END.value, "at the end of what is free or paid for"), (When.NOW.value, "now"))


class NotAMoment(Invalid):
    """Give the day and the time as in 2027-03-03 10:15."""

    code = "bad_moment"


class NotDays(Invalid):
    """Days are a whole number, from 1 to 366."""

    code = "bad_days"


class NotRand(Invalid):
    """An amount is rand and cents, as in 75.00."""

    code = "bad_amount"


@dataclass(frozen=True)
class Wish:
    """An act to look at before it is done; `act` is None, and `error` says why, when what was typed can't be read."""

    path: str
    title: str
    act: Act | None
    fields: tuple[views.ActField, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    error: Refusal | None = None
    asks: tuple[str, str] = ("Why?", "it stands in the history")
    most: int = 1000


def cancel(visit: StaffVisit, session: Session, reader_id: str, asked: str | None, when: str) -> Wish:
    """Cancel as of a moment: what was typed, else when the reader first asked by a request, else now."""
    zone = visit.parts.office.zone
    request = open_requests.first_to_cancel(session, reader_id)
    hint = "When the reader first asked, in any way: a mail, a call, a letter."
    if request is not None:
        hint = f"The reader's request came then: “{request.words or 'Please cancel my subscription.'}”"
    shown = asked if asked is not None else _typed(request.received_at if request else visit.at, zone)
    act, error = None, None
    try:
        moment = read_moment(shown, zone)
        if request is not None and moment == request.received_at.replace(microsecond=0):
            moment = (
                request.received_at
            )  # the form shows no more than seconds, and browsers drop those that are 00
        act = Cancel(reader_id, moment, When.NOW if when == When.NOW else When.PERIOD_END)
    except Invalid as refusal:
        error = refusal
    fields = (
        views.ActField(name="asked", label="First asked at", kind="moment", value=shown, hint=hint),
        views.ActField(name="when", label="Reading stops", kind="choice", value=when, choices=WHEN),
    )
    return Wish("cancel", "Cancel as of the moment the reader asked", act, fields, error=error)


def resume(reader_id: str) -> Wish:
    """Take a cancellation back."""
    return Wish("resume", "Take the cancellation back", Resume(reader_id))


def withdraw(reader_id: str) -> Wish:
    """Take the sale back."""
    return Wish("withdraw", "Withdraw for the reader", Withdraw(reader_id))


def extend(reader_id: str, days: str) -> Wish:
    """So many days longer."""
    return _of_days("extend", "Extend the trial or the paid period", Extend, reader_id, days)


def pause(reader_id: str, months: str) -> Wish:
    """So many months without a charge."""
    lengths = tuple((str(n), "one month" if n == 1 else f"{n} months") for n in range(1, MOST_BY_STAFF + 1))
    chosen = months if months in dict(lengths) else "1"
    field = views.ActField(name="months", label="How long", kind="choice", value=chosen, choices=lengths)
    return Wish("pause", "Pause the subscription", Pause(reader_id, int(chosen)), (field,))


def end_pause(reader_id: str) -> Wish:
    """Go on."""
    return Wish("end-pause", "End the pause", EndPause(reader_id))


def complimentary(reader_id: str, days: str) -> Wish:
    """So many days of reading."""
    return _of_days("complimentary", "Give complimentary days", Complimentary, reader_id, days)


def another_trial(reader_id: str) -> Wish:
    """Leave for another trial."""
    return Wish("another-trial", "Allow another trial", AnotherTrial(reader_id))


def note(reader_id: str) -> Wish:
    """Words that stay: what other acts ask as their reason is here all there is."""
    asks = ("Note", "staff see it, the reader doesn’t; it stays as it is written")
    return Wish("note", "Write a note", Note(reader_id), asks=asks, most=LONGEST_NOTE)


def give_back(session: Session, reader_id: str, payment_id: str, amount: str | None) -> Wish:
    """So much of a payment; all that is left, to begin with."""
    act, error, shown = None, None, amount or ""
    if amount is None:
        payment = session.get(Payment, payment_id)
        mine = payment is not None and payment.reader_id == reader_id
        shown = f"{refund.left_of(session, payment) / 100:.2f}" if payment is not None and mine else ""
    try:
        act = GiveBack(reader_id, payment_id, _read_rand(shown))
    except Invalid as refusal:
        error = refusal
    field = views.ActField(
        name="amount",
        label="Rand to give back, incl. VAT",
        kind="rand",
        value=shown,
        hint="All that is left, or a part of it.",
    )
    hidden = (("payment", payment_id),)
    asks = ("Why?", "the reader reads it on the credit note, as its reason; it stands in the history too")
    return Wish("refund", "Give money back", act, (field,), hidden, error, asks)


def enter_refund(reader_id: str, refund_ref: str, found: TakenRefund | None) -> Wish:
    """A refund that was made in Stripe's dashboard, as Stripe has it; None: Stripe can't say."""
    asks = (
        "Why was it made?",
        "the reader reads it on the credit note, as its reason; it stands in the history too",
    )
    hidden = (("refund", refund_ref),)
    act = EnterRefund(reader_id, found) if found is not None else None
    return Wish("enter-refund", "Enter a refund made in Stripe's dashboard", act, hidden=hidden, asks=asks)


def _of_days(
    path: str, title: str, act_of: type[Extend] | type[Complimentary], reader_id: str, days: str
) -> Wish:
    act, error = None, None
    try:
        act = act_of(reader_id, _read_days(days))
    except Invalid as refusal:
        error = refusal
    field = views.ActField(name="days", label="Days", kind="days", value=days)
    return Wish(path, title, act, (field,), error=error)


def _typed(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A civil time typed by a person, in the publisher's zone. Raises NotAMoment."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise NotAMoment from None
    if at.tzinfo is not None or not 2000 <= at.year < 2200:
        raise NotAMoment
    return at.replace(tzinfo=zone).astimezone(UTC)


def _read_days(text: str) -> int:
    typed = text.strip()
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 3 and 1 <= int(typed) <= MOST_DAYS):
        raise NotDays
    return int(typed)


def _read_rand(text: str) -> int:
    typed = text.strip().removeprefix("R").replace(",", ".").replace(" ", "").replace("\u00a0", "")
    rand, _, cents = typed.partition(".")
    if not (rand.isascii() and rand.isdecimal() and len(rand) <= 7):
        raise NotRand
    if cents and not (cents.isascii() and cents.isdecimal() and len(cents) <= 2):
        raise NotRand
    return int(rand) * 100 + int(cents.ljust(2, "0") or 0)
