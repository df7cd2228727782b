"""A naive billing run: SQLModel objects, one renewal and one commit at a time, the same rows as the product."""

from datetime import datetime

from sqlmodel import Session, col, select

from billing.ledger.models import Account, Deferral, LedgerEntry, LedgerTransaction, RecognitionMark
from billing.mail import outbox
from billing.mail.models import Message, MessageState
from billing.notices.payment import receipt_of
from billing.payments import numbers, vat_rates
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, Payment, PaymentMethod
from billing.platform import ids
from billing.platform.actors import WORKER, acted_by
from billing.platform.db import Database
from billing.platform.site import Site
from billing.readers.models import Reader
from billing.rules import periods, tax, trial
from billing.rules.lifecycle import Event
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription, SubscriptionChange
from billing.subscriptions.schedule import nth_period
from emails import store


def renew(database: Database, site: Site, at: datetime, *, most: int) -> int:
    """Renew up to `most` due subscriptions one by one; return how many were renewed."""
    for done in range(most):
        with database.transaction() as session:
            subscription = session.exec(
                select(Subscription)
                .where(col(Subscription.next_action_at) <= at)
                .order_by(col(Subscription.next_action_at))
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if subscription is None:
                return done
            invoice = _draw_up(session, site, subscription, at)
            payment = _pay(session, site, invoice, str(subscription.payment_method_id), at)
            _book(session, site, invoice, payment)
            _go_on(session, site, subscription, invoice, at)
    return most


def _draw_up(session: Session, site: Site, subscription: Subscription, at: datetime) -> Invoice:
    plan, price = terms_of(session, subscription)
    owed_for = nth_period(subscription, subscription.period_number + 1, plan.months)
    split = tax.split(price.money, vat_rates.rate_on(session, site.today(at)))
    invoice = Invoice(
        id=ids.new("inv", at),
        subscription_id=subscription.id,
        plan_id=plan.id,
        reader_id=subscription.reader_id,
        state=InvoiceState.OPEN,
        period_number=owed_for.number,
        period_start_on=owed_for.start_on,
        period_end_on=owed_for.end_on,
        description=f"{plan.name}, one month",
        gross=split.gross.amount,
        net=split.net.amount,
        vat=split.vat.amount,
        vat_basis_points=split.rate.basis_points,
        currency=price.currency,
        created_at=at,
    )
    session.add(invoice)
    session.flush()
    subscription.charging_since = at
    return invoice


def _pay(session: Session, site: Site, invoice: Invoice, method_id: str, at: datetime) -> Payment:
    attempt = Attempt(
        acquirer="stripe",
        id=ids.new("att", at),
        invoice_id=invoice.id,
        subscription_id=invoice.subscription_id,
        ordinal=1,
        payment_method_id=method_id,
        idempotency_key=f"main-{invoice.subscription_id}-p{invoice.period_number}-r1",
        amount=invoice.gross,
        state=AttemptState.OPEN,
        intended_at=at,
        next_poll_at=at,
    )
    session.add(attempt)
    session.flush()
    attempt.state, attempt.settled_at, attempt.intent_ref = AttemptState.CHARGED, at, f"pi_{attempt.id}"
    payment = Payment(
        acquirer="stripe",
        id=ids.new("pay", at),
        invoice_id=invoice.id,
        attempt_id=attempt.id,
        reader_id=invoice.reader_id,
        amount=invoice.gross,
        intent_ref=f"pi_{attempt.id}",
        charge_ref=f"ch_{attempt.id}",
        paid_at=at,
    )
    session.add(payment)
    invoice.number = numbers.next_numbers(session, numbers.INVOICES)
    invoice.state, invoice.paid_at, invoice.issued_on = InvoiceState.PAID, at, site.today(at)
    session.flush()
    return payment


def _book(session: Session, site: Site, invoice: Invoice, payment: Payment) -> None:
    session.exec(select(RecognitionMark)).first()
    session.add(
        Deferral(
            invoice_id=invoice.id,
            amount=invoice.net,
            starts_on=invoice.period_start_on,
            ends_on=invoice.period_end_on,
            counts_from=invoice.period_start_on,
            counts_until=invoice.period_end_on,
        )
    )
    sold = {
        Account.RECEIVABLE: invoice.gross,
        Account.VAT_OUTPUT: -invoice.vat,
        Account.DEFERRED_REVENUE: -invoice.net,
    }
    paid = {Account.GATEWAY: payment.amount, Account.RECEIVABLE: -payment.amount}
    on = site.today(payment.paid_at)
    for kind, source, lines in (("invoice", invoice.id, sold), ("payment", payment.id, paid)):
        posted = LedgerTransaction(  # type: ignore[call-arg]  # the database gives the id
            kind=kind, source_id=source, at=payment.paid_at, on=on, supply_on=on
        )
        posted.vat_basis_points = invoice.vat_basis_points if kind == "invoice" else None
        session.add(posted)
        session.flush()
        for account, amount in lines.items():
            session.add(LedgerEntry(transaction_id=posted.id, account=account, amount=amount))


def _go_on(session: Session, site: Site, s: Subscription, invoice: Invoice, at: datetime) -> None:
    after = {
        "period_number": invoice.period_number,
        "period_start_on": invoice.period_start_on,
        "period_end_on": invoice.period_end_on,
        "access_until": periods.start_of_day(invoice.period_end_on, site.zone),
        "charging_since": None,
    }
    facts = {name: [_plain(getattr(s, name)), _plain(value)] for name, value in after.items()}
    for name, value in after.items():
        setattr(s, name, value)
    s.next_action, s.next_action_at = "renew", trial.charge_at(invoice.period_end_on, site.zone)
    session.add(
        SubscriptionChange(
            subscription_id=s.id,
            event=Event.CHARGED,
            from_state=s.state,
            to_state=s.state,
            at=at,
            **acted_by(WORKER),
            reason=f"paid invoice {invoice.id}",
            facts=facts,
        )
    )
    card = session.get_one(PaymentMethod, s.payment_method_id)
    reader = session.get_one(Reader, s.reader_id)
    words = receipt_of(site, s, invoice, card)
    session.add(
        Message(
            id=ids.new("msg", at),
            key=f"receipt:{invoice.id}",
            kind=words.kind,
            reader_id=reader.id,
            recipient=reader.email,
            fields=store(words),
            state=MessageState.QUEUED,
            created_at=at,
            next_attempt_at=at,
            expires_at=at + outbox.RECEIPT_LIFE,
        )
    )


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
