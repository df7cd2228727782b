"""A reader's state as an act finds it: values for the audit, and a hash that changes when the state does."""

import hashlib
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.access.models import Grant
from billing.payments.corrections import InvoiceCorrection
from billing.payments.models import Payment
from billing.payments.refund_models import Refund, RefundState
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.readers.register import lock_reader as lock_row_of
from billing.staff.models import AuditLine, Outcome
from billing.subscriptions.change import lock
from billing.subscriptions.find import latest_of
from billing.subscriptions.models import Subscription, SubscriptionChange
from billing.subscriptions.start import open_exception

WITHOUT_EFFECT = (
    *("find", "open", "note", "answer", "receive", "ask_to_confirm"),
    *("claim_request", "release_request", "sort_request", "note_on_request", "close_request"),
    *("ask_approval", "approve", "decline_approval", "mail"),
    *("reader_sign_ins", "reader_newsletters", "send_invoice", "see_as", "pin_note", "unpin_note"),
)
"""Acts that don't change a reader's state."""

_SNAPSHOT_COLUMNS = (
    *("id", "state", "charge_on", "period_number", "period_end_on", "access_until"),
    *("cancel_asked_at", "cancels_at", "ended_at"),
)


def lock_reader(session: Session, reader_id: str) -> Reader:
    """Lock the reader and their subscription until the transaction ends: other staff, the worker and the reader wait.

    Raises UnknownReader, ReaderMerged."""
    reader = lock_row_of(session, reader_id)
    subscription = latest_of(session, reader_id)
    if subscription is not None:
        lock(session, subscription.id)
    return reader


def state_hash(session: Session, reader_id: str) -> str:
    """A hash of all that an act depends on: history, payments, refunds, corrected invoices, grants, an allowed trial, acts of
    staff."""
    subscription = latest_of(session, reader_id)
    trial, last = open_exception(session, reader_id), last_act(session, reader_id)
    history = (
        select(func.max(SubscriptionChange.id))
        .join(Subscription, col(Subscription.id) == SubscriptionChange.subscription_id)
        .where(Subscription.reader_id == reader_id)
    )
    refunds = select(Refund.id, Refund.state).where(Refund.reader_id == reader_id).order_by(col(Refund.id))
    state = [
        session.exec(history).one(),
        session.exec(select(func.count(col(Payment.id))).where(Payment.reader_id == reader_id)).one(),
        [list(row) for row in session.exec(refunds)],
        session.exec(select(func.max(Grant.id)).where(Grant.reader_id == reader_id)).one(),
        trial.id if trial else None,
        last.id if last else None,
        subscription.charging_since if subscription else None,
        session.exec(
            select(func.max(InvoiceCorrection.id)).where(InvoiceCorrection.reader_id == reader_id)
        ).one(),
    ]
    return hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()[:20]


def last_act(session: Session, reader_id: str) -> AuditLine | None:
    """The last act for this reader, by staff or by a program."""
    return session.exec(
        select(AuditLine)
        .where(
            AuditLine.reader_id == reader_id,
            AuditLine.outcome == Outcome.DONE,
            col(AuditLine.act).not_in(WITHOUT_EFFECT),
        )
        .order_by(col(AuditLine.id).desc())
        .limit(1)
    ).first()


def snapshot(ctx: TransactionContext, reader_id: str) -> dict[str, Any]:
    """The reader's state, for the audit's before and after."""
    ctx.session.flush()
    subscription = latest_of(ctx.session, reader_id)
    returned = ctx.session.exec(
        select(func.coalesce(func.sum(Refund.amount), 0)).where(
            Refund.reader_id == reader_id,
            sa.or_(col(Refund.state) != RefundState.FAILED, col(Refund.paid_back_at).is_not(None)),
        )
    ).one()
    granted = ctx.session.exec(
        select(func.max(Grant.until)).where(Grant.reader_id == reader_id, Grant.until > ctx.at)
    ).first()
    return {
        "subscription": _columns(subscription) if subscription else None,
        "cents_returned": int(returned),
        "complimentary_until": granted.isoformat() if granted else None,
        "another_trial": open_exception(ctx.session, reader_id) is not None,
    }


def _columns(subscription: Subscription) -> dict[str, Any]:
    values = ((name, getattr(subscription, name)) for name in _SNAPSHOT_COLUMNS)
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values}


CHANGES = """(
    SELECT s.reader_id, c.at FROM subscription_change c JOIN subscription s ON s.id = c.subscription_id
    UNION ALL SELECT reader_id, at FROM audit_line WHERE outcome = 'done' AND act <> ALL(:without)
    UNION ALL SELECT reader_id, paid_at FROM payment
    UNION ALL SELECT reader_id, created_at FROM refund
    UNION ALL SELECT reader_id, settled_at FROM refund)"""
"""SQL: each moment in which a reader changed, as rows of `reader_id` and `at`. `:without` are the acts `WITHOUT_EFFECT`. Indexes serve a
reader, and those that changed since a moment."""
_LAST_CHANGE = sa.text(f"SELECT max(at) FROM {CHANGES} c WHERE reader_id = :reader_id")  # noqa: S608 - of our own


def last_change_at(session: Session, reader_id: str) -> datetime | None:
    """When a subscription, a payment or a refund of the reader last changed, or somebody acted for them."""
    found: datetime | None = session.execute(
        _LAST_CHANGE, {"reader_id": reader_id, "without": list(WITHOUT_EFFECT)}
    ).scalar_one()
    return found
