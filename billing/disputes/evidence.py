"""Evidence for a charge, taken when the bank disputes it: consent, notices, sign-ins, reading (DIS-1)."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from billing.access.models import MeterMonth
from billing.brand import legal
from billing.mail.models import Message
from billing.payments import numbers
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod
from billing.platform.context import TransactionContext
from billing.readers import devices
from billing.readers.models import Consent, ConsentText, ReaderSession
from billing.readers.register import by_id
from billing.rules.periods import civil_date
from billing.subscriptions.models import Subscription
from emails.card_schemes import scheme_name

MAIL_KINDS = (
    *("trial_started", "trial_notice", "receipt", "cancelled", "withdrawn", "term_left", "resumed"),
    *("refunded", "refund_failed", "paid_back", "term_notice", "term_reminder", "price_notice"),
)
"""Mails that name a price, a charge, or how to cancel."""
MOST = 100
Evidence = dict[str, Any]


def gather(ctx: TransactionContext, payment: Payment) -> Evidence:
    """All evidence as JSON values: a snapshot, never read again from the tables."""
    session = ctx.session
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
        "reading": _reading(session, payment.reader_id, ctx.site.zone),
    }


def _charge(session: Session, payment: Payment) -> Evidence:
    invoice = session.get_one(Invoice, payment.invoice_id)
    attempt = session.get_one(Attempt, payment.attempt_id)
    card = session.get_one(PaymentMethod, attempt.payment_method_id)
    subscription = session.get_one(Subscription, invoice.subscription_id)
    return {
        "invoice": numbers.invoice_number(invoice.number or 0),
        "description": invoice.description,
        "period from": invoice.period_start_on.isoformat(),
        "period through": (invoice.period_end_on - timedelta(days=1)).isoformat(),
        "paid": payment.paid_at.isoformat(),
        "cents": payment.amount,
        "card": f"{scheme_name(card.brand)} ending in {card.last4}",
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
    rows = session.exec(select(Consent).where(Consent.reader_id == reader_id).order_by(col(Consent.id))).all()
    texts = session.exec(
        select(ConsentText).where(col(ConsentText.text_hash).in_({row.text_hash for row in rows}))
    )
    words = {text.text_hash: text.words for text in texts}
    return [
        {
            "at": row.accepted_at.isoformat(),
            "to": f"the {row.kind} terms, {row.text_version}",
            "words": words.get(row.text_hash, ""),
            "text": row.text_hash,
            "cents": row.amount,
            "first charge": row.first_charge_on.isoformat(),
            "from": row.ip,
            "device": devices.in_words(row.device),
            "documents": ", ".join(
                f"{document.kind} {document.number}" for document in legal.in_force(session, row.accepted_at)
            ),
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


def _reading(session: Session, reader_id: str, zone: ZoneInfo) -> list[Evidence]:
    """How many articles the meter counted, by day, without their names. What subscribers read isn't recorded (PW-13); how
    often they came is in the sign-ins."""
    months = session.exec(select(MeterMonth).where(MeterMonth.visitor == reader_id)).all()
    read_at = (datetime.fromisoformat(at) for row in months for at in row.readings.values())
    days = Counter(civil_date(at, zone).isoformat() for at in read_at)
    return [{"day": day, "metered articles": count} for day, count in sorted(days.items(), reverse=True)][
        :MOST
    ]
