"""Cases as rows of a page: whom each is about, and where it has come to, in words."""

from collections.abc import Sequence

from sqlmodel import Session

from billing.acquirer.balance_port import DisputeState
from billing.cases.models import Case, CaseKind
from billing.disputes.dispute_cases import dispute_of
from billing.payments.dispute_models import Dispute
from billing.platform.actors import Actor, Worker, actor_name
from billing.platform.bulk import load
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.web.views.cases import CaseRow


def case_rows(session: Session, cases: Sequence[Case]) -> tuple[CaseRow, ...]:
    """The rows of these cases, in two queries however many they are."""
    readers = load(session, Reader, {case.reader_id for case in cases if case.reader_id})
    about = {dispute_of(case.subject) for case in cases if case.kind == CaseKind.DISPUTE}
    disputes = load(session, Dispute, about) if about else {}
    return tuple(
        _row(case, readers.get(case.reader_id or ""), disputes.get(dispute_of(case.subject)))
        for case in cases
    )


def _row(case: Case, reader: Reader | None, dispute: Dispute | None) -> CaseRow:
    return CaseRow(
        case_id=case.id,
        kind=CaseKind(case.kind).words,
        what=case.what,
        opened_at=case.opened_at,
        act_by=case.act_by,
        stands=_stands(case, dispute),
        answered_at=dispute.sent_at if dispute else None,
        answered_by=in_words(dispute.sent_by) if dispute and dispute.sent_by else None,
        reader_id=case.reader_id,
        email=reader.email if reader else None,
        ours=Money(case.ours, case.currency) if case.ours is not None else None,
        theirs=Money(case.theirs, case.currency) if case.theirs is not None else None,
        closed_at=case.closed_at,
        closed_by=case.closed_by,
        reason=case.reason,
    )


def _stands(case: Case, dispute: Dispute | None) -> str:
    if case.closed_at is not None:
        return "Closed"
    if case.waits_since is not None:
        return (
            "Answered: waits for the bank"
            if dispute and dispute.sent_at
            else "Answered at the acquirer: waits for the bank"
        )
    if dispute is None:
        return "Waits for us"
    if dispute.state is DisputeState.NEEDS_ANSWER and dispute.sent_at is not None:
        return "Our answer is on its way to the bank"
    return "Waits for our answer"


def in_words(actor: Actor) -> str:
    """Who answered, for people."""
    return "the system" if isinstance(actor, Worker) else actor_name(actor)
