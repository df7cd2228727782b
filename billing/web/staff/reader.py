"""A reader's page: the state of the subscription, the next charge, and the timeline."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.access.entitlements import entitlements_of
from billing.changes import charge_day
from billing.changes.cancel import may_undo
from billing.changes.give_back import is_of_cancellation
from billing.payments import invoice_recipients, numbers, payment_page, receipts
from billing.payments.models import PaymentMethod
from billing.personal_data.ask import is_closing
from billing.platform.context import TransactionContext
from billing.platform.errors import allows
from billing.readers import deceased, passkeys
from billing.readers.models import Reader
from billing.readers.register import ReaderMerged, by_id
from billing.refunds import grace
from billing.rules.access import Reason, strongest
from billing.rules.addresses import is_erased
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import audit, mails, timeline
from billing.staff.acts.withdrawing import is_offered
from billing.staff.entry import Entry, EntryKind
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge, pause_is_ahead
from billing.subscriptions.start import open_exception
from billing.web.kit.view_rows import card_of
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.reader_facts import act_address, known_facts, pin_address
from billing.web.staff.reader_requests import requests_of
from billing.web.views.staff_mail import StaffMailPage
from billing.web.views.staff_reader import DeathBanner, HeldRefundRow, PaymentRow, StaffEntry, StaffReaderPage
from emails import can_print

router = APIRouter(include_in_schema=False)
Reading = Annotated[StaffVisit, needs(Permission.READ)]
OPEN_BECAUSE = {
    Reason.TRIAL: "Everything is open: the free trial is running",
    Reason.SUBSCRIPTION: "Everything is open: the subscription is paid",
    Reason.GRACE: "Everything is open, in the grace after a payment that failed",
    Reason.COMPLIMENTARY: "Everything is open, with our compliments",
}


@router.get("/staff/readers/{reader_id}")
def page(
    visit: Reading,
    reader_id: str,
    only: EntryKind | None = None,
    page: Annotated[int, Query(ge=1, le=500)] = 1,
) -> Response:
    """All of it. The visit is audited, once an hour. A merged account's page is that of the account that stays."""
    with visit.begin() as ctx:
        try:
            reader = by_id(ctx.session, reader_id)
        except ReaderMerged as merged:
            return visit.go(f"/staff/readers/{merged.merged_into}")
        audit.note_page_opened(ctx, reader_id)
        return visit.page(_view(visit, ctx, reader, only, page))


def _view(
    visit: StaffVisit, ctx: TransactionContext, reader: Reader, only: EntryKind | None, page: int
) -> StaffReaderPage:
    session = ctx.session
    subscription = latest_of(session, reader.id)
    card = session.get(PaymentMethod, subscription.payment_method_id) if subscription else None
    entries, more = timeline.of(session, reader.id, only=only, page=page)
    paid, death = receipts.paid_by(session, reader.id), _death(session, reader.id)
    return StaffReaderPage(
        reader_id=reader.id,
        email=reader.email,
        external_id=reader.external_id,
        since=reader.created_at,
        address_proved=reader.address_proved_at is not None,
        standing=sentence_of(ctx, entitlements_of(ctx, reader.id), subscription),
        access=_access(ctx, reader.id),
        next_charge=_next_charge(ctx, subscription),
        card=card_of(card) if card else None,
        customer_ref=card.customer_ref if card else None,
        another_trial=open_exception(ctx.session, reader.id) is not None,
        acts=()
        if is_erased(reader.email)
        else _acts(visit, ctx, reader.id, subscription, died=death is not None),
        payments=tuple(_payment(visit, row) for row in paid),
        may_see_as=visit.may(Permission.SEE_AS) and not is_erased(reader.email),
        known=known_facts(visit, ctx, reader, subscription, paid, died=death is not None),
        may_refund=visit.may(Permission.REFUND),
        held=tuple(
            HeldRefundRow(
                refund_id=row.id,
                amount=Money(row.amount),
                until=row.held_until,
                with_end=is_of_cancellation(row),
            )
            for row in grace.held(session, reader.id, ctx.at)
            if row.held_until is not None
        ),
        may_correct=visit.may(Permission.CORRECT_INVOICE),
        requests=requests_of(visit, ctx, reader.id),
        entries=tuple(_entry(visit, reader.id, entry) for entry in entries),
        kinds=tuple(kind.value for kind in EntryKind),
        only=only.value if only else None,
        page=page,
        more=more,
        buyer=invoice_recipients.of_reader(session, reader.id),
        passkeys=passkeys.sentence_of(session, reader.id, ctx.zone),
        death=death,
    )


def _death(session: Session, reader_id: str) -> DeathBanner | None:
    found = deceased.of(session, reader_id)
    if found is None:
        return None
    return DeathBanner(
        recorded_at=found.recorded_at,
        by=found.by,
        name=found.correspondent_name,
        email=found.correspondent_email,
    )


def _access(ctx: TransactionContext, reader_id: str) -> str:
    held = strongest(entitlements_of(ctx, reader_id).held, ctx.at)
    if held is None:
        return "Free articles, and the metered ones of this month; no subscription opens the rest."
    words = OPEN_BECAUSE[held.reason]
    if held.until is None or held.renews:
        return f"{words}."
    last_day = ctx.site.last_day(held.until)
    return f"{words}, through {last_day:%A} {last_day.day} {last_day:%B %Y}."


def _next_charge(ctx: TransactionContext, subscription: Subscription | None) -> str:
    if subscription is None or subscription.state is State.ENDED:
        return "Nothing is charged."
    if subscription.charging_since is not None:
        if payment_page.is_open(ctx.session, subscription.id):
            return "The reader has a page open on which to pay; nothing else is charged until it closes, within the hour."
        return "A charge is being made this very moment."
    due = next_charge(subscription, ctx.zone)
    if due is None:
        words = "waiting for another card" if subscription.cancels_at is None else "it is cancelled"
        return f"Nothing more is charged: {words}."
    price = terms_on(ctx.session, subscription, due.on)[1]
    amount = Money(price.amount, price.currency).with_vat_words()
    return f"{amount} on {due.on:%A} {due.on.day} {due.on:%B %Y}."


def _acts(
    visit: StaffVisit,
    ctx: TransactionContext,
    reader_id: str,
    subscription: Subscription | None,
    *,
    died: bool,
) -> tuple[tuple[str, str], ...]:
    """Address and words of each act that makes sense now and that this member may do."""
    live = subscription is not None and subscription.state is not State.ENDED
    cancelled = subscription is not None and subscription.cancel_asked_at is not None
    undoable = subscription is not None and may_undo(ctx, subscription)
    paused = subscription is not None and (subscription.state is State.PAUSED or pause_is_ahead(subscription))
    paid = subscription is not None and subscription.state is State.ACTIVE and not subscription.is_fixed_term
    closing = is_closing(ctx.session, reader_id)
    day_chosen = subscription is not None and allows(charge_day.refuse_undo, ctx, subscription)
    day_is_free = subscription is not None and allows(charge_day.refuse, ctx, subscription)
    offered = (
        (Permission.CANCEL, live, "cancel", "Cancel" if not cancelled else "Cancel as of an earlier day"),
        (Permission.REFUND, is_offered(ctx, reader_id), "withdraw", "Withdraw"),
        (Permission.RESUME, undoable, "resume", "Take the cancellation back"),
        (Permission.EXTEND, live and not cancelled and not paused, "extend", "Extend"),
        (Permission.PAUSE, paid and not cancelled and not paused, "pause", "Pause"),
        (Permission.PAUSE, paused and not cancelled, "end-pause", "End the pause"),
        (Permission.CHARGE_DAY, day_is_free and not day_chosen, "charge-day", "Choose the day of the charge"),
        (Permission.CHARGE_DAY, day_chosen, "undo-charge-day", "Take the new day back"),
        (Permission.COMPLIMENTARY, not live or cancelled, "complimentary", "Complimentary days"),
        (Permission.ANOTHER_TRIAL, not live, "another-trial", "Allow another trial"),
        (Permission.MERGE, not closing, "merge", "Merge with another account"),
        (Permission.ERASE, not closing, "erase", "Close and erase"),
        (Permission.CHANGE_ADDRESS, not closing, "address", "Change the email address"),
        (Permission.NOTE, True, "note", "Write a note"),
        (Permission.DECEASED, not died and not closing, "deceased", "The reader has died"),
        (Permission.DECEASED, died, "undo-deceased", "The reader has not died"),
    )
    return tuple(
        (f"/staff/readers/{reader_id}/{path}", words)
        for what, sensible, path, words in offered
        if sensible and visit.may(what)
    )


def _payment(visit: StaffVisit, paid: receipts.Paid) -> PaymentRow:
    currency, invoice, reader_id = paid.payment.currency, paid.invoice, paid.invoice.reader_id
    may_send = visit.may(Permission.SEND_INVOICE)
    return PaymentRow(
        send=act_address(reader_id, "send-invoice", invoice.id) if may_send else None,
        file=f"/staff/readers/{reader_id}/invoices/{invoice.id}.pdf" if can_print() else None,
        payment_id=paid.payment.id,
        number=numbers.invoice_number(paid.invoice.number or 0),
        paid_at=paid.payment.paid_at,
        gross=Money(paid.payment.amount, currency),
        # as `refund.left_of`, without asking for each
        left=Money(0 if paid.taken else paid.not_given, currency),
    )


def _entry(visit: StaffVisit, reader_id: str, entry: Entry) -> StaffEntry:
    folder = {
        EntryKind.MAIL: f"readers/{reader_id}/mails",
        EntryKind.DISPUTE: f"readers/{reader_id}/disputes",
        EntryKind.REQUEST: "requests",
    }.get(entry.kind)
    return StaffEntry(
        at=entry.at,
        kind=entry.kind.value,
        what=entry.what,
        by=entry.by,
        reason=entry.reason,
        facts=entry.facts,
        link=f"/staff/{folder}/{entry.ref}" if folder else None,
        pin=pin_address(reader_id, entry.ref, "pin")
        if entry.kind is EntryKind.NOTE and visit.may(Permission.NOTE)
        else None,
    )


@router.get("/staff/readers/{reader_id}/mails/{message_id}")
def mail(visit: Reading, reader_id: str, message_id: str) -> Response:
    """A mail as it was sent, with its secrets masked."""
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        message = mails.one(ctx.session, reader_id, message_id)
    sent = mails.as_sent(message, visit.services.sender.house, visit.services.site.languages)
    return visit.page(
        StaffMailPage(
            reader_id=reader.id,
            email=reader.email,
            recipient=message.recipient,
            subject=sent.subject,
            text=sent.text,
            state=mails.SENT_WORDS[message.state],
            created_at=message.created_at,
            accepted_at=message.accepted_at,
            answer=message.last_answer,
            tries=message.tries,
        )
    )
