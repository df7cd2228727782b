"""The page of a dispute: what the bank says, the evidence that we keep, and our answer to the bank."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.acquirer.balance_port import DisputeState
from billing.disputes import answer
from billing.payments.dispute_models import Dispute
from billing.readers.register import by_id
from billing.rules.card_numbers import without_card_numbers
from billing.staff import audit, money_entries
from billing.staff.roles import Permission
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.typed import LINES
from billing.web.staff.cases import evidence_groups
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.cases import StaffDisputePage

router = APIRouter(include_in_schema=False)


@router.get("/staff/readers/{reader_id}/disputes/{dispute_id}")
def page(visit: Annotated[StaffVisit, needs(Permission.READ)], reader_id: str, dispute_id: str) -> Response:
    """All of it. The visit is audited, once an hour."""
    with visit.begin() as ctx:
        dispute = answer.one(ctx.session, reader_id, dispute_id)
        audit.note_page_opened(ctx, reader_id)
        return visit.page(_view(visit, ctx.session, dispute))


@router.post("/staff/readers/{reader_id}/disputes/{dispute_id}/answer")
@may_call_gateway
def send_answer(
    visit: Annotated[StaffVisit, needs(Permission.CASES, acts=True)],
    reader_id: str,
    dispute_id: str,
    words: Annotated[str, Form(max_length=5000), LINES] = "",
) -> GatewayCall:
    """Send the evidence and a few words to the bank. A bank takes one answer only."""
    return GatewayCall(visit, lambda: _send(visit, reader_id, dispute_id, without_card_numbers(words)))


def _send(visit: StaffVisit, reader_id: str, dispute_id: str, words: str) -> Response:
    services = visit.services
    try:
        with visit.begin() as ctx:
            intended = answer.intend(ctx, reader_id, dispute_id, words)
            audit.write(ctx, "answer_dispute", reader_id=reader_id, subject=dispute_id, reason=words)
        # the acquirer is called after the commit: no transaction is open meanwhile
        answer.send(services.database, services.acquirers, services.site, intended, visit.at)
    except (answer.NothingToAnswer, answer.NeedsWords, answer.EvidenceNotSent) as refusal:
        with visit.begin() as ctx:
            dispute = answer.one(ctx.session, reader_id, dispute_id)
            view = _view(visit, ctx.session, dispute, draft=words, error=refusal.detail)
        return visit.page(view, refusal.status)
    return visit.go(f"/staff/readers/{reader_id}/disputes/{dispute_id}", "staff-dispute-sent")


def _view(
    visit: StaffVisit, session: Session, dispute: Dispute, *, draft: str = "", error: str | None = None
) -> StaffDisputePage:
    return StaffDisputePage(
        reader_id=dispute.reader_id,
        dispute_id=dispute.id,
        email=by_id(session, dispute.reader_id).email,
        title=money_entries.in_words(dispute),
        stands=money_entries.stands(dispute),
        reason=dispute.reason.replace("_", " "),
        inquiry=dispute.inquiry,
        opened_at=dispute.opened_at,
        answer_by=dispute.answer_by if dispute.open else None,
        decided_at=dispute.decided_at,
        sent_at=dispute.sent_at,
        payment_id=dispute.payment_id,
        gateway_ref=dispute.gateway_ref,
        groups=evidence_groups(dispute.evidence, visit.services.site.zone, "the reader"),
        may_answer=dispute.state is DisputeState.NEEDS_ANSWER and visit.may(Permission.CASES),
        draft=draft,
        error=error,
    )
