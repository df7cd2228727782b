"""Rows of the database as values for the pages of staff."""

from typing import Literal

from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import confirm_request, timeline
from billing.staff.entry import EntryKind
from billing.staff.models import AuditLine
from billing.staff.requests import Waiting
from billing.subscriptions.models import Subscription
from billing.web.views.staff import EarlierWithdrawal, RequestRow, StaffEntry


def audit_entry(line: AuditLine) -> StaffEntry:
    """A line of the audit as an entry of the timeline."""
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


def request_row(waiting: Waiting) -> RequestRow:
    """A request with what is at risk."""
    request, withdrawal = waiting.request, waiting.withdrawal
    return RequestRow(
        request_id=request.id,
        reader_id=request.reader_id,
        email=request.email,
        asked=timeline.asked(request.kind),
        words=request.words,
        received_at=request.received_at,
        email_verified=request.email_verified,
        confirm_asked_at=request.confirm_asked_at,
        confirmed_at=request.confirmed_at,
        may_ask=confirm_request.may_ask(request),
        charged_since=Money(waiting.charged_since) if waiting.charged_since else None,
        next_charge=Money(waiting.next_cents) if waiting.next_cents else None,
        next_at=waiting.next_at,
        withdrawal=Money(withdrawal.cents) if withdrawal else None,
        earlier=tuple(
            EarlierWithdrawal(
                on=earlier.on,
                amount=Money(earlier.cents),
                reader_id=earlier.reader_id,
                same_reader=earlier.reader_id == request.reader_id,
            )
            for earlier in (withdrawal.earlier if withdrawal else ())
        ),
        stands=_stands(waiting.about),
    )
