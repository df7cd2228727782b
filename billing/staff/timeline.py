"""Everything that happened to a reader, in one list, newest first. Each kind of row becomes an `Entry`."""

from collections.abc import Callable

from sqlmodel import Session, col, select

from billing.mail.models import Message
from billing.readers import devices
from billing.readers.models import Consent, ReaderSession
from billing.rules.lifecycle import Event
from billing.rules.money import Money
from billing.staff import address_entries, change_words, money_entries, newsletter_entries, threads
from billing.staff.act_words import in_words
from billing.staff.entry import Entry, EntryKind, newest, present
from billing.staff.lists.names import of_lists
from billing.staff.mail_titles import title_of
from billing.staff.mails import SENT_WORDS
from billing.staff.models import AuditLine, Outcome, ReaderNote, ReaderRequest, RequestMessage
from billing.subscriptions.models import Subscription, SubscriptionChange

PAGE = 40
NOT_ACTS = ("find", "open", "answer", "note")
"""Audit lines that are no act for the reader, or whose act has an entry of its own."""


def of(
    session: Session, reader_id: str, *, only: EntryKind | None = None, page: int = 1
) -> tuple[list[Entry], bool]:
    """A page of the timeline, and whether there is more."""
    most = page * PAGE + 1  # any source may fill all pages up to this one
    kinds = list(_SOURCES)
    found = [
        entry for kind in kinds if only in (None, kind) for entry in _SOURCES[kind](session, reader_id, most)
    ]
    found.sort(key=lambda entry: (entry.at, kinds.index(entry.kind), entry.ref), reverse=True)
    first = (page - 1) * PAGE
    return found[first : first + PAGE], len(found) > first + PAGE


_HAPPENED = {
    None: "Started",
    Event.TRIAL_EXTENDED: "Trial moved on by itself",
    Event.EXTENDED: "Extended",
    Event.CANCEL_ASKED: "Cancelled",
    Event.CANCEL_UNDONE: "Cancellation taken back",
    Event.CHARGED: "Paid",
    Event.DECLINED: "Payment failed",
    Event.RAN_OUT: "Ran out",
    Event.GAVE_UP: "Ended without payment",
    Event.STOP_ORDERED: "Ended: the bank was told to stop",
    Event.DISPUTED: "Stopped: a bank questions a charge",
    Event.ENDED_NOW: "Ended at once",
    Event.CHARGE_MOVED: "Charge moved",
    Event.CARD_CHANGED: "Another card",
    Event.SWITCH_ASKED: "Chose another plan",
    Event.SWITCH_UNDONE: "Change of plan taken back",
    Event.TERM_ANNOUNCED: "Told that the year ends",
    Event.TERM_EXTENDED: "Year moved on by itself",
    Event.PRICE_ANNOUNCED: "Told of another price",
    Event.PRICE_KEPT: "Price kept: the notice did not arrive",
    Event.TERMS_CHANGED: "Other terms began",
    Event.PAUSE_ASKED: "Pause asked for",
    Event.PAUSE_UNDONE: "Pause taken back",
    Event.PAUSED: "Pause began",
    Event.PAUSE_EXTENDED: "Pause moved on by itself",
    Event.PAUSE_ENDED: "Pause over",
    Event.CHARGE_DAY_CHOSEN: "Chose the day of the charge",
    Event.CHARGE_DAY_UNDONE: "Day of the charge taken back",
    Event.UNREACHABLE: "Ended: the mail address refuses our notices",
    Event.FIRST_CHARGE_REFUSED: "First charge declined",
}


def _changes(session: Session, reader_id: str, most: int) -> list[Entry]:
    rows = session.exec(
        select(SubscriptionChange)
        .join(Subscription, col(Subscription.id) == SubscriptionChange.subscription_id)
        .where(Subscription.reader_id == reader_id)
        .order_by(col(SubscriptionChange.id).desc())
        .limit(most)
    ).all()
    is_named = any(change_words.NAMED.keys() & row.facts.keys() for row in rows)
    names = of_lists(session) if is_named else change_words.NO_NAMES
    return [
        Entry(
            at=row.at,
            kind=EntryKind.STATE,
            what=change_words.moved(_HAPPENED[row.event], row.from_state, row.to_state),
            ref=f"{row.id:012d}",
            by=row.by,
            reason=row.reason,
            facts=change_words.changed(row.facts, names),
        )
        for row in rows
    ]


def _mails(session: Session, reader_id: str, most: int) -> list[Entry]:
    return [
        Entry(
            at=row.accepted_at or row.created_at,
            kind=EntryKind.MAIL,
            what=f"Mail “{title_of(row.kind)}”: {SENT_WORDS[row.state]}",
            ref=row.id,
            facts=present(("to", row.recipient), ("answer", row.last_answer), ("tries", str(row.tries))),
        )
        for row in newest(session, Message, reader_id, most)
    ]


def _consents(session: Session, reader_id: str, most: int) -> list[Entry]:
    to_newsletters = newsletter_entries.choices(session, reader_id, most)
    return to_newsletters + [
        Entry(
            at=row.accepted_at,
            kind=EntryKind.CONSENT,
            what=f"Agreed to the {row.kind} terms: {Money(row.amount).with_vat_words()} from {row.first_charge_on}",
            ref=row.id,
            by="reader",
            facts=(
                ("text", f"{row.text_version}, {row.text_hash[:16]}…"),
                ("from", row.ip),
                ("device", devices.in_words(row.device)),
            ),
        )
        for row in newest(session, Consent, reader_id, most)
    ]


def _acts(session: Session, reader_id: str, most: int) -> list[Entry]:
    rows = session.exec(
        select(AuditLine)
        .where(AuditLine.reader_id == reader_id, col(AuditLine.act).not_in(NOT_ACTS))
        .order_by(col(AuditLine.id).desc())
        .limit(most)
    )
    return [
        Entry(
            at=row.at,
            kind=EntryKind.ACT,
            what=f"{'Refused: ' if row.outcome is Outcome.REFUSED else ''}{in_words(row.act)}",
            ref=f"{row.id:012d}",
            by=row.by,
            reason=row.reason,
            facts=present(("on", row.subject)),
        )
        for row in rows
    ]


def _notes(session: Session, reader_id: str, most: int) -> list[Entry]:
    return [
        Entry(at=row.at, kind=EntryKind.NOTE, what="Note", ref=row.id, by=row.by, reason=row.words)
        for row in newest(session, ReaderNote, reader_id, most)
    ]


def _requests(session: Session, reader_id: str, most: int) -> list[Entry]:
    rows = newest(session, ReaderRequest, reader_id, most)
    answers = threads.last_answers(session, [row.id for row in rows]) if rows else {}
    return [
        Entry(
            at=row.received_at,
            kind=EntryKind.REQUEST,
            what=row.kind.words + (", not answered yet" if row.waits_since else ""),
            ref=row.id,
            by="reader" if row.email_verified else "whoever typed the address",
            reason=row.words,
            facts=_answer(row, answers.get(row.id)),
        )
        for row in rows
    ]


def _answer(request: ReaderRequest, answer: RequestMessage | None) -> tuple[tuple[str, str], ...]:
    if answer is None:
        return present(("answered by", request.closed_by), ("answer", request.closing_act))
    return present(("answered by", answer.by), ("answer", answer.words))


def _sign_ins(session: Session, reader_id: str, most: int) -> list[Entry]:
    return [
        Entry(
            at=row.started_at,
            kind=EntryKind.SIGN_IN,
            what=f"Signed in, {devices.in_words(row.device)}",
            ref=row.id,
            by="reader",
            reason="" if row.email_verified else "by starting; the address isn't proved by a mailed link",
            facts=(("from", row.ip),),
        )
        for row in newest(session, ReaderSession, reader_id, most)
    ]


_SOURCES: dict[EntryKind, Callable[[Session, str, int], list[Entry]]] = {
    EntryKind.REQUEST: _requests,
    EntryKind.SIGN_IN: _sign_ins,
    EntryKind.ADDRESS: address_entries.changes,
    EntryKind.CONSENT: _consents,
    EntryKind.NOTE: _notes,
    EntryKind.ACT: _acts,
    EntryKind.CHARGE: money_entries.attempts,
    EntryKind.DISPUTE: money_entries.disputes,
    EntryKind.STATE: _changes,
    EntryKind.REFUND: money_entries.refunds,
    EntryKind.MAIL: _mails,
}
"""By kind, in the order of cause and effect: it decides where several things happened in one instant."""
