"""What has been tried already: how often a card was asked, what it said, and which tries the ladder counts."""

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
from billing.rules.dunning import CARD_WINDOW_DAYS, MAX_CARD_ATTEMPTS, DeclineKind
from billing.rules.periods import civil_date


@dataclass(frozen=True, slots=True)
class PastAttempts:
    """What has been tried already, for the ladder: refused attempts of the worker for this invoice; and of this card, whatever
    for, the last day of an attempt that counts, and how many count in 30 days (RET-6, see `CardUsage`)."""

    refused: int
    last_on: date | None
    on_card: int
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
    asked_at = ctx.session.exec(
        select(func.max(Attempt.intended_at)).where(
            col(Attempt.invoice_id) == invoice.id, col(Attempt.state) != AttemptState.NOT_SENT
        )
    ).one()
    newer = asked_at is None or ctx.session.get_one(PaymentMethod, payment_method_id).saved_at > asked_at
    last_on = civil_date(card.last_at, ctx.zone) if card.last_at else None
    return PastAttempts(refused, last_on, card.counted, newer)


def bank_was_asked(session: Session, invoice: Invoice) -> bool:
    """Whether a bank has been asked for this invoice; that its reader has looked at a page is no such thing."""
    found = select(Attempt.id).where(
        Attempt.invoice_id == invoice.id,
        col(Attempt.state) != AttemptState.NOT_SENT,
        sa.or_(col(Attempt.hosted).is_(False), col(Attempt.state) != AttemptState.OPEN),
    )
    return session.exec(found).first() is not None


_SINCE = timedelta(days=CARD_WINDOW_DAYS)
_COUNTED = (AttemptState.DECLINED, AttemptState.OPEN)


@dataclass(frozen=True, slots=True)
class CardUsage:
    """How often a card refused in 30 days, whatever for and under whichever row, how often it was asked and hasn't answered, and
    when such an attempt was made last (RET-6). A charge that succeeded is no retry, so it doesn't count. The card is known by
    the hash of its fingerprint."""

    fingerprint: str
    refused: int
    unanswered: int
    last_at: datetime | None

    @property
    def counted(self) -> int:
        """The attempts that the card's limit counts."""
        return self.refused + self.unanswered


def card_usage(ctx: TransactionContext, method_ids: Sequence[str]) -> dict[str, CardUsage]:
    """What these cards were asked and didn't pay, each by the id of its row."""
    same = aliased(PaymentMethod)
    counted = sa.and_(
        col(Attempt.payment_method_id) == same.id,
        col(Attempt.intended_at) > ctx.at - _SINCE,
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
        .join(Attempt, counted, isouter=True)
        .where(bulk.one_of(PaymentMethod.id, method_ids))
        .group_by(col(PaymentMethod.id))
    )
    return {method_id: CardUsage(*facts) for method_id, *facts in rows}


def card_free_on(ctx: TransactionContext, payment_method_id: str) -> date:
    """The first civil day on which a card that has had its attempts of 30 days may be asked again, if nothing else asks it."""
    oldest = ctx.session.exec(
        select(Attempt.intended_at)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(
            PaymentMethod.fingerprint == ctx.session.get_one(PaymentMethod, payment_method_id).fingerprint,
            Attempt.intended_at > ctx.at - _SINCE,
            col(Attempt.state).in_(_COUNTED),
        )
        .order_by(col(Attempt.intended_at).desc())
        .offset(MAX_CARD_ATTEMPTS - 1)
    ).first()
    return civil_date((oldest or ctx.at - _SINCE) + _SINCE, ctx.zone) + timedelta(days=1)


def lock_shared_cards(session: Session, method_ids: Sequence[str]) -> None:
    """Let nobody else add an attempt to those of these cards that several readers pay with, until this transaction ends; to be
    called before their attempts are counted (RET-6)."""
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
    """How this card refused this invoice the last time; None when it hasn't been asked for it. One that its bank has
    replaced, with another number or date, is another card. One that is gone refuses whatever it is asked for."""
    card = session.get_one(PaymentMethod, payment_method_id)
    if card.gone_at is not None:
        return DeclineKind.HARD
    return session.exec(
        select(col(Attempt.decline_kind))
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(
            Attempt.invoice_id == invoice.id,
            Attempt.state == AttemptState.DECLINED,
            PaymentMethod.fingerprint == card.fingerprint,
            PaymentMethod.exp_year == card.exp_year,
            PaymentMethod.exp_month == card.exp_month,
            sa.or_(col(PaymentMethod.id) != card.id, col(Attempt.intended_at) >= card.saved_at),
        )
        .order_by(col(Attempt.ordinal).desc())
    ).first()


def last_attempt_never_sent(session: Session, invoice: Invoice) -> bool:
    """Whether the last attempt at an invoice grew too old before the acquirer could be asked: its rung is still to be used."""
    last = session.exec(
        select(Attempt.state)
        .where(Attempt.invoice_id == invoice.id, col(Attempt.hosted).is_(False))
        .order_by(col(Attempt.ordinal).desc())
    ).first()
    return last is AttemptState.NOT_SENT
