"""Facts about money as postings: a sale, a refund, days given. Each in the transaction that records the fact."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from sqlmodel import Session, col, func, select

from billing.ledger.models import Account
from billing.ledger.post import Posting, post, post_many
from billing.ledger.recognition import Owed, defer, take_back_of
from billing.payments import dispute_limits
from billing.payments.corrections import InvoiceCorrection
from billing.payments.models import Invoice, InvoiceState, Payment
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules.recognition import Spread, worth_of

INVOICE, PAYMENT, REFUND = "invoice", "payment", "refund"
BOUNCE, PAID_BACK, GOODWILL = "refund_bounced", "refund_paid_by_hand", "goodwill"


class PostedPayment(Protocol):
    """What a posting needs of a payment."""

    @property
    def id(self) -> str:
        """The payment's row."""

    @property
    def amount(self) -> int:
        """Cents."""

    @property
    def paid_at(self) -> datetime:
        """When it was paid."""


def sales(session: Session, site: Site, paid: Sequence[tuple[Invoice, PostedPayment]]) -> None:
    """Tax invoices and the payments that made them so, dated the day of the invoice: any number in as many statements as one."""
    if not paid:
        return
    owed = [
        Owed(invoice.id, Spread(invoice.net, invoice.period_start_on, invoice.period_end_on))
        for invoice, _ in paid
    ]
    postings = []
    for (invoice, payment), already in zip(paid, defer(session, site, owed), strict=True):
        on = invoice.issued_on or site.today(payment.paid_at)
        postings += [_invoiced(invoice, already, payment.paid_at, on), _paid(payment, on)]
    _write(session, postings)


class BookedTwice(ValueError):
    """This fact is in the books already. Its days would be earned twice."""


def _write(session: Session, postings: Sequence[Posting]) -> None:
    """Write facts that come with deferrals. They must be new, because deferrals have no key. Raises BookedTwice."""
    if post_many(session, postings) != len(postings):
        raise BookedTwice(", ".join(f"{posting.kind} {posting.source_id}" for posting in postings))


def _invoiced(invoice: Invoice, earned: int, at: datetime, on: date) -> Posting:
    lines = {
        Account.RECEIVABLE: invoice.gross,
        Account.VAT_OUTPUT: -invoice.vat,
        Account.REVENUE: -earned,
        Account.DEFERRED_REVENUE: earned - invoice.net,
    }
    return Posting(INVOICE, invoice.id, at, on, lines, vat_basis_points=invoice.vat_basis_points)


def _paid(payment: PostedPayment, on: date) -> Posting:
    lines = {Account.GATEWAY: payment.amount, Account.RECEIVABLE: -payment.amount}
    return Posting(PAYMENT, payment.id, payment.paid_at, on, lines)


def paid_twice(ctx: TransactionContext, payment: PostedPayment) -> None:
    """Money for an invoice that had been paid: no sale and no VAT, a debt of ours until it has gone back."""
    lines = {Account.GATEWAY: payment.amount, Account.REFUNDS_OWED: -payment.amount}
    on = ctx.site.today(payment.paid_at)
    post(ctx.session, Posting(PAYMENT, payment.id, payment.paid_at, on, lines))


def refunded(ctx: TransactionContext, refund: Refund, payment: Payment, invoice: Invoice) -> None:
    """A credit note: what isn't earned yet is taken back first, and the rest goes through `refunds`. VAT moves in the credit
    note's own period, at the rate of the sale (VAT-12). The money leaves the acquirer; where a transfer pays a refund that the
    acquirer refused, it leaves our bank account."""
    by_transfer = refund.paid_back_at is not None and refund.bounced_at is None
    out_of = Account.BANK if by_transfer else Account.GATEWAY
    ctx.session.flush()  # the sum of credit notes below reads this one's number
    if payment.duplicate:
        # a lost dispute has paid the debt, so what goes back besides is a cost
        against = Account.REFUNDS if dispute_limits.is_lost(ctx.session, payment) else Account.REFUNDS_OWED
        lines = {against: refund.amount, out_of: -refund.amount}
        post(ctx.session, Posting(REFUND, refund.id, ctx.at, ctx.today, lines))
        return
    wholly = credited(ctx.session, payment) == payment.amount
    sold, given = take_back_of(ctx.session, invoice.id, refund.net, on=ctx.today, wholly=wholly)
    lines = {
        Account.DEFERRED_REVENUE: sold.deferred + given,
        Account.REFUNDS: sold.earned,
        Account.VAT_OUTPUT: refund.vat,
        out_of: -refund.amount,
        Account.GOODWILL: -given,
    }
    rate, supply_on = invoice.vat_basis_points, invoice.issued_on
    _write(ctx.session, [Posting(REFUND, refund.id, ctx.at, ctx.today, lines, rate, supply_on)])


def corrected(ctx: TransactionContext, row: InvoiceCorrection, invoice: Invoice) -> None:
    """A credit note for the rest of a tax invoice and another tax invoice over the same, on one day: they cancel out, so VAT and
    revenue stay as they are (VAT-8)."""
    lines = {Account.RECEIVABLE: row.gross, Account.VAT_OUTPUT: -row.vat, Account.DEFERRED_REVENUE: -row.net}
    back = {account: -cents for account, cents in lines.items()}
    rate, supply_on = invoice.vat_basis_points, invoice.issued_on
    credited = Posting(REFUND, row.id, ctx.at, ctx.today, back, rate, supply_on)
    issued = Posting(INVOICE, row.id, ctx.at, ctx.today, lines, rate, supply_on)
    _write(ctx.session, [credited, issued])


def credited(session: Session, payment: Payment) -> int:
    """Cents of a payment for which credit notes are written, whether the money arrived or bounced."""
    noted = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        col(Refund.payment_id) == payment.id, col(Refund.credit_note_number).is_not(None)
    )
    return int(session.exec(noted).one())


def bounced(ctx: TransactionContext, refund: Refund, *, bank_has_paid: bool = False) -> None:
    """A refund that had succeeded came back to the acquirer (STR-13). The credit note and its VAT stand: the price was reduced,
    and a transfer that fails doesn't raise it again. We owe the reader the amount. `bank_has_paid`: a lost dispute has returned
    the same money, so its cost comes back instead."""
    against = Account.REFUNDS if bank_has_paid else Account.REFUNDS_OWED
    lines = {Account.GATEWAY: refund.amount, against: -refund.amount}
    post(ctx.session, Posting(BOUNCE, refund.id, ctx.at, ctx.today, lines))


def paid_by_hand(ctx: TransactionContext, refund: Refund, on: date) -> None:
    """The debt of a bounced refund was paid from our bank account."""
    lines = {Account.REFUNDS_OWED: refund.amount, Account.BANK: -refund.amount}
    post(ctx.session, Posting(PAID_BACK, refund.id, ctx.at, on, lines))


def unexplained_paid_by_hand(ctx: TransactionContext, charge_ref: str, amount: int, on: date) -> None:
    """An unexplained charge that no refund could return was paid back from our bank account. The acquirer's share is ours now."""
    lines = {Account.GATEWAY: amount, Account.BANK: -amount}
    post(ctx.session, Posting(PAID_BACK, charge_ref, ctx.at, on, lines))


def paid_by_card(ctx: TransactionContext, refund: Refund) -> None:
    """The debt of a bounced refund was paid by another refund, made in the acquirer's dashboard."""
    lines = {Account.REFUNDS_OWED: refund.amount, Account.GATEWAY: -refund.amount}
    post(ctx.session, Posting(PAID_BACK, refund.id, ctx.at, ctx.today, lines))


def days_given(ctx: TransactionContext, subscription_id: str, *, before: date, after: date) -> None:
    """A paid period ends on `after` instead of `before`. The days are worth their daily price: they cost goodwill now, and earn
    revenue as they pass. Without a paid period nothing is posted."""
    invoice = ctx.session.exec(
        select(Invoice)
        .where(
            Invoice.subscription_id == subscription_id,
            Invoice.state == InvoiceState.PAID,
            Invoice.period_start_on < before,
        )
        .order_by(col(Invoice.period_start_on).desc())
    ).first()
    if invoice is None:
        return
    in_days = (invoice.period_end_on - invoice.period_start_on).days
    worth = worth_of((after - before).days, net=invoice.net, in_days=in_days)
    if worth == 0:
        return
    [earned] = defer(ctx.session, ctx.site, [Owed(invoice.id, Spread(worth, before, after), given=True)])
    lines = {Account.GOODWILL: worth, Account.REVENUE: -earned, Account.DEFERRED_REVENUE: earned - worth}
    source_id = f"{invoice.id}:{after.isoformat()}"
    _write(ctx.session, [Posting(GOODWILL, source_id, ctx.at, ctx.today, lines)])
