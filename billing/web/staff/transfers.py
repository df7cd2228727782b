"""Record that money was paid from our bank account by hand; the pages of the books and of what is owed share it."""

from billing.payments.refund_models import Refund
from billing.platform.typed import NotADay, read_day
from billing.refunds.pay_back import BadDay, NoReference, pay_back, pay_back_unexplained
from billing.staff import audit
from billing.web.staff.guard import StaffVisit
from billing.web.views.books import TypedTransfer


def record_transfer(
    visit: StaffVisit, *, refund_id: str, charge_ref: str, on: str, reference: str
) -> TypedTransfer | None:
    """Record it; by default it was paid today. What was typed, and what is wrong with it, where it can't be.

    Raises UnknownRefund, RefundNotOwed."""
    subject = charge_ref or refund_id
    try:
        day = read_day(on) if on else visit.today
        with visit.begin() as ctx:
            pay = pay_back_unexplained if charge_ref else pay_back
            paid = pay(ctx, subject, reference, day)
            audit.write(
                ctx,
                "paid_back_by_hand",
                reader_id=paid.reader_id if isinstance(paid, Refund) else None,
                subject=subject,
                after={"cents": paid.amount, "reference": reference.strip(), "on": day.isoformat()},
            )
    except (NoReference, BadDay, NotADay) as refusal:
        return TypedTransfer(of=subject, on=on, reference=reference, error=refusal.detail)
    return None
