"""Where a case leads, by what a member does there."""

import re

from sqlmodel import Session

from billing.acquirer.balance_port import DisputeState
from billing.cases.models import Case, CaseKind
from billing.disputes.dispute_cases import dispute_of
from billing.payments.dispute_models import Dispute
from billing.web.views.cases import CaseLink

ELSEWHERE = "Open its page"
_LEADS_TO = tuple(
    (re.compile(address), words)
    for address, words in (
        ("/staff/readers/[^/]+/refund", "Give the money back"),
        ("/staff/readers/[^/]+/enter-refund", "Enter the refund"),
        ("/staff/readers/[^/]+/disputes/", "See the dispute"),
        ("/staff/readers/", "Open the reader’s page"),
        ("/staff/requests/", "Open the request"),
        ("/staff/owed", "See what is owed"),
        ("/staff/books", "See the books"),
        ("/staff/approvals", "See what waits for approval"),
        ("/staff/numbers", "See the numbers"),
        ("/staff/keys", "See the API keys"),
    )
)
"""The first one that fits."""


def link_of(session: Session, case: Case) -> CaseLink | None:
    """The page on which the case can be settled. A dispute that waits for the bank has nothing to do there, only to read."""
    if case.link is None:
        return None
    dispute = session.get(Dispute, dispute_of(case.subject)) if case.kind == CaseKind.DISPUTE else None
    if dispute is not None and dispute.state is DisputeState.NEEDS_ANSWER and dispute.sent_at is None:
        return CaseLink(address=case.link, words="Answer the bank")
    return CaseLink(address=case.link, words=words_of(case.link), quiet=dispute is not None)


def words_of(address: str) -> str:
    """What a member does, or sees, at a page of ours."""
    return next((words for pattern, words in _LEADS_TO if pattern.match(address)), ELSEWHERE)
