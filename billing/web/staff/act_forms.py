"""The form of each staff act for a reader: from what was typed, the act and the fields that show it again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Form
from sqlmodel import Session

from billing.acquirer.balance_port import TakenRefund
from billing.changes.cancel import When
from billing.payments import invoice_recipients
from billing.payments.invoice_recipients import MOST
from billing.payments.models import Payment
from billing.platform.errors import Invalid, Refusal
from billing.platform.typed import read_rand
from billing.readers.register import LONGEST_ADDRESS
from billing.refunds import refund
from billing.rules import charge_day
from billing.rules.pause import MOST_BY_STAFF
from billing.staff import open_requests
from billing.staff.acts.address import ChangeAddressAct
from billing.staff.acts.cancelling import CancelAct, ResumeAct
from billing.staff.acts.charge_day import ChargeDayAct, UndoChargeDayAct
from billing.staff.acts.correcting import CorrectInvoiceAct
from billing.staff.acts.days import ExtendAct
from billing.staff.acts.enter_refund import EnterRefundAct
from billing.staff.acts.erasing import EraseAct
from billing.staff.acts.free_reading import AnotherTrialAct, ComplimentaryAct
from billing.staff.acts.money import GiveBackAct
from billing.staff.acts.note import NoteAct
from billing.staff.acts.pausing import EndPauseAct, PauseAct
from billing.staff.acts.shape import Act
from billing.staff.acts.withdrawing import WithdrawAct
from billing.staff.models import RequestKind
from billing.staff.roles import MOST_DAYS, Permission
from billing.web.kit.typed import LINES, whole_number
from billing.web.staff.guard import StaffVisit
from billing.web.views.staff_act import ActField, FirstStep

LONGEST_NOTE = 2000
PREVIEW = "preview"
ON_CREDIT_NOTE = "the reader reads it on the credit note, as its reason; it stands in the history too"
WHEN = ((When.PERIOD_END.value, "at the end of what is free or paid for"), (When.NOW.value, "now"))


class NotAMoment(Invalid):
    """Give the day and the time as in 2027-03-03 10:15."""

    code = "bad_moment"


class NotDays(Invalid):
    """Days are a whole number, from 1 to 366."""

    code = "bad_days"


Short = Annotated[str | None, Form(max_length=60)]


@dataclass
class Typed:
    """The fields of all forms. Fields that an act doesn't need stay None."""

    asked: Short = None
    when: Short = None
    days: Short = None
    months: Short = None
    payment: Short = None
    amount: Short = None
    refund: Short = None
    chosen: Short = None
    name: Annotated[str | None, Form(max_length=2 * MOST)] = None
    address: Annotated[str | None, Form(max_length=2 * MOST), LINES] = None
    vat_number: Short = None
    email: Annotated[str | None, Form(max_length=LONGEST_ADDRESS)] = None
    other: Annotated[str | None, Form(max_length=300)] = None
    stays: Short = None
    keeps: Short = None
    reason: Annotated[str, Form(max_length=1000), LINES] = ""
    version: Annotated[str, Form(max_length=100)] = ""
    step: Annotated[str, Form(max_length=20)] = PREVIEW


@dataclass
class TypedNote(Typed):
    """A note may be longer than a reason."""

    reason: Annotated[str, Form(max_length=LONGEST_NOTE), LINES] = ""


@dataclass(frozen=True)
class ActForm:
    """An act to preview. When the typed values can't be read, `act` is None and `error` says why."""

    title: str
    act: Act | None
    fields: tuple[ActField, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    error: Refusal | None = None
    asks: tuple[str, str] = ("Why?", "it stands in the history")
    most: int = 1000
    first: tuple[FirstStep, ...] = ()


MakeForm = Callable[[StaffVisit, Session, str, Typed], ActForm]


def plain(title: str, act_of: Callable[[str], Act]) -> MakeForm:
    """An act that needs only a reason."""
    return lambda _visit, _session, reader_id, _typed: ActForm(title, act_of(reader_id))


def of_days(title: str, act_of: type[ExtendAct] | type[ComplimentaryAct]) -> MakeForm:
    """An act for a number of days; seven by default."""

    def make(_visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
        days = typed.days or "7"
        field = ActField(name="days", label="Days", kind="days", value=days)
        try:
            return ActForm(title, act_of(reader_id, read_days(days)), (field,))
        except Invalid as refusal:
            return ActForm(title, None, (field,), error=refusal)

    return make


def cancel(visit: StaffVisit, session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Cancel as of a moment: the typed one, else that of the reader's first request, else now."""
    zone = visit.services.site.zone
    request = open_requests.first_of(session, reader_id, RequestKind.CANCEL)
    hint = "When the reader first asked, in any way: a mail, a call, a letter."
    if request is not None:
        hint = f"The reader’s request came then: “{request.words or 'Please cancel my subscription.'}”"
    shown = typed.asked
    if shown is None:
        shown = f"{(request.received_at if request else visit.at).astimezone(zone):%Y-%m-%dT%H:%M:%S}"
    when = When.NOW if typed.when == When.NOW else When.PERIOD_END
    act, error = None, None
    try:
        moment = read_moment(shown, zone)
        # The form holds whole seconds, and browsers drop ":00": an untouched field means the exact instant.
        if request is not None and moment == request.received_at.replace(microsecond=0):
            moment = request.received_at
        act = CancelAct(reader_id, moment, when)
    except Invalid as refusal:
        error = refusal
    fields = (
        ActField(name="asked", label="First asked at", kind="moment", value=shown, hint=hint),
        ActField(name="when", label="Reading stops", kind="choice", value=when, choices=WHEN),
    )
    return ActForm("Cancel as of the moment the reader asked", act, fields, error=error)


def pause(_visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Pause for a number of months."""
    lengths = tuple((str(n), "one month" if n == 1 else f"{n} months") for n in range(1, MOST_BY_STAFF + 1))
    chosen = typed.months if typed.months in dict(lengths) else "1"
    field = ActField(name="months", label="How long", kind="choice", value=chosen, choices=lengths)
    return ActForm("Pause the subscription", PauseAct(reader_id, int(chosen)), (field,))


def change_address(_visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Begin a change of address; the new one has to confirm it."""
    shown = (typed.email or "").strip()
    field = ActField(name="email", label="New address", kind="text", value=shown, most=LONGEST_ADDRESS)
    act = ChangeAddressAct(reader_id, shown) if shown else None
    asks = ("Why?", "it stands in the history; say how you know that it is the reader who asks")
    return ActForm("Change the email address", act, (field,), asks=asks)


def choose_day(_visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Choose a day of the month."""
    days = tuple((str(day), charge_day.in_words(day)) for day in charge_day.DAYS)
    chosen = typed.days if typed.days in dict(days) else "25"
    field = ActField(name="days", label="The day of the month", kind="choice", value=chosen, choices=days)
    return ActForm("Choose the day of the charge", ChargeDayAct(reader_id, int(chosen)), (field,))


def note(_visit: StaffVisit, _session: Session, reader_id: str, _typed: Typed) -> ActForm:
    """A note has no reason: its words come in the field that holds the reason of other acts."""
    asks = ("Note", "staff see it, the reader doesn’t; it stays as it is written")
    return ActForm("Write a note", NoteAct(reader_id), asks=asks, most=LONGEST_NOTE)


def give_back(_visit: StaffVisit, session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Refund a payment, in part or, by default, all that is left of it."""
    payment_id, act, error, shown = typed.payment or "", None, None, typed.amount
    if shown is None:
        payment = session.get(Payment, payment_id)
        is_theirs = payment is not None and payment.reader_id == reader_id
        shown = f"{refund.left_of(session, payment) / 100:.2f}" if payment is not None and is_theirs else ""
    try:
        act = GiveBackAct(reader_id, payment_id, read_rand(shown))
    except Invalid as refusal:
        error = refusal
    field = ActField(
        name="amount",
        label="Rand to give back, incl. VAT",
        kind="rand",
        value=shown,
        hint="All that is left, or a part of it.",
    )
    hidden = (("payment", payment_id),)
    return ActForm("Give money back", act, (field,), hidden, error, ("Why?", ON_CREDIT_NOTE))


def correct(_visit: StaffVisit, session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Correct a tax invoice: the reader's invoice details, or others."""
    payment_id, known, act, error = typed.payment or "", None, None, None
    if typed.name is None:
        known = invoice_recipients.of_reader(session, reader_id)
    name = typed.name or (known.name if known else "")
    address = typed.address or (known.address if known else "")
    vat_number = typed.vat_number or (known.vat_number or "" if known else "")
    try:
        act = CorrectInvoiceAct(reader_id, payment_id, invoice_recipients.read(name, address, vat_number))
    except Invalid as refusal:
        error = refusal if typed.name is not None else None
    fields = (
        ActField(name="name", label="Full name or company", kind="text", value=name),
        ActField(name="address", label="Postal address", kind="lines", value=address),
        ActField(
            name="vat_number",
            label="VAT number",
            kind="text",
            value=vat_number,
            hint="Only of a vendor: ten digits, beginning with 4.",
            is_optional=True,
        ),
    )
    title = "Correct the buyer’s details on a tax invoice"
    return ActForm(title, act, fields, (("payment", payment_id),), error)


def enter_refund(reader_id: str, refund_ref: str, found: TakenRefund | None) -> ActForm:
    """Record a refund made in the acquirer's dashboard. `found` is None while the acquirer can't be reached."""
    return ActForm(
        "Enter a refund made in the acquirer's dashboard",
        EnterRefundAct(reader_id, found) if found is not None else None,
        hidden=(("refund", refund_ref),),
        asks=("Why was it made?", ON_CREDIT_NOTE),
    )


MAKERS: dict[str, tuple[Permission, MakeForm]] = {
    "cancel": (Permission.CANCEL, cancel),
    "resume": (Permission.RESUME, plain("Take the cancellation back", ResumeAct)),
    "withdraw": (Permission.REFUND, plain("Withdraw for the reader", WithdrawAct)),
    "extend": (Permission.EXTEND, of_days("Extend the trial or the paid period", ExtendAct)),
    "pause": (Permission.PAUSE, pause),
    "end-pause": (Permission.PAUSE, plain("End the pause", EndPauseAct)),
    "charge-day": (Permission.CHARGE_DAY, choose_day),
    "undo-charge-day": (
        Permission.CHARGE_DAY,
        plain("Take the new day of the charge back", UndoChargeDayAct),
    ),
    "complimentary": (Permission.COMPLIMENTARY, of_days("Give complimentary days", ComplimentaryAct)),
    "another-trial": (Permission.ANOTHER_TRIAL, plain("Allow another trial", AnotherTrialAct)),
    "erase": (Permission.ERASE, plain("Close the account and erase it", EraseAct)),
    "address": (Permission.CHANGE_ADDRESS, change_address),
    "note": (Permission.NOTE, note),
    "refund": (Permission.REFUND, give_back),
    "correct-invoice": (Permission.CORRECT_INVOICE, correct),
}
"""By the last segment of the page's address: the permission and the form."""


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A typed civil time, read in the publisher's zone. Raises NotAMoment."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise NotAMoment from None
    if at.tzinfo is not None or not 2000 <= at.year < 2200:
        raise NotAMoment
    return at.replace(tzinfo=zone).astimezone(UTC)


def read_days(text: str) -> int:
    """A typed number of days. Raises NotDays."""
    days = whole_number(text, MOST_DAYS, digits=3)
    if not days:
        raise NotDays
    return days
