"""Invoices and refunds."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlmodel import col, select
from starlette.responses import Response

from billing.http import shapes
from billing.payments import corrections, dispute_limits, invoice_recipients, receipts
from billing.payments.document_text import copies
from billing.payments.invoice_recipients import Particulars
from billing.payments.models import Invoice, InvoiceState, Payment
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers.register import by_id
from billing.refunds import refund as refunds
from billing.staff.record import recorded
from billing.subscriptions.change import lock
from billing.web.api.caller import Answer, Money
from billing.web.api.pages import After, Limit, NotInThisList, page
from billing.web.kit.files import as_file

router = APIRouter(tags=["Money"])


@router.get("/v1/readers/{reader_id}/invoices")
def invoices(reader_id: str, caller: Money, limit: Limit = 20, after: After = None) -> JSONResponse:
    """A reader's invoices with their payments, in the order in which they were drawn up. 422 `bad_after` where `after` names none
    of them."""
    its_payment = (col(Payment.invoice_id) == Invoice.id) & col(Payment.duplicate).is_(False)
    with caller.begin() as ctx:
        by_id(ctx.session, reader_id)
        query = (
            select(Invoice, Payment)
            .join(Payment, its_payment, isouter=True)
            .where(Invoice.reader_id == reader_id)
            .order_by(col(Invoice.created_at), col(Invoice.id))
            .limit(limit + 1)
        )
        if after:
            last = ctx.session.get(Invoice, after)
            if last is None or last.reader_id != reader_id:
                raise NotInThisList
            before = sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
            query = query.where(sa.tuple_(col(Invoice.created_at), col(Invoice.id)) > before)
        rows = ctx.session.exec(query).all()
        buyers = invoice_recipients.of_invoices(ctx.session, [invoice for invoice, _ in rows])
        caller.count_read(ctx, reader_id)
    return page(rows, limit, lambda row: _with_payment(*row, buyers.get(row[0].id)))


def _with_payment(invoice: Invoice, payment: Payment | None, buyer: Particulars | None) -> dict[str, Any]:
    return shapes.invoice(invoice, buyer) | {"payment_id": payment.id if payment else None}


class NotPaid(Conflict):
    """This invoice isn't paid. It becomes a tax invoice with its payment, and not before."""

    code = "invoice_not_paid"


@router.get(
    "/v1/invoices/{invoice_id}.pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}, "description": "A PDF."}},
)
def as_pdf(invoice_id: str, caller: Money) -> Response:
    """A paid invoice with its credit notes, as a PDF that says copy: the originals went by mail. 409 `invoice_not_paid` before that. 501
    `pdf_not_installed` where the printer isn't installed."""
    with caller.begin() as ctx:
        invoice = _invoice(ctx, invoice_id)
        if invoice.state is not InvoiceState.PAID:
            raise NotPaid
        documents = copies(ctx, receipts.one(ctx.session, invoice_id, invoice.reader_id))
        caller.count_read(ctx, invoice.reader_id)
    return as_file(documents, caller.services.sender.house)


def _invoice(ctx: TransactionContext, invoice_id: str) -> Invoice:
    invoice = ctx.session.get(Invoice, invoice_id)
    if invoice is None:
        raise receipts.UnknownInvoice
    return invoice


@router.get("/v1/invoices/{invoice_id}")
def one(invoice_id: str, caller: Money) -> JSONResponse:
    """An invoice, its payment, its refunds, and the tax invoices that its number has replaced."""
    with caller.begin() as ctx:
        invoice = _invoice(ctx, invoice_id)
        payment = ctx.session.exec(
            select(Payment).where(Payment.invoice_id == invoice_id, col(Payment.duplicate).is_(False))
        ).first()
        found: Sequence[Refund] = ()
        if payment is not None:
            query = select(Refund).where(Refund.payment_id == payment.id)
            found = ctx.session.exec(query.order_by(col(Refund.created_at), col(Refund.id))).all()
        buyer = invoice_recipients.of_invoice(ctx.session, invoice)
        corrected = corrections.of_invoices(ctx.session, [invoice.id]).get(invoice.id, [])
        answer = _with_payment(invoice, payment, buyer) | {
            "refunds": [shapes.refund(row) for row in found],
            "corrections": [shapes.correction(row) for row in corrected],
        }
        caller.count_read(ctx, invoice.reader_id)
    return JSONResponse(answer)


class RefundBody(shapes.Body):
    """How much, in cents (all that is left, when empty), and why: the reader reads the reason on the credit note."""

    amount: int | None = Field(default=None, ge=1, strict=True)
    reason: shapes.FreeText = Field(min_length=1, max_length=300)


@router.post("/v1/payments/{payment_id}/refunds", status_code=201, summary="Give money back")
def refund(payment_id: str, body: RefundBody, caller: Money) -> Response:
    """201: the refund is on its way. 409 `refund_exceeds_payment` when it is more than is left,
    409 `charge_disputed` when a bank has taken it back."""

    def do(ctx: TransactionContext) -> Answer:
        payment = ctx.session.get(Payment, payment_id)
        if payment is None:
            raise refunds.UnknownPayment
        reader_id = payment.reader_id
        with recorded(ctx, "refund", reader_id=reader_id, subject=payment_id, reason=body.reason):
            # the subscription's lock comes first, as wherever money moves
            lock(ctx.session, ctx.session.get_one(Invoice, payment.invoice_id).subscription_id)
            dispute_limits.refuse_taken(ctx.session, payment)
            intended = refunds.intend(
                ctx,
                payment,
                amount=body.amount,
                cause=f"api:{caller.key_id}:{caller.idempotency_key or caller.request.state.request_id}",
                reason=body.reason,
            )
            if intended is None:
                raise refunds.MoreThanLeft(left=0)
        return 201, shapes.refund(intended)

    return caller.once_in_one(body, do)
