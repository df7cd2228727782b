"""Give money back, all or part of a payment."""

from dataclasses import dataclass

from sqlmodel import Session

from billing.payments import dispute_limits, numbers
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod
from billing.platform import ids
from billing.platform.actors import StaffActor
from billing.platform.context import TransactionContext
from billing.refunds import grace, refund
from billing.staff.acts.shape import Preview, customer_facing_reason, format_zar
from billing.staff.roles import Permission
from billing.subscriptions.change import lock
from emails.card_schemes import scheme_name

WAITS = "It leaves us after a minute. Until then you can undo it on the reader’s page."


@dataclass(frozen=True)
class GiveBackAct:
    """Give back some cents of a payment; None: all that is left of it."""

    reader_id: str
    payment_id: str
    cents: int | None = None
    cause: str = ""
    """What it is for, where that is known: one cause is one refund. Empty: each time is another."""
    what = Permission.REFUND

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """How much, of which invoice, to which card. Raises UnknownPayment, ChargeDisputed, MoreThanLeft, NotAnAmount."""
        payment = self._payment(ctx.session)
        dispute_limits.refuse_taken(ctx.session, payment)
        left = refund.left_of(ctx.session, payment)
        cents = left if self.cents is None else self.cents
        if cents > left or left == 0:
            raise refund.MoreThanLeft(f"Of this payment {format_zar(left)} is left to give back.", left=left)
        if cents < 1:
            raise refund.NotAnAmount
        words = (
            f"{part_of(ctx.session, payment, cents)} goes back to {card_of(ctx.session, payment)}.",
            *((WAITS,) if self._is_held(ctx) else ()),
            "A credit note is written when the bank has it, and goes out by mail.",
            "Reading goes on as before: a refund alone cancels nothing.",
        )
        return Preview(words, f"Give back {format_zar(cents)}", cents=cents, reader_reads=True)

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Intend the refund. The reader reads the reason on the credit note. A member may undo theirs for a minute."""
        payment = self._payment(ctx.session)
        lock(ctx.session, ctx.session.get_one(Invoice, payment.invoice_id).subscription_id)
        # again: the preview locked the latest subscription only, and a dispute is taken in under the lock of the payment's own
        dispute_limits.refuse_taken(ctx.session, payment)
        made = refund.intend(
            ctx,
            payment,
            amount=self.cents,
            cause=self.cause or ids.new(f"act:{ctx.actor}", ctx.at),
            reason=customer_facing_reason(reason),
        )
        if made is None:
            raise refund.MoreThanLeft(left=0)
        if self._is_held(ctx):
            grace.hold(made, ctx.at)
        return made.id

    def _is_held(self, ctx: TransactionContext) -> bool:
        """Whether a member may undo it for a minute. One with a cause is a line of an act on many, which can be stopped as a whole."""
        return isinstance(ctx.actor, StaffActor) and not self.cause

    def _payment(self, session: Session) -> Payment:
        """Only this reader's: a changed address must not give back another's (SEC-7)."""
        payment = session.get(Payment, self.payment_id)
        if payment is None or payment.reader_id != self.reader_id:
            raise refund.UnknownPayment
        return payment


def part_of(session: Session, payment: Payment, cents: int) -> str:
    """Some cents of a payment, in words, with its tax invoice."""
    number = numbers.invoice_number(session.get_one(Invoice, payment.invoice_id).number or 0)
    return f"{format_zar(cents)} of {format_zar(payment.amount)} ({number})"


def card_of(session: Session, payment: Payment) -> str:
    """The card that paid, as in "Visa ending in 4242"."""
    attempt = session.get_one(Attempt, payment.attempt_id)
    card = session.get_one(PaymentMethod, attempt.payment_method_id)
    return f"{scheme_name(card.brand)} ending in {card.last4}"
