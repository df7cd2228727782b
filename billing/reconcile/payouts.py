"""Payouts in the daily comparison: against the sum of their list where the acquirer lists it, else against what the account held."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.acquirer.balance_port import PayoutListing
from billing.payments import balance_mirror
from billing.payments.balance_models import BalanceMovement, Payout
from billing.platform.errors import Unavailable
from billing.reconcile.catch_up import ReconcileContext
from billing.reconcile.compare import ComparedSpan
from billing.rules.reconciliation import newly_short

log = logging.getLogger(__name__)
PATIENCE_DAYS = 3
"""How long a payout may lack its row, or its list: the acquirer finishes both within a day or two."""
REFERENCE_WITHIN = timedelta(days=21)
"""How long a payout is asked for the bank's reference: its money takes some days, and the reference up to ten more."""
UNKEPT = """SELECT m.source_ref AS id, m.at, m.acquirer FROM balance_movement m
            LEFT JOIN payout p ON p.ref = m.source_ref AND p.acquirer = m.acquirer
            WHERE m.category = 'payout' AND m.source_ref IS NOT NULL AND p.ref IS NULL
            UNION ALL SELECT ref, at, acquirer FROM payout WHERE listing = 'waiting'"""
"""Payouts of which we have only the movement (without an event), or whose list wasn't finished."""


def unkept(session: Session, acquirer: str) -> list[str]:
    """Payouts still to be kept, of all days: asking may have failed yesterday."""
    return [ref for ref, _, of in session.execute(sa.text(f"{UNKEPT} ORDER BY at")) if of == acquirer]


def keep_all(run: ReconcileContext, refs: Iterable[str], at: datetime) -> int:
    """Keep these payouts; how many were kept. A promise breaks where one stays unkept for some days."""
    kept = 0
    for ref in refs:
        with _apart(ref):
            outcome = balance_mirror.keep_payout(run.database, run.gateway, run.site, ref, at)
            kept += outcome is balance_mirror.PayoutOutcome.KEPT
    return kept


def learn_references(run: ReconcileContext, acquirer: str, at: datetime) -> None:
    """Ask for the bank's references that the acquirer didn't know yet. It learns them up to ten days after the arrival."""
    with run.database.transaction() as session:
        pending = select(Payout.ref).where(
            Payout.acquirer == acquirer,
            col(Payout.reference_is_pending),
            col(Payout.at) > at - REFERENCE_WITHIN,
        )
        refs = list(session.exec(pending.order_by(col(Payout.at))))
    for ref in refs:
        with _apart(ref):
            balance_mirror.learn_reference(run.database, run.gateway, run.site, ref, at)


@contextmanager
def _apart(ref: str) -> Iterator[None]:
    """What is done about one payout. Where it fails the others go on: it is done again each morning."""
    try:
        yield
    except Unavailable as away:
        log.warning("the payout %s can't be asked about now: %s", ref, away)
    except Exception:
        log.exception("the payout %s can't be taken in", ref)


def off(session: Session, acquirer: str, span: ComparedSpan) -> list[tuple[Payout, int]]:
    """Payouts that aren't the sum of their list, with that sum. A list may hold other payouts, which staff requested by hand."""
    inside = func.coalesce(func.sum(BalanceMovement.net), 0)
    in_list = sa.and_(
        col(BalanceMovement.acquirer) == Payout.acquirer,
        col(BalanceMovement.payout_ref) == Payout.ref,
        # `!=` would leave out movements without a source, such as fees
        col(BalanceMovement.source_ref).is_distinct_from(Payout.ref),
    )
    rows = session.exec(
        select(Payout, inside)
        .join(BalanceMovement, in_list, isouter=True)
        .where(_known(acquirer, span), Payout.listing == PayoutListing.LISTED)
        .group_by(col(Payout.acquirer), col(Payout.ref))
    )
    return [(payout, int(total)) for payout, total in rows if payout.amount != total]


def _known(acquirer: str, span: ComparedSpan) -> Any:
    """Payouts of the span, and earlier ones whose row is only as old as the span."""
    return sa.and_(
        col(Payout.acquirer) == acquirer,
        col(Payout.at) < span.end,
        sa.or_(col(Payout.at) >= span.start, col(Payout.seen_at) >= span.start),
    )


def short(session: Session, acquirer: str, span: ComparedSpan) -> list[tuple[Payout, int]]:
    """Payouts without a list that took more than the account held, by the movements up to then; with what it held of them.

    What was missing at an earlier payout isn't reported again: the account may have held it before our books began."""
    rows = session.exec(
        select(Payout)
        .where(_known(acquirer, span), Payout.listing == PayoutListing.NONE)
        .order_by(col(Payout.at), col(Payout.ref))
    ).all()
    found = []
    for payout in rows:
        payout.short = max(0, -_left_after(session, payout))
        session.flush()
        if new := newly_short(payout.short, _known_short(session, payout)):
            found.append((payout, payout.amount - new))
    return found


def _left_after(session: Session, payout: Payout) -> int:
    """What the account held after the payout: all movements up to its second, itself included."""
    moved = select(func.coalesce(func.sum(BalanceMovement.net), 0)).where(
        BalanceMovement.acquirer == payout.acquirer,
        BalanceMovement.currency == payout.currency,
        col(BalanceMovement.at) <= payout.at,
        ~_later_payout(payout),
    )
    return int(session.exec(moved).one())


def _later_payout(payout: Payout) -> Any:
    """Of two payouts in one second, one counts after the other."""
    return sa.and_(
        col(BalanceMovement.category) == "payout",
        col(BalanceMovement.at) == payout.at,
        col(BalanceMovement.source_ref) > payout.ref,
    )


def _known_short(session: Session, payout: Payout) -> int:
    moment = sa.tuple_(sa.literal(payout.at), sa.literal(payout.ref))
    earlier = sa.tuple_(col(Payout.at), col(Payout.ref)) < moment
    known = select(func.coalesce(func.max(Payout.short), 0)).where(
        Payout.acquirer == payout.acquirer, Payout.currency == payout.currency, earlier
    )
    return int(session.exec(known).one())
