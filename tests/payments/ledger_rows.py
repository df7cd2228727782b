"""Add sales and refunds as database rows, without a gateway, for ledger tests that need many."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.payments import postings
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, Payment, PaymentMethod
from billing.payments.refund_models import Refund, RefundState
from billing.platform.actors import WORKER, Command, acted_by
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.readers.models import Reader
from billing.rules import tax
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.models import Subscription

SITE = Site(
    ZoneInfo("Africa/Johannesburg"), "http://paper.example", Tokens("a secret of tests, long enough 012345")
)
RATE = tax.VatRate(1500, date(2018, 4, 1))
_numbers = count(1)


def noon(on: date) -> datetime:
    """Noon of a civil day in Johannesburg (10:00 UTC)."""
    return datetime.combine(on, time(10), UTC)


def add_subscription(session: Session, on: date) -> None:
    """Add the reader, the card and the subscription that all sales belong to."""
    session.add(Reader(id="rdr_t", email="t@example.com", created_at=noon(on)))
    session.flush()
    session.add(
        PaymentMethod(
            id="pm_t",
            reader_id="rdr_t",
            acquirer="one",
            customer_ref="cus_t",
            gateway_ref="pm_t",
            brand="visa",
            last4="4242",
            exp_month=1,
            exp_year=2040,
            fingerprint="f",
            saved_at=noon(on),
        )
    )
    session.add(
        Subscription(
            id="sub_t",
            reader_id="rdr_t",
            plan_id="monthly",
            price_id="monthly-75",
            state=State.ENDED,
            started_at=noon(on),
            charge_on=on,
            access_until=noon(on),
            ended_at=noon(on),
        )
    )
    session.flush()


def add_sale(
    session: Session, gross: int, starts_on: date, days: int, paid_on: date
) -> tuple[Invoice, Payment]:
    """Add an invoice for `days` days and its payment, posted on `paid_on`. `gross` is in cents."""
    n = next(_numbers)
    split = tax.split(Money(gross), RATE)
    invoice = Invoice(
        id=f"inv_{n}",
        subscription_id="sub_t",
        plan_id="monthly",
        reader_id="rdr_t",
        state=InvoiceState.PAID,
        period_number=n,
        period_start_on=starts_on,
        period_end_on=starts_on + timedelta(days=days),
        description="Full access",
        gross=gross,
        net=split.net.amount,
        vat=split.vat.amount,
        vat_basis_points=RATE.basis_points,
        created_at=noon(paid_on),
        number=n,
        paid_at=noon(paid_on),
        issued_on=paid_on,
    )
    session.add(invoice)
    session.flush()
    attempt = Attempt(
        id=f"att_{n}",
        invoice_id=invoice.id,
        subscription_id="sub_t",
        ordinal=1,
        payment_method_id="pm_t",
        acquirer="one",
        idempotency_key=f"key_{n}",
        amount=gross,
        state=AttemptState.CHARGED,
        intended_at=noon(paid_on),
        next_poll_at=noon(paid_on),
        settled_at=noon(paid_on),
    )
    session.add(attempt)
    session.flush()
    payment = Payment(
        id=f"pay_{n}",
        invoice_id=invoice.id,
        attempt_id=attempt.id,
        reader_id="rdr_t",
        amount=gross,
        acquirer="one",
        intent_ref=f"pi_{n}",
        charge_ref=f"ch_{n}",
        paid_at=noon(paid_on),
    )
    session.add(payment)
    session.flush()
    postings.sales(session, SITE, [(invoice, payment)])
    return invoice, payment


def add_refund(session: Session, sold: tuple[Invoice, Payment], split: tax.VatSplit, on: date) -> Refund:
    """Add a successful refund with its credit note, posted on `on`."""
    n = next(_numbers)
    refund = Refund(
        id=f"ref_{n}",
        payment_id=sold[1].id,
        acquirer="one",
        reader_id="rdr_t",
        amount=split.gross.amount,
        net=split.net.amount,
        vat=split.vat.amount,
        state=RefundState.SUCCEEDED,
        cause=f"c{n}",
        reason="asked",
        **acted_by(Command("test")),
        idempotency_key=f"k{n}",
        created_at=noon(on),
        next_poll_at=noon(on),
        keyed_at=noon(on),
        credit_note_number=n,
        settled_at=noon(on),
    )
    session.add(refund)
    session.flush()
    postings.refunded(TransactionContext(session, SITE, noon(on), WORKER), refund, sold[1], sold[0])
    return refund
