"""Close an account and ask for its erasure: what that does, what stands in its way, and taking it back (POP-5, SEC-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.changes import cancel, withdraw
from billing.notices.erasure import erasure_asked
from billing.payments import dispute_limits, payment_page, refunds_owed
from billing.payments.models import Payment
from billing.payments.refund_models import Refund, RefundState
from billing.personal_data import register
from billing.personal_data.models import Erasure
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.readers import sessions
from billing.readers.models import Reader
from billing.readers.register import by_id, lock_reader
from billing.rules.addresses import is_erased
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.find import latest_of
from billing.subscriptions.models import Subscription
from emails.languages import Text, say

GRACE = timedelta(days=1)
"""How long the reader can take it back."""
WITHIN = timedelta(days=30)
"""The law's answer time (POP-5)."""
CLOSED = "account closed"
"""The reason in the history where nobody gave another."""
CHARGING = """SELECT FROM subscription s WHERE s.reader_id = :reader_id AND (s.charging_since IS NOT NULL
    OR EXISTS (SELECT FROM attempt a WHERE a.subscription_id = s.id AND a.state = 'open'))"""
CARD_PAGE_OPEN = "SELECT FROM card_setup WHERE reader_id = :reader_id AND state = 'open'"
WAITS = (
    (say("A charge is under way."), CHARGING),
    (
        say("Money is on its way back."),
        "SELECT FROM refund WHERE reader_id = :reader_id AND state IN ('intended', 'pending')",
    ),
    (say("A bank disputes a payment."), "SELECT FROM dispute WHERE reader_id = :reader_id AND decided_at IS NULL"),
    (say("A page that saves a card is open."), CARD_PAGE_OPEN),
    (say("A mail is on its way."), "SELECT FROM message WHERE reader_id = :reader_id AND state = 'queued'"),
    (
        say("A newsletter is being sent."),
        "SELECT FROM delivery WHERE state IN ('frozen', 'sending', 'deferred') AND (reader_id = :reader_id OR address_key = :address)",
    ),
)  # fmt: skip
"""What ends by itself, and what an erasure waits for until it has: its words, and the query that finds it."""


class ErasureAsked(Conflict):
    """The erasure has been asked for already."""

    code = "erasure_asked"


class AlreadyErased(Conflict):
    """This account is erased."""

    code = "already_erased"


class DisputeKeepsEvidence(Conflict):
    """The bank has asked for a payment back. Until that is decided we keep what proves the payment; ask again then."""

    code = "dispute_open"
    title = "A payment is being disputed"


class RefundOwed(Conflict):
    """Money that we owe could not be returned to the card, so it has to be paid in another way first."""

    code = "refund_owed"


class NothingToKeep(Conflict):
    """There is no erasure that could still be taken back."""

    code = "nothing_to_keep"


@dataclass(frozen=True, slots=True)
class ErasurePreview:
    """What closing the account does now. `cents` go back; `staff_decide`: more could, but staff decide about that, as there was a
    withdrawal within a year. `waits`: what has to end before the erasure. `keeps`: why something stays."""

    ends: bool
    cents: int
    staff_decide: bool
    waits: tuple[Text, ...]
    keeps: tuple[Text, ...]
    erases_at: datetime
    due_at: datetime


_IS_OPEN = (
    col(Erasure.reader_id) == sa.bindparam("reader_id"),
    col(Erasure.done_at).is_(None),
    col(Erasure.taken_back_at).is_(None),
)
OPEN_OF = sa.select(col(Erasure.erases_at)).where(*_IS_OPEN)
"""The query of when `:reader_id` is erased, where that was asked for."""


def open_of(session: Session, reader_id: str) -> Erasure | None:
    """The reader's erasure that is asked for and not done."""
    return session.scalars(sa.select(Erasure).where(*_IS_OPEN), {"reader_id": reader_id}).first()


def holds_address(session: Session, address: str) -> bool:
    """Whether anything is kept of an address that has no account, such as a newsletter."""
    given = {"address": address.lower()}
    tables = (one for one in register.TABLES if one.by_address)
    return any(
        session.connection()
        .execute(sa.text(f"SELECT FROM {one.table} WHERE {one.by_address} LIMIT 1"), given)
        .first()
        is not None
        for one in tables
    )


def erased(session: Session) -> list[tuple[str, datetime]]:
    """Every erased reader's id, and when."""
    rows = session.exec(
        select(Erasure).where(col(Erasure.done_at).is_not(None)).order_by(col(Erasure.done_at))
    )
    return [(row.reader_id, row.done_at) for row in rows if row.done_at is not None]


def is_closing(session: Session, reader_id: str) -> bool:
    """Whether the reader is erased, or will be."""
    return is_erased(by_id(session, reader_id).email) or open_of(session, reader_id) is not None


def waiting_erasures(
    session: Session, at: datetime, limit: int = 100
) -> list[tuple[Erasure, Reader, tuple[Text, ...]]]:
    """Closed accounts whose day has come and that aren't erased yet, the oldest first, each with what it waits for."""
    due = (
        select(Erasure, Reader)
        .join(Reader, col(Reader.id) == Erasure.reader_id)
        .where(
            col(Erasure.done_at).is_(None), col(Erasure.taken_back_at).is_(None), col(Erasure.erases_at) <= at
        )
        .order_by(col(Erasure.erases_at), col(Erasure.id))
        .limit(limit)
    )
    return [(erasure, reader, what_is_open(session, reader)) for erasure, reader in session.exec(due)]


def what_is_open(session: Session, reader: Reader) -> tuple[Text, ...]:
    """What an erasure waits for, in sentences."""
    given = {"reader_id": reader.id, "address": reader.email.lower()}
    query = ", ".join(f"EXISTS ({found})" for _, found in WAITS)
    open_now = session.connection().execute(sa.text(f"SELECT {query}"), given).one()
    words = tuple(words for (words, _), is_open in zip(WAITS, open_now, strict=True) if is_open)
    return (*words, say("Money is owed.")) if _owed(session, reader.id) else words


def _owed(session: Session, reader_id: str) -> Sequence[Refund]:
    failed = select(Refund.payment_id).where(
        Refund.reader_id == reader_id, Refund.state == RefundState.FAILED, col(Refund.paid_back_at).is_(None)
    )
    payments = session.exec(select(Payment).where(col(Payment.id).in_(failed))).all()
    return [refund for payment in payments for refund in refunds_owed.of_payment(session, payment)]


def preview(ctx: TransactionContext, reader_id: str) -> ErasurePreview:
    """Raises UnknownReader, AlreadyErased, ErasureAsked, DisputeKeepsEvidence, RefundOwed."""
    reader = by_id(ctx.session, reader_id)
    if is_erased(reader.email):
        raise AlreadyErased
    if open_of(ctx.session, reader_id) is not None:
        raise ErasureAsked
    if dispute_limits.open_of(ctx.session, reader_id) is not None:
        raise DisputeKeepsEvidence
    if _owed(ctx.session, reader_id):
        raise RefundOwed
    subscription = latest_of(ctx.session, reader_id)
    offer = withdraw.offered(ctx, subscription)
    left = cancel.leaving(ctx, subscription, ctx.at) if subscription is not None else None
    if offer is not None and not offer.needs_staff:
        cents = offer.cents
    else:
        cents = left.cents if left is not None else 0
    return ErasurePreview(
        ends=subscription is not None and subscription.state is not State.ENDED,
        cents=cents,
        staff_decide=offer is not None and offer.needs_staff,
        waits=what_is_open(ctx.session, reader),
        keeps=register.reasons(),
        erases_at=ctx.at + GRACE,
        due_at=ctx.at + WITHIN,
    )


def ask(ctx: TransactionContext, reader_id: str, *, reason: str = "") -> Erasure:
    """Close the account: the subscription ends now, what is owed goes back, all browsers are signed out. The erasure follows in a
    day, once nothing is open. Raises as `preview`."""
    reader = lock_reader(ctx.session, reader_id)
    found = preview(ctx, reader_id)
    subscription = latest_of(ctx.session, reader_id)
    if subscription is not None:
        _end(ctx, subscription, reason or CLOSED)
    erasure = Erasure(
        id=ids.new("era", ctx.at),
        reader_id=reader_id,
        requested_at=ctx.at,
        erases_at=found.erases_at,
        due_at=found.due_at,
        next_attempt_at=found.erases_at,
        **acted_by(ctx.actor),
    )
    ctx.session.add(erasure)
    ctx.session.flush()
    sessions.end_sessions(ctx, reader_id)
    erasure_asked(
        ctx,
        reader,
        erasure.id,
        erased_on=ctx.site.today(found.erases_at),
        latest_on=ctx.site.today(found.due_at),
    )
    log_event(ctx.session, "erasure asked", reader=reader_id)
    return erasure


def _end(ctx: TransactionContext, found: Subscription, reason: str) -> None:
    """End it now, by the rule that gives most back: the withdrawal, else leaving a paid year, else nothing."""
    subscription = lock(ctx.session, found.id)
    # before its state is looked at: the sale of an ended one can be taken back too
    offer = withdraw.offered(ctx, subscription)
    if offer is not None and not offer.needs_staff:
        withdraw.withdraw(ctx, subscription.id, asked_at=ctx.at, reason=reason)
    elif subscription.state is State.ENDED:
        return
    elif cancel.leaving(ctx, subscription, ctx.at) is not None:
        cancel.cancel(ctx, subscription.id, asked_at=ctx.at, reason=reason, when=cancel.When.EARLY)
        # whoever leaves early reads on until the notice has run; a closed account ends now
        change(
            ctx,
            subscription,
            Event.ENDED_NOW,
            reason=reason,
            cancels_at=ctx.at,
            access_until=min(ctx.at, subscription.access_until),
        )
    else:
        cancel.cancel(ctx, subscription.id, asked_at=ctx.at, reason=reason, when=cancel.When.NOW)
    payment_page.close_soon(ctx, subscription.id)


def take_back(ctx: TransactionContext, reader_id: str) -> None:
    """Keep the account. A subscription that ended stays ended. Raises UnknownReader, NothingToKeep."""
    lock_reader(ctx.session, reader_id)
    erasure = open_of(ctx.session, reader_id)
    if erasure is None:
        raise NothingToKeep
    # again, under its lock: it may have been done or taken back meanwhile
    ctx.session.refresh(erasure, with_for_update=True)
    if erasure.done_at is not None or erasure.taken_back_at is not None:
        raise NothingToKeep
    erasure.taken_back_at = ctx.at
    log_event(ctx.session, "erasure taken back", reader=reader_id)
