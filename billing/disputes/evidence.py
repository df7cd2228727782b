"""Evidence for a charge, taken when the bank disputes it: consent, notices, sign-ins, reading (DIS-1)."""

from typing import Any

from sqlmodel import Session, col, select

from billing.access.models import Article, MeterMonth
from billing.mail.models import Message
from billing.payments import numbers
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod
from billing.platform.bulk import load
from billing.readers import devices
from billing.readers.models import Consent, ReaderSession
from billing.readers.register import by_id
from billing.subscriptions.models import Subscription

MAIL_KINDS = (
    *("trial_started", "trial_notice", "receipt", "cancelled", "withdrawn", "term_left", "resumed"),
    *("refunded", "refund_failed", "paid_back"),
)
"""Mails that name a price, a charge, or how to cancel."""
MOST = 100
Evidence = dict[str, Any]


def gather(session: Session, payment: Payment) -> Evidence:
    """All evidence as JSON values: a snapshot, never read again from the tables."""
    reader = by_id(session, payment.reader_id)
    return {
        "email": reader.email,
        "reader since": reader.created_at.isoformat(),
        "address proved": reader.address_proved_at.isoformat() if reader.address_proved_at else None,
        "charge": _charge(session, payment),
        "other payments": _others(session, payment),
        "consents": _consents(session, payment.reader_id),
        "mails": _mails(session, payment.reader_id),
        "sign-ins": _sign_ins(session, payment.reader_id),
        "reading": _reading(session, payment.reader_id),
    }


def _charge(session: Session, payment: Payment) -> Evidence:
    invoice = session.get_one(Invoice, payment.invoice_id)
    attempt = session.get_one(Attempt, payment.attempt_id)
    card = session.get_one(PaymentMethod, attempt.payment_method_id)
    subscription = session.get_one(Subscription, invoice.subscription_id)
    return {
        "invoice": numbers.invoice_number(invoice.number or 0),
        "description": invoice.description,
        "period": f"{invoice.period_start_on} to {invoice.period_end_on}",
        "paid": payment.paid_at.isoformat(),
        "cents": payment.amount,
        "card": f"{card.brand} ending in {card.last4}",
        "network transaction": payment.network_transaction_id,
        "subscribed": subscription.started_at.isoformat(),
        "cancelled": subscription.cancel_asked_at.isoformat() if subscription.cancel_asked_at else None,
    }


def _others(session: Session, payment: Payment) -> list[Evidence]:
    rows = session.exec(
        select(Payment)
        .where(Payment.reader_id == payment.reader_id, Payment.id != payment.id)
        .order_by(col(Payment.paid_at).desc(), col(Payment.id).desc())
        .limit(MOST)
    )
    return [{"paid": row.paid_at.isoformat(), "cents": row.amount, "charge": row.charge_ref} for row in rows]


def _consents(session: Session, reader_id: str) -> list[Evidence]:
    rows = session.exec(select(Consent).where(Consent.reader_id == reader_id).order_by(col(Consent.id)))
    return [
        {
            "at": row.accepted_at.isoformat(),
            "to": f"the {row.kind} terms, {row.text_version}",
            "text": row.text_hash,
            "cents": row.amount,
            "first charge": row.first_charge_on.isoformat(),
            "from": row.ip,
            "device": devices.in_words(row.device),
        }
        for row in rows
    ]


def _mails(session: Session, reader_id: str) -> list[Evidence]:
    rows = session.exec(
        select(Message)
        .where(
            Message.reader_id == reader_id,
            col(Message.kind).in_(MAIL_KINDS),
            col(Message.accepted_at).is_not(None),
        )
        .order_by(col(Message.accepted_at).desc())
        .limit(MOST)
    )
    return [
        {
            "at": row.accepted_at.isoformat() if row.accepted_at else None,
            "mail": row.kind.replace("_", " "),
            "to": row.recipient,
            "answer": row.last_answer,
        }
        for row in rows
    ]


def _sign_ins(session: Session, reader_id: str) -> list[Evidence]:
    of_reader, newest_first = ReaderSession.reader_id == reader_id, col(ReaderSession.id).desc()
    rows = session.exec(select(ReaderSession).where(of_reader).order_by(newest_first).limit(MOST))
    return [
        {
            "at": row.started_at.isoformat(),
            "last seen": row.seen_at.isoformat(),
            "times seen, an hour or more apart": row.times_seen,
            "from": row.ip,
            "device": devices.in_words(row.device),
        }
        for row in rows
    ]


def _reading(session: Session, reader_id: str) -> list[Evidence]:
    """Articles that the meter counted. What subscribers read isn't recorded (PW-13); how often they came is in the sign-ins."""
    months = session.exec(
        select(MeterMonth).where(MeterMonth.visitor == reader_id).order_by(col(MeterMonth.month).desc())
    )
    counted = [(row.month, article_id) for row in months for article_id in row.readings][:MOST]
    articles = load(session, Article, {article_id for _, article_id in counted})
    return [
        {"month": f"{month:%Y-%m}", "article": articles[article_id].title}
        for month, article_id in counted
        if article_id in articles
    ]
