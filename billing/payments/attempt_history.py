"""What earlier attempts say: how often a card was charged, how it declined, and which attempts the ladder counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from billing.payments.models import Attempt, AttemptState, Invoice, PaymentMethod
from billing.platform import bulk
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names
from billing.rules.decline_causes import DeclineCause
from billing.rules.dunning import CARD_WINDOW_DAYS, MAX_CARD_ATTEMPTS, DeclineKind
from billing.rules.periods import civil_date


@dataclass(frozen=True, slots=True)
class PastAttempts:
    """What the ladder counts."""

    refused: int
    """The worker's declined attempts at this invoice."""
    last_on: date | None
    """The day of this card's last attempt that counts, whatever it was for (RET-6)."""
    on_card: int
    """How many of those there were in 30 days (see `CardUsage`)."""
    newer: bool
    """Whether the card was given, or replaced by its network, after this invoice's last attempt."""


def past_attempts(ctx: TransactionContext, invoice: Invoice, payment_method_id: str) -> PastAttempts:
    """Count the attempts that the caps of dunning look at."""
    refused = ctx.session.exec(
        select(func.count()).where(
            col(Attempt.invoice_id) == invoice.id,
            col(Attempt.state) == AttemptState.DECLINED,
            col(Attempt.by_reader).is_(False),
        )
    ).one()
    card = card_usage(ctx, [payment_method_id])[payment_method_id]
    last_at = ctx.session.exec(
        select(func.max(Attempt.intended_at)).where(
            col(Attempt.invoice_id) == invoice.id, col(Attempt.state) != AttemptState.NOT_SENT
        )
    ).one()
    newer = last_at is None or ctx.session.get_one(PaymentMethod, payment_method_id).saved_at > last_at
    last_on = civil_date(card.last_at, ctx.zone) if card.last_at else None
    return PastAttempts(refused, last_on, card.counted, newer)


def bank_was_asked(session: Session, invoice: Invoice) -> bool:
    """Whether a bank has been asked for this invoice. A hosted page that is still open asks none."""
    found = select(Attempt.id).where(
        Attempt.invoice_id == invoice.id,
        col(Attempt.state) != AttemptState.NOT_SENT,
        sa.or_(col(Attempt.hosted).is_(False), col(Attempt.state) != AttemptState.OPEN),
    )
    return session.exec(found).first() is not None


_WINDOW = timedelta(days=CARD_WINDOW_DAYS)
_COUNTED = (AttemptState.DECLINED, AttemptState.OPEN)


@dataclass(frozen=True, slots=True)
class CardUsage:
    """A card's attempts in 30 days, whatever for and under whichever row (RET-6): declined ones, open ones, and when the last of
    them was made. A charge that succeeded is no retry, so it doesn't count. The hash of its fingerprint identifies the card."""

    fingerprint: str
    refused: int
    unanswered: int
    last_at: datetime | None

    @property
    def counted(self) -> int:
        """The attempts that the card's limit counts."""
        return self.refused + self.unanswered


def card_usage(ctx: TransactionContext, method_ids: Sequence[str]) -> dict[str, CardUsage]:
    """The usage of these cards, by the ids of their rows."""
    same = aliased(PaymentMethod)
    counted = sa.and_(
        col(Attempt.payment_method_id) == same.id,
        col(Attempt.intended_at) > ctx.at - _WINDOW,
        col(Attempt.state).in_(_COUNTED),
    )
    rows = ctx.session.execute(
        sa.select(
            col(PaymentMethod.id),
            col(PaymentMethod.fingerprint),
            func.count(col(Attempt.id)).filter(col(Attempt.state) == AttemptState.DECLINED),
            func.count(col(Attempt.id)).filter(col(Attempt.state) == AttemptState.OPEN),
            func.max(Attempt.intended_at),
        )
        .join(same, col(same.fingerprint) == PaymentMethod.fingerprint)
        # outer: a card without attempts has a row too, as callers look each card up by its id
        .join(Attempt, counted, isouter=True)
        .where(bulk.one_of(PaymentMethod.id, method_ids))
        .group_by(col(PaymentMethod.id))
    )
    return {method_id: CardUsage(*facts) for method_id, *facts in rows}


def card_free_on(ctx: TransactionContext, payment_method_id: str) -> date:
    """The first civil day on which a card at its limit may be charged again, if nothing else charges it."""
    oldest = ctx.session.exec(
        select(Attempt.intended_at)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(
            PaymentMethod.fingerprint == ctx.session.get_one(PaymentMethod, payment_method_id).fingerprint,
            Attempt.intended_at > ctx.at - _WINDOW,
            col(Attempt.state).in_(_COUNTED),
        )
        .order_by(col(Attempt.intended_at).desc())
        .offset(MAX_CARD_ATTEMPTS - 1)
    ).first()
    # The day after: the oldest attempt still counts until its time of day, and charges are made in the morning.
    return civil_date((oldest or ctx.at - _WINDOW) + _WINDOW, ctx.zone) + timedelta(days=1)


def lock_shared_cards(session: Session, method_ids: Sequence[str]) -> None:
    """Lock those of these cards that several readers pay with, until this transaction ends. Call it before their attempts are
    counted (RET-6). The lock on a subscription protects all other cards."""
    if not method_ids:
        return
    other = aliased(PaymentMethod)
    shared = session.exec(
        select(PaymentMethod.fingerprint)
        .distinct()
        .join(
            other,
            sa.and_(
                col(other.fingerprint) == PaymentMethod.fingerprint,
                col(other.reader_id) != PaymentMethod.reader_id,
            ),
        )
        .where(bulk.one_of(PaymentMethod.id, method_ids))
    ).all()
    if shared:
        lock_names(session, *(f"card {fingerprint}" for fingerprint in shared))


def last_refusal(session: Session, invoice: Invoice, payment_method_id: str) -> DeclineKind | None:
    """How this card last declined this invoice; None when it didn't. A card that its bank has replaced, with another number or
    date, is another card. One that is gone declines everything."""
    if session.get_one(PaymentMethod, payment_method_id).gone_at is not None:
        return DeclineKind.HARD
    return _last_declined(session, invoice, payment_method_id)[0]


def last_cause(session: Session, invoice: Invoice, payment_method_id: str) -> DeclineCause | None:
    """What the reader may know of that refusal; None when there is none, or the card is gone."""
    if session.get_one(PaymentMethod, payment_method_id).gone_at is not None:
        return None
    return _last_declined(session, invoice, payment_method_id)[1]


def _last_declined(
    session: Session, invoice: Invoice, payment_method_id: str
) -> tuple[DeclineKind | None, DeclineCause | None]:
    card = session.get_one(PaymentMethod, payment_method_id)
    found = session.exec(
        select(col(Attempt.decline_kind), col(Attempt.decline_cause))
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(
            Attempt.invoice_id == invoice.id,
            Attempt.state == AttemptState.DECLINED,
            PaymentMethod.fingerprint == card.fingerprint,
            PaymentMethod.exp_year == card.exp_year,
            PaymentMethod.exp_month == card.exp_month,
            # `saved_at` moves when a network replaces the card under the same row: earlier attempts were another card's
            sa.or_(col(PaymentMethod.id) != card.id, col(Attempt.intended_at) >= card.saved_at),
        )
        .order_by(col(Attempt.ordinal).desc())
    ).first()
    return found or (None, None)


def last_attempt_never_sent(session: Session, invoice: Invoice) -> bool:
    """Whether the last attempt at an invoice grew too old before it could be sent: its rung is still to be used."""
    last = session.exec(
        select(Attempt.state)
        .where(Attempt.invoice_id == invoice.id, col(Attempt.hosted).is_(False))
        .order_by(col(Attempt.ordinal).desc())
    ).first()
    return last is AttemptState.NOT_SENT
