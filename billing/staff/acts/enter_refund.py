"""Enter a refund that was made in the acquirer's dashboard."""

from dataclasses import dataclass

from sqlmodel import Session, select

from billing.acquirer.balance_port import TakenRefund
from billing.payments.models import Invoice, Payment
from billing.payments.refund_models import RefundState
from billing.platform.context import TransactionContext
from billing.refunds import enter, refund
from billing.staff.acts.money import card_of, part_of
from billing.staff.acts.shape import Preview, customer_facing_reason, day, format_zar
from billing.staff.roles import Permission
from billing.subscriptions.change import lock

_STANDS = {
    RefundState.SUCCEEDED: "A credit note is written now, and goes out by mail.",
    RefundState.PENDING: "The bank has yet to agree: a credit note is written when it has.",
    RefundState.FAILED: "It has failed since, so nothing went back: it is entered without a credit note.",
}
_PAYS_DEBT = "It pays what a refund that bounced had left owing; the credit note for that has been sent."


@dataclass(frozen=True)
class EnterRefundAct:
    """Enter `found`, a refund as the acquirer has it now."""

    reader_id: str
    found: TakenRefund
    what = Permission.ENTER_REFUND

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What was returned, of which invoice, to which card. Raises UnknownPayment, AlreadyEntered, MoreThanLeft."""
        payment = self._payment(ctx.session)
        enter.check_enterable(ctx.session, payment, self.found)
        pays_debt = enter.debt_that_it_pays(ctx.session, payment, self.found) is not None
        words = (
            f"{part_of(ctx.session, payment, self.found.amount)} was returned to {card_of(ctx.session, payment)}"
            f" in the acquirer's dashboard, on {day(ctx.site.today(self.found.at))}.",
            _PAYS_DEBT if pays_debt else _STANDS[RefundState(self.found.answer.state)],
            "No money moves by this, and reading goes on as before.",
        )
        return Preview(
            words, f"Enter the refund of {format_zar(self.found.amount)}", reader_reads=not pays_debt
        )

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Enter it. The reader reads the reason on the credit note."""
        payment = self._payment(ctx.session)
        # the payment's own, which may be an earlier one: acts lock the latest subscription only
        lock(ctx.session, ctx.session.get_one(Invoice, payment.invoice_id).subscription_id)
        return enter.enter(ctx, payment, self.found, reason=customer_facing_reason(reason)).id

    def _payment(self, session: Session) -> Payment:
        """Only this reader's (SEC-7)."""
        charged = select(Payment).where(
            Payment.charge_ref == self.found.charge_ref, Payment.reader_id == self.reader_id
        )
        payment = session.exec(charged).first()
        if payment is None:
            raise refund.UnknownPayment
        return payment
