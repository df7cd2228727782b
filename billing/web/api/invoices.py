"""`/v1/readers/{id}/invoices`, `/v1/invoices`: invoices with their payments and refunds."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlmodel import col, select
from starlette.responses import Response

from billing.http import shapes
from billing.payments import corrections, invoice_recipients, receipts
from billing.payments.document_text import copies
from billing.payments.invoice_recipients import Particulars
from billing.payments.models import Invoice, InvoiceState, Payment
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers.register import by_id
from billing.web.api.caller import Money
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
