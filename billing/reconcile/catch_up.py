"""Before a difference is reported: ask the acquirer once more about it. An event may be lost or late."""

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
from billing.payments.dispute_models import Dispute
from billing.platform import bulk
from billing.platform.actors import Acquirer
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.refunds import refund, unexplained_charges
from billing.rules.reconciliation import Discrepancy, Pair, Thing

T = TypeVar("T")
log = logging.getLogger(__name__)
A_MONTH = timedelta(days=31)
MOST = 100
"""The most calls of one comparison: when everything differs, more is wrong than lost events."""


@dataclass(frozen=True)
class ReconcileContext:
    """What a comparison works with. `gateway`: the acquirer whose books are compared now."""

    database: Database
    acquirers: Acquirers
    gateway: Gateway
    site: Site
    audit_takeover: Callable[[TransactionContext], None] = lambda *_: None
    """Writes to the audit trail that this database took over."""

    def each(self) -> list[Self]:
        """One context for each acquirer."""
        return [replace(self, gateway=gateway) for gateway in self.acquirers]

    @property
    def acquirer(self) -> str:
        """The name of the acquirer whose books are compared."""
        return self.gateway.name

    @property
    def actor(self) -> Acquirer:
        """That acquirer, as the actor of what its answers change."""
        return Acquirer(self.gateway.name)


Poll = tuple[str, Callable[[], None]]
"""The acquirer's reference of a thing, and the function that asks about it."""
Unanswered = list[tuple[str, str]]
"""References of things for which asking failed, each with the reason."""


def catch_up(run: ReconcileContext, differing: list[Pair], at: datetime) -> None:
    """Settle what we have missed about these things. Where asking fails, the thing still differs, and the others go on.

    Raises Unavailable when all fail because the acquirer is away."""
    _poll_each(run, [(pair.ref, partial(_poll, run, pair, at)) for pair in differing[:MOST]])


def poll_open_disputes(run: ReconcileContext, at: datetime) -> Unanswered:
    """Ask about disputes that are undecided in our books. A decision against us moves no money, so no movement shows it.

    Raises Unavailable when all fail because the acquirer is away."""
    with run.database.transaction() as session:
        refs = session.exec(
            select(Dispute.gateway_ref)
            .where(Dispute.acquirer == run.acquirer, col(Dispute.decided_at).is_(None))
            .order_by(col(Dispute.answer_by))
            .limit(MOST)
        ).all()
    return _poll_each(run, [(ref, partial(_dispute, run, ref, at)) for ref in refs])


def poll_missed_objections(
    run: ReconcileContext, since: datetime, until: datetime, at: datetime
) -> tuple[int, Unanswered]:
    """Ask about disputes and fraud warnings of a span whose webhook is missing: how many were settled, and which failed. An
    inquiry and a warning move no money, so no movement shows them. There is no limit: each is a fact, not a difference.

    Raises Unavailable when they can't be listed, or all fail because the acquirer is away."""
    objections = listed(run.gateway.books.disputes_since(since, until))
    warned = listed(run.gateway.books.warnings_since(since, until))
    with run.database.transaction() as session:
        known = _disputes_known(session, run.acquirer, objections)
        with_case = _with_case(session, CaseKind.FRAUD_WARNING, warned)
    polls: list[Poll] = [(ref, partial(_dispute, run, ref, at)) for ref in objections if ref not in known]
    polls += [(ref, partial(_warning, run, ref, at)) for ref in warned if ref not in with_case]
    unanswered = _poll_each(run, polls)
    return len(polls) - len(unanswered), unanswered


def poll_cards_that_end(run: ReconcileContext, at: datetime) -> Unanswered:
    """Fetch the cards that end within a month, where the acquirer reports no card that its network replaced. Returns those without
    an answer.

    Raises Unavailable when none has one, because the acquirer is away."""
    if run.gateway.capabilities.card_updates:
        return []
    with run.database.transaction() as session:
        refs = saved_cards.ending_before(session, run.acquirer, run.site.today(at + A_MONTH))
    return _poll_each(run, [(ref, partial(_card, run, ref, at)) for ref in refs])


def listed(answer: list[T] | Unknown) -> list[T]:
    """The acquirer's list. Raises Unavailable where the answer is uncertain."""
    if isinstance(answer, Unknown):
        raise Unavailable(answer.reason)
    return answer


def _disputes_known(session: Session, acquirer: str, refs: list[str]) -> set[str]:
    among = select(Dispute.gateway_ref).where(
        Dispute.acquirer == acquirer, bulk.one_of(Dispute.gateway_ref, refs)
    )
    return {*session.exec(among), *_with_case(session, CaseKind.UNKNOWN_DISPUTE, refs)}


def _with_case(session: Session, kind: CaseKind, refs: list[str]) -> set[str]:
    """Those that have, or had, a case."""
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


def _poll_each(run: ReconcileContext, polls: Sequence[Poll]) -> Unanswered:
    """Ask about each, and a second time where that fails. A thing without an answer, or with one that we can't read, must not
    keep the others from being compared.

    Raises Unavailable when all fail and the acquirer is away: a later comparison asks again."""
    failed = _failing([poll for poll, _ in _failing(polls)])
    # `answers` returns the trouble: None means that the acquirer can be asked
    if polls and len(failed) == len(polls) and run.gateway.answers() is not None:
        raise Unavailable(f"{run.gateway.display_name} can't be asked about what the books differ in.")
    return [(ref, reason) for (ref, _), reason in failed]


def _failing(polls: Sequence[Poll]) -> list[tuple[Poll, str]]:
    """Make the calls; those that failed, each with its reason."""
    failed = []
    for ref, call in polls:
        try:
            call()
        except Unavailable as away:
            log.warning("%s, about which the books differ, can't be asked about now: %s", ref, away)
            failed.append(((ref, call), str(away)))
        except Exception as error:
            log.exception("%s, about which the books differ, can't be asked about", ref)
            failed.append(((ref, call), f"{type(error).__name__}: {error}"))
    return failed


def _poll(run: ReconcileContext, pair: Pair, at: datetime) -> None:
    if pair.ours is not None:
        _keep_movements(run, pair.ref, at)
    if pair.verdict is Discrepancy.MISSING:
        return
    if pair.thing is Thing.CHARGE:
        _charge(run, pair.ref, at)
    elif pair.thing is Thing.REFUND:
        _refund(run, pair.ref, at)
    else:
        _dispute(run, pair.ref, at)


def _dispute(run: ReconcileContext, dispute_ref: str, at: datetime) -> None:
    outcome = disputes.settle_dispute(run.database, run.gateway, run.site, dispute_ref, at)
    if outcome is disputes.Unresolved.ABSENT:
        raise Unavailable(f"{run.gateway.display_name} has no such dispute.")


def _warning(run: ReconcileContext, warning_ref: str, at: datetime) -> None:
    outcome = warnings.settle_warning(run.database, run.gateway, run.site, warning_ref, at)
    if outcome is warnings.WarningOutcome.ABSENT:
        raise Unavailable(f"{run.gateway.display_name} has no such warning.")


def _keep_movements(run: ReconcileContext, ref: str, at: datetime) -> None:
    """Keep all movements of a thing: one may be dated after the span, even today."""
    found = run.gateway.books.movements_of(ref)
    if isinstance(found, Unknown):
        raise Unavailable(found.reason)
    if found:
        with run.database.begin(run.site, at, run.actor) as ctx:
            balance_mirror.keep_movements(ctx, run.acquirer, found)


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
        ours = refund.find_own(ctx.session, run.acquirer, refund_id, refund_ref)
        if ours is not None:
            refund.settle(ctx, ours, answer)
        else:
            unexplained_charges.record_refund(ctx, run.acquirer, refund_ref, answer)
