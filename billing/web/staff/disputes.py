"""The page of a dispute: what the bank says, our answer in words with its documents, and the evidence that we keep."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import Response

from billing.acquirer.balance_port import DisputeState
from billing.acquirer.evidence_port import EvidenceField, Texts
from billing.acquirer.reason_words import dispute_reason
from billing.disputes import answer
from billing.payments.dispute_models import Dispute
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.readers.register import by_id
from billing.rules.card_numbers import without_card_numbers
from billing.staff import answer_disputes, audit, money_entries
from billing.staff.answer_disputes import prepare, texts_of
from billing.staff.evidence_documents import policies, print_all, print_files
from billing.staff.roles import Permission
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.files import NoPdf
from billing.web.kit.typed import LINES
from billing.web.staff.case_rows import in_words
from billing.web.staff.cases import evidence_groups
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.disputes import AnswerText, StaffDisputePage
from emails import can_print

router = APIRouter(include_in_schema=False)
Acting = Annotated[StaffVisit, needs(Permission.CASES, acts=True)]
ADDRESS = "/staff/readers/{reader_id}/disputes/{dispute_id}"
KEEP = "keep"
SHOWN = 1500
"""Characters of a long fact on the page; the PDF has all of it."""
EDITED: dict[EvidenceField, int] = {
    EvidenceField.WORDS: 5000,
    EvidenceField.PRODUCT: 1000,
    EvidenceField.SERVICE_DATE: 200,
    EvidenceField.NOT_CANCELLED: 2000,
}
"""The texts that staff may word, with the most characters of each."""


async def _sent(request: Request) -> frozenset[str]:
    """The names of the form's fields. FastAPI takes a text that was emptied for one that wasn't sent."""
    return frozenset((await request.form()).keys())


@dataclass
class TypedAnswer:
    """What staff may word. The facts beside it are the evidence's own."""

    sent: Annotated[frozenset[str], Depends(_sent)]
    words: Annotated[str, Form(max_length=EDITED[EvidenceField.WORDS]), LINES] = ""
    product: Annotated[str, Form(max_length=EDITED[EvidenceField.PRODUCT]), LINES] = ""
    service_date: Annotated[str, Form(max_length=EDITED[EvidenceField.SERVICE_DATE]), LINES] = ""
    not_cancelled: Annotated[str, Form(max_length=EDITED[EvidenceField.NOT_CANCELLED]), LINES] = ""
    documents: Annotated[str, Form(max_length=3)] = ""
    step: Annotated[str, Form(max_length=4)] = "send"

    @property
    def texts(self) -> Texts:
        """The texts by field, without card numbers; one that wasn't sent is missing, and stays as it was."""
        typed: dict[EvidenceField, str] = {
            name: getattr(self, name.value) for name in EDITED if name.value in self.sent
        }
        return {name: without_card_numbers(text).strip() for name, text in typed.items()}


Answering = Annotated[TypedAnswer, Depends()]


@router.get(f"{ADDRESS}/evidence.pdf")
def evidence_file(
    visit: Annotated[StaffVisit, needs(Permission.CASES)], reader_id: str, dispute_id: str
) -> Response:
    """The whole answer as one PDF. The download is audited. Raises UnknownDispute, NoPdf."""
    if not can_print():
        raise NoPdf
    services = visit.services
    with visit.begin() as ctx:
        dispute = answer.one(ctx.session, reader_id, dispute_id)
        audit.write(ctx, "export_evidence", reader_id=reader_id, subject=dispute_id)
        prepared = prepare(ctx, services.acquirers, services.sender.house, dispute)
    pdf = print_all(dispute, prepared.texts, prepared.documents, services.sender.house)
    headers = {"Content-Disposition": f'attachment; filename="{pdf.name}"'}
    return Response(pdf.content, media_type="application/pdf", headers=headers)


@router.get(ADDRESS)
def page(visit: Annotated[StaffVisit, needs(Permission.READ)], reader_id: str, dispute_id: str) -> Response:
    """All of it. The visit is audited, once an hour."""
    with visit.begin() as ctx:
        dispute = answer.one(ctx.session, reader_id, dispute_id)
        audit.note_page_opened(ctx, reader_id)
        view = _view(visit, ctx, dispute)
    return visit.page(view)


@router.post(f"{ADDRESS}/answer")
@may_call_gateway
def send_answer(visit: Acting, reader_id: str, dispute_id: str, typed: Answering) -> GatewayCall:
    """Send the answer to the bank, which takes one only; or keep the words for later. Raises UnknownDispute."""
    do = _keep if typed.step == KEEP else _send
    return GatewayCall(visit, lambda: do(visit, reader_id, dispute_id, typed))


def _keep(visit: StaffVisit, reader_id: str, dispute_id: str, typed: TypedAnswer) -> Response:
    """The system sends these, should nobody do."""
    try:
        with visit.begin() as ctx:
            answer.save(ctx, reader_id, dispute_id, typed.texts)
            audit.write(ctx, "draft_dispute_answer", reader_id=reader_id, subject=dispute_id)
    except answer.NothingToAnswer as refusal:
        return _again(visit, reader_id, dispute_id, typed, refusal)
    return visit.go(_path(reader_id, dispute_id), "staff-saved")


def _send(visit: StaffVisit, reader_id: str, dispute_id: str, typed: TypedAnswer) -> Response:
    services = visit.services
    with visit.begin() as ctx:
        dispute = answer.one(ctx.session, reader_id, dispute_id)
        prepared = prepare(ctx, services.acquirers, services.sender.house, dispute)
    # printing is slow, and the acquirer is called after the commit: no transaction is open meanwhile
    files = print_files(prepared.documents, services.sender.house) if typed.documents else ()
    try:
        with visit.begin() as ctx:
            dispute = answer.one(ctx.session, reader_id, dispute_id)
            texts = prepared.texts | typed.texts
            intended = answer_disputes.intend(ctx, services.acquirers, dispute, texts, files)
        gateway = services.acquirers.named(intended.acquirer)
        answer.send(services.database, gateway, services.site, intended, visit.at)
    except (
        answer.NothingToAnswer,
        answer.AnswerUnderWay,
        answer.NeedsWords,
        answer.AnswerTooLong,
        answer.EvidenceNotSent,
    ) as refusal:
        return _again(visit, reader_id, dispute_id, typed, refusal)
    return visit.go(_path(reader_id, dispute_id), "staff-dispute-sent")


def _again(
    visit: StaffVisit, reader_id: str, dispute_id: str, typed: TypedAnswer, refusal: Refusal
) -> Response:
    """The page with what was typed, and what is wrong."""
    with visit.begin() as ctx:
        dispute = answer.one(ctx.session, reader_id, dispute_id)
        view = _view(visit, ctx, dispute, typed=typed, error=refusal.detail)
    return visit.page(view, refusal.status)


def _path(reader_id: str, dispute_id: str) -> str:
    return ADDRESS.format(reader_id=reader_id, dispute_id=dispute_id)


def _view(
    visit: StaffVisit,
    ctx: TransactionContext,
    dispute: Dispute,
    *,
    typed: TypedAnswer | None = None,
    error: str | None = None,
) -> StaffDisputePage:
    texts = texts_of(ctx, visit.services.acquirers, dispute, policies(ctx.session, dispute))
    if typed is not None:
        texts |= typed.texts
    return StaffDisputePage(
        reader_id=dispute.reader_id,
        dispute_id=dispute.id,
        email=by_id(ctx.session, dispute.reader_id).email,
        title=money_entries.in_words(dispute),
        stands=money_entries.stands(dispute),
        reason=dispute_reason(dispute.reason),
        inquiry=dispute.inquiry,
        opened_at=dispute.opened_at,
        answer_by=dispute.answer_by if dispute.open else None,
        system_at=dispute.answer_at,
        decided_at=dispute.decided_at,
        sent_at=dispute.sent_at,
        sent_by=in_words(dispute.sent_by) if dispute.sent_by else None,
        payment_id=dispute.payment_id,
        gateway_ref=dispute.gateway_ref,
        groups=evidence_groups(dispute.evidence, visit.services.site.zone, "the reader"),
        answer=tuple(_text(name, text) for name, text in texts.items()),
        may_answer=dispute.state is DisputeState.NEEDS_ANSWER and visit.may(Permission.CASES),
        documents=typed is None or bool(typed.documents),
        pdf=f"{_path(dispute.reader_id, dispute.id)}/evidence.pdf"
        if can_print() and visit.may(Permission.CASES)
        else None,
        error=error,
    )


def _text(name: EvidenceField, text: str) -> AnswerText:
    most = EDITED.get(name)
    if most is not None:
        return AnswerText(name=name.value, label=name.words, text=text, most=most)
    cut = len(text) > SHOWN
    return AnswerText(name=name.value, label=name.words, text=text[:SHOWN], cut=cut)
