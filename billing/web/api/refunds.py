"""`/v1/payments/{id}/refunds`: a program gives money back."""

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from billing.http import shapes
from billing.payments import dispute_limits
from billing.payments.models import Invoice, Payment
from billing.platform.context import TransactionContext
from billing.refunds import refund as refunds
from billing.staff.record import recorded
from billing.subscriptions.change import lock
from billing.web.api.caller import Answer, Money

router = APIRouter(tags=["Money"])


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
