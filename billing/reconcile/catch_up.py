"""Before two books are said to differ: ask the acquirer once more about what they differ in. An event may be lost or late."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Self, TypeVar

from sqlmodel import Session, col, select

from billing.acquirer.answers import CardGone, NoSuchObject, RefundAnswer, Unknown
from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.cards import saved_cards
from billing.cases.models import Case, CaseKind
from billing.disputes import settle as disputes
from billing.disputes import warn as warnings
from billing.payments import balance_mirror
from billing.payments.balance_models import BalanceMovement
from billing.payments.dispute_models import Dispute
from billing.platform import bulk
from billing.platform.actors import Acquirer
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.refunds import refund, unexplained_charges
from billing.rules.reconciliation import MOVED_BY, Discrepancy, Pair, Thing

T = TypeVar("T")
log = logging.getLogger(__name__)
A_MONTH = timedelta(days=31)
MOST = 100
"""Calls that one comparison makes for this: when everything differs, something else is wrong than events."""


@dataclass(frozen=True)
class ReconcileContext:
    """What comparing works with. `gateway`: the acquirer whose books are compared now."""

    database: Database
    acquirers: Acquirers
    gateway: Gateway
    site: Site
    audit_takeover: Callable[[TransactionContext], None] = lambda *_: None
    """Writes down among the acts of staff and programs that this database took over."""

    def each(self) -> list[Self]:
        """For each acquirer in its turn."""
        return [replace(self, gateway=gateway) for gateway in self.acquirers]

    @property
    def acquirer(self) -> str:
        """Its name."""
        return self.gateway.name

    @property
    def actor(self) -> Acquirer:
        """Who says what is taken in."""
        return Acquirer(self.gateway.name)


Asking = tuple[str, Callable[[], None]]
"""The reference of a thing at the acquirer, and what asks about it."""
Unasked = list[tuple[str, str]]
"""References of what couldn't be asked about, each with why."""


def catch_up(run: ReconcileContext, differing: list[Pair], at: datetime) -> None:
    """Settle what we have missed about these things. One that can't be asked about holds up no other, and still differs.

    Raises Unavailable when none can, because the acquirer is away."""
    _each(run, [(pair.ref, partial(_ask_about, run, pair, at)) for pair in differing[:MOST]])


def ask_about_open(run: ReconcileContext, at: datetime) -> Unasked:
    """Disputes that aren't decided by our books: a decision against us moves no money, so no movement tells of it. Which of them
    couldn't be asked about.

    Raises Unavailable when none can, because the acquirer is away."""
    with run.database.transaction() as session:
        refs = session.exec(
            select(Dispute.gateway_ref)
            .where(Dispute.acquirer == run.acquirer, col(Dispute.decided_at).is_(None))
            .order_by(col(Dispute.answer_by))
            .limit(MOST)
        ).all()
    return _each(run, [(ref, partial(_dispute, run, ref, at)) for ref in refs])


def ask_about_unheard(
    run: ReconcileContext, since: datetime, until: datetime, at: datetime
) -> tuple[int, Unasked]:
    """What banks and issuers objected to in a span and we never heard of: how many, and which couldn't be asked about. An
    inquiry and a warning move no money, so no movement tells of them. Each is a fact, so all are asked about, however many.

    Raises Unavailable when they can't be listed, or none can be asked about, because the acquirer is away."""
    objections = listed(run.gateway.books.disputes_since(since, until))
    warned = listed(run.gateway.books.warnings_since(since, until))
    with run.database.transaction() as session:
        known = _disputes_known(session, run.acquirer, objections)
        told = _about(session, CaseKind.FRAUD_WARNING, warned)
    asking: list[Asking] = [(ref, partial(_dispute, run, ref, at)) for ref in objections if ref not in known]
    asking += [(ref, partial(_warning, run, ref, at)) for ref in warned if ref not in told]
    unasked = _each(run, asking)
    return len(asking) - len(unasked), unasked


def ask_about_unpresented(run: ReconcileContext, at: datetime) -> Unasked:
    """Movements that were converted, and of which isn't known what the reader paid: an earlier release kept no more of them.
    The oldest first, so many a morning; which couldn't be asked about.

    Raises Unavailable when none can, because the acquirer is away."""
    with run.database.transaction() as session:
        refs = session.exec(
            select(BalanceMovement.source_ref)
            .where(
                BalanceMovement.acquirer == run.acquirer,
                col(BalanceMovement.exchange_rate).is_not(None),
                col(BalanceMovement.presented_amount).is_(None),
                col(BalanceMovement.source_ref).is_not(None),
                col(BalanceMovement.category).in_(MOVED_BY),
            )
            .order_by(col(BalanceMovement.at), col(BalanceMovement.ref))
            .limit(MOST)
        ).all()
    wanted = [ref for ref in dict.fromkeys(refs) if ref is not None]
    return _each(run, [(ref, partial(_look_for_movements, run, ref, at)) for ref in wanted])


def ask_about_cards(run: ReconcileContext, at: datetime) -> Unasked:
    """Cards that end within a month, where the acquirer doesn't say that a network has replaced one. Which couldn't be asked about.

    Raises Unavailable when none can, because the acquirer is away."""
    if run.gateway.capabilities.card_updates:
        return []
    with run.database.transaction() as session:
        refs = saved_cards.ending_before(session, run.acquirer, run.site.today(at + A_MONTH))
    return _each(run, [(ref, partial(_card, run, ref, at)) for ref in refs])


def listed(answer: list[T] | Unknown) -> list[T]:
    """What the acquirer listed. Raises Unavailable where it listed nothing for certain."""
    if isinstance(answer, Unknown):
        raise Unavailable(answer.reason)
    return answer


def _disputes_known(session: Session, acquirer: str, refs: list[str]) -> set[str]:
    among = select(Dispute.gateway_ref).where(
        Dispute.acquirer == acquirer, bulk.one_of(Dispute.gateway_ref, refs)
    )
    return {*session.exec(among), *_about(session, CaseKind.UNKNOWN_DISPUTE, refs)}


def _about(session: Session, kind: CaseKind, refs: list[str]) -> set[str]:
    """Of which of these there is, or was, a case."""
    return set(session.exec(select(Case.subject).where(Case.kind == kind, bulk.one_of(Case.subject, refs))))


def _card(run: ReconcileContext, ref: str, at: datetime) -> None:
    card = run.gateway.fetch_card(ref)
    if isinstance(card, Unknown | NoSuchObject):
        raise Unavailable(card.reason)
    with run.database.begin(run.site, at, run.actor) as ctx:
        if isinstance(card, CardGone):
            saved_cards.removed(ctx, run.acquirer, [ref])
        else:
            saved_cards.renewed(ctx, run.acquirer, card)


def _each(run: ReconcileContext, asking: Sequence[Asking]) -> Unasked:
    """Ask about each; what fails, once more at the end. What couldn't be asked about: a thing for which the acquirer has no answer, or
    one of which we can't make sense, must not keep all others from being compared for good.

    Raises Unavailable when none could and the acquirer is away: then it is for another time."""
    failed = _tried([one for one, _ in _tried(asking)])
    if asking and len(failed) == len(asking) and run.gateway.answers() is not None:
        raise Unavailable(f"{run.gateway.display_name} can't be asked about what the books differ in.")
    return [(ref, reason) for (ref, _), reason in failed]


def _tried(asking: Sequence[Asking]) -> list[tuple[Asking, str]]:
    """Those that failed, each with why."""
    failed = []
    for ref, ask in asking:
        try:
            ask()
        except Unavailable as away:
            log.warning("%s, about which the books differ, can't be asked about now: %s", ref, away)
            failed.append(((ref, ask), str(away)))
        except Exception as error:
            log.exception("%s, about which the books differ, can't be asked about", ref)
            failed.append(((ref, ask), f"{type(error).__name__}: {error}"))
    return failed


def _ask_about(run: ReconcileContext, pair: Pair, at: datetime) -> None:
    if pair.ours is not None:
        _look_for_movements(run, pair.ref, at)
    if pair.verdict is Discrepancy.MISSING:
        return
    if pair.thing is Thing.CHARGE:
        _charge(run, pair.ref, at)
    elif pair.thing is Thing.REFUND:
        _refund(run, pair.ref, at)
    else:
        _dispute(run, pair.ref, at)


def _dispute(run: ReconcileContext, dispute_ref: str, at: datetime) -> None:
    outcome = disputes.settle(run.database, run.gateway, run.site, dispute_ref, at)
    if outcome is disputes.Unresolved.ABSENT:
        raise Unavailable(f"{run.gateway.display_name} has no such dispute.")


def _warning(run: ReconcileContext, warning_ref: str, at: datetime) -> None:
    outcome = warnings.settle(run.database, run.gateway, run.site, warning_ref, at)
    if outcome is warnings.WarningOutcome.ABSENT:
        raise Unavailable(f"{run.gateway.display_name} has no such warning.")


def _look_for_movements(run: ReconcileContext, ref: str, at: datetime) -> None:
    """A movement may be dated after the span: a moment after the thing itself, or today, when we know of it already."""
    found = run.gateway.books.movements_of(ref)
    if isinstance(found, Unknown):
        raise Unavailable(found.reason)
    if found:
        with run.database.begin(run.site, at, run.actor) as ctx:
            balance_mirror.keep(ctx, run.acquirer, found)


def _charge(run: ReconcileContext, charge_ref: str, at: datetime) -> None:
    charge = run.gateway.books.charge(charge_ref)
    if isinstance(charge, NoSuchObject | Unknown):
        raise Unavailable(charge.reason)
    if charge.claim is not None:
        disputes.write_down_charge(run.database, run.gateway, run.site, charge_ref, charge.intent_ref, at)


def _refund(run: ReconcileContext, refund_ref: str, at: datetime) -> None:
    refund_id, answer = run.gateway.fetch_refund(refund_ref)
    if not isinstance(answer, RefundAnswer):
        raise Unavailable(answer.reason)
    with run.database.begin(run.site, at, run.actor) as ctx:
        ours = refund.known(ctx.session, run.acquirer, refund_id, refund_ref)
        if ours is not None:
            refund.settle(ctx, ours, answer)
        else:
            unexplained_charges.heard(ctx, run.acquirer, refund_ref, answer)
