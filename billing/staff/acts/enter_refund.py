"""Enter a refund that was made in the acquirer's dashboard."""

from dataclasses import dataclass

from sqlmodel import Session, select

from billing.acquirer.balance_port import TakenRefund
from billing.payments import numbers
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod, RefundState
from billing.platform.context import TransactionContext
from billing.refunds import enter, refund
from billing.staff.acts.shape import Preview, customer_facing_reason, day, format_zar
from billing.staff.roles import Permission
from billing.subscriptions.change import lock

_STANDS = {
    RefundState.SUCCEEDED: "A credit note is written now, and goes out by mail.",
    RefundState.PENDING: "The bank has yet to agree: a credit note is written when it has.",
    RefundState.FAILED: "It has failed since, so nothing went back: it is entered without a credit note.",
}


@dataclass(frozen=True)
class EnterRefundAct:
    """A refund as the acquirer has it now."""

    reader_id: str
    found: TakenRefund
    what = Permission.ENTER_REFUND

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What was returned, of which invoice, to which card. Raises UnknownPayment, AlreadyEntered, TooMuch."""
        payment, invoice = self._payment(ctx.session)
        enter.check_enterable(ctx.session, payment, self.found)
        attempt = ctx.session.get_one(Attempt, payment.attempt_id)
        card = ctx.session.get_one(PaymentMethod, attempt.payment_method_id)
        number = numbers.invoice_number(invoice.number or 0)
        debt = enter.debt_that_it_pays(ctx.session, payment, self.found)
        stands = _STANDS[RefundState(self.found.answer.state)]
        if debt is not None:
            stands = (
                "It pays what a refund that bounced had left owing; the credit note for that has been sent."
            )
        words = (
            f"{format_zar(self.found.amount)} of {format_zar(payment.amount)} ({number}) was returned to {card.brand.title()} ending in"
            f" {card.last4} in the acquirer's dashboard, on {day(ctx.site.today(self.found.at))}.",
            stands,
            "No money moves by this, and reading goes on as before.",
        )
        return Preview(words, f"Enter the refund of {format_zar(self.found.amount)}", told=debt is None)

    def do(self, ctx: TransactionContext, reason: str, /) -> str | None:
        """Write it down. The reason is the credit note's, so the reader reads it."""
        payment, invoice = self._payment(ctx.session)
        lock(ctx.session, invoice.subscription_id)
        row = enter.enter(ctx, payment, self.found, reason=customer_facing_reason(reason))
        return row.id

    def _payment(self, session: Session) -> tuple[Payment, Invoice]:
        """Only this reader's (SEC-7)."""
        charged = select(Payment).where(
            Payment.charge_ref == self.found.charge_ref, Payment.reader_id == self.reader_id
        )
        payment = session.exec(charged).first()
        if payment is None:
            raise refund.UnknownPayment
        return payment, session.get_one(Invoice, payment.invoice_id)
