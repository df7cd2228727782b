"""Rows as values for the pages of staff."""

from typing import Literal

from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import confirm_request, timeline
from billing.staff.entry import Entry, EntryKind
from billing.staff.models import AuditLine
from billing.staff.requests import Waiting
from billing.subscriptions.models import Subscription
from billing.web.views.staff import EarlierWithdrawal, RequestRow, StaffEntry


def entry_of(entry: Entry, link: str | None = None) -> StaffEntry:
    """A line of the timeline."""
    return StaffEntry(
        at=entry.at,
        kind=entry.kind.value,
        what=entry.what,
        by=entry.by,
        reason=entry.reason,
        facts=entry.facts,
        link=link,
    )


def audit_entry(line: AuditLine) -> StaffEntry:
    """A line of the audit, told as one of the timeline."""
    return StaffEntry(
        at=line.at,
        kind=EntryKind.ACT.value,
        what=timeline.in_words(line.act),
        by=line.by,
        reason=line.reason,
        facts=(),
    )


def _stands(about: Subscription | None) -> Literal["runs", "cancelled", "ended"]:
    if about is None or about.state is State.ENDED:
        return "ended"
    return "runs" if about.cancels_at is None else "cancelled"


def request_row(one: Waiting) -> RequestRow:
    """A request with what is at risk."""
    row = one.request
    return RequestRow(
        request_id=row.id,
        reader_id=row.reader_id,
        email=row.email,
        asked=timeline.asked(row.kind),
        words=row.words,
        received_at=row.received_at,
        email_verified=row.email_verified,
        confirm_asked_at=row.confirm_asked_at,
        confirmed_at=row.confirmed_at,
        may_ask=confirm_request.may_ask(row),
        charged_since=Money(one.charged_since) if one.charged_since else None,
        next_charge=Money(one.next_cents) if one.next_cents else None,
        next_at=one.next_at,
        withdrawal=Money(one.withdrawal.cents) if one.withdrawal else None,
        earlier=tuple(
            EarlierWithdrawal(
                on=each.on,
                amount=Money(each.cents),
                reader_id=each.reader_id,
                same_reader=each.reader_id == row.reader_id,
            )
            for each in (one.withdrawal.earlier if one.withdrawal else ())
        ),
        stands=_stands(one.about),
    )
