"""Staff pages about disputes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.web.views.cases import EvidenceGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerText:
    """A text of the answer. `most`: how long it may be, where staff may word it. `cut`: the PDF has more of it."""

    name: str
    label: str
    text: str
    most: int | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDisputePage:
    """A dispute with our answer and the evidence. `may_answer`: the bank waits, and this member has the permission. At `system_at`
    the system sends the answer, or tries again. `documents`: whether PDFs go with it. `pdf`: the answer's address as one file; None
    where no printer is installed."""

    template: ClassVar[str] = "staff/dispute.html"
    reader_id: str
    dispute_id: str
    email: str
    title: str
    stands: str
    reason: str
    inquiry: bool
    opened_at: datetime
    answer_by: datetime | None
    system_at: datetime | None
    decided_at: datetime | None
    sent_at: datetime | None
    sent_by: str | None
    payment_id: str
    gateway_ref: str
    groups: tuple[EvidenceGroup, ...]
    answer: tuple[AnswerText, ...]
    may_answer: bool
    documents: bool = True
    pdf: str | None = None
    error: str | None = None
