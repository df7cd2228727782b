"""Settle stored events: each is a hint, and what it hints at is fetched. Late, repeated and out of order is the normal case."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.acquirer.balance_port import Books
from billing.acquirer.port import CardGone, Gateway, NoSuchObject, Unknown
from billing.billing_run import pay_in_person
from billing.billing_run.outcome import PageOutcome, SettleOutcome, Unattributed
from billing.billing_run.take_in import take_in
from billing.cards import card_setup, saved_cards
from billing.disputes import settle as disputes
from billing.disputes import warn
from billing.payments import balance_mirror, payment_page
from billing.payments.models import Attempt, AttemptState, CardSetup, SetupState
from billing.platform import bulk
from billing.platform.actors import ACQUIRER
from billing.platform.claims import claimer, in_nobodys_hands, take
from billing.platform.db import Database, first_line, is_transient
from billing.platform.errors import Unavailable
from billing.platform.logs import discreet
from billing.platform.monotonic import Monotonic
from billing.platform.site import Office
from billing.platform.stop_points import stop_point
from billing.refunds import refund, unexplained_charges
from billing.rules.absence import LISTED_WITHIN
from billing.rules.backoff import again_at
from billing.webhooks.inbox import WAITING
from billing.webhooks.models import InboundEvent

SUCCEEDED = "payment_intent.succeeded"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What settling works with."""

    database: Database
    gateway: Gateway
    office: Office
    books: Books
    monotonic: Monotonic
    most_failures: int
    """After so many an event is set aside."""
    moment_seconds: float = 2.0
    """How long an event about a charge that somebody is making waits for that call's own answer."""
    gives_way: dict[str, float] = field(default_factory=dict)
    """Which events this process lets wait so, and since when by the monotonic clock."""


def settle_due(desk: Desk, at: datetime, *, only: str | None = None) -> int:
    """Settle the events that are due, or `only` one; how many were looked at. One that can't be settled waits and doesn't
    hold up others."""
    done = 0
    with claimer(desk.database) as me:
        left = set[str]()
        while looked := _claim(desk, me, at, only, left):
            for event in looked.claimed:
                _settle(desk, event, at)
            done += looked.known + len(looked.claimed)
    return done


class _Looked(NamedTuple):
    known: int
    claimed: list[InboundEvent]


def _claim(desk: Desk, me: int, at: datetime, only: str | None, left: set[str]) -> _Looked | None:
    """The next events; None when there are no more. Those that tell us what we have written down already are settled with that,
    and not claimed. Those about a charge that somebody is making are `left` for a moment: its answer is about to come."""
    with desk.database.transaction() as session:
        rows = session.exec(
            select(InboundEvent)
            .where(
                *WAITING,
                *([InboundEvent.id == only] if only else []),
                InboundEvent.try_at <= at,
                in_nobodys_hands(InboundEvent.claimed_by),
                ~bulk.one_of(InboundEvent.id, left),
            )
            .order_by(col(InboundEvent.try_at), col(InboundEvent.created_at))
            .limit(50)
            .with_for_update(skip_locked=True)
        ).all()
        charged = _written_down(session, rows)
        known = [row.id for row in rows if row.type == SUCCEEDED and row.object_ref in charged]
        if known:
            session.execute(_KNOWN, {"ids": known, "at": at})
        news = [row for row in rows if row.id not in known]
        waiting = _give_way(desk, session, news) if only is None else set()
        left |= waiting
        claimed = [row for row in news if row.id not in waiting]
        take(session, InboundEvent, [row.id for row in claimed], me)
        return _Looked(len(known), claimed) if rows else None


_KNOWN = sa.text(
    "UPDATE inbound_event SET settled_at = :at, outcome = 'settled', last_error = NULL, claimed_by = NULL, tries = tries + 1"
    " WHERE id = ANY(:ids)"
)


def _give_way(desk: Desk, session: Session, events: Sequence[InboundEvent]) -> set[str]:
    """Of these, the ones about an attempt in a living worker's hands: the answer comes within a moment, mostly, and asking
    Stripe meanwhile would be for nothing. After that moment whoever comes first settles it."""
    named = {event.id: _named(event) for event in events}
    under_way = select(Attempt.id).where(
        bulk.one_of(Attempt.id, {ref for ref in named.values() if ref}),
        Attempt.state == AttemptState.OPEN,
        ~in_nobodys_hands(Attempt.claimed_by),
    )
    attempts = set(session.exec(under_way)) if any(named.values()) else set()
    now, gave_way = desk.monotonic.seconds(), desk.gives_way
    for one in [one for one, first in gave_way.items() if now - first > 30 * desk.moment_seconds]:
        del gave_way[one]
    waiting = [one for one, ref in named.items() if ref in attempts]
    return {one for one in waiting if now - gave_way.setdefault(one, now) < desk.moment_seconds}


def _named(event: InboundEvent) -> str | None:
    """The attempt that an event's object says it is about."""
    told = event.payload["data"]["object"].get("metadata")
    ref = told.get("attempt") if isinstance(told, dict) else None
    return ref if isinstance(ref, str) else None


def _written_down(session: Session, events: Sequence[InboundEvent]) -> set[str | None]:
    """Of the intents that went through by these events, those whose charge is written down: nearly all, because the answer to
    our own call comes first. That is final, so there is nothing to fetch."""
    refs = {event.object_ref for event in events if event.type == SUCCEEDED}
    charged = select(Attempt.intent_ref).where(
        bulk.one_of(Attempt.intent_ref, refs), Attempt.state == AttemptState.CHARGED
    )
    return set(session.exec(charged)) if refs else set()


def _settle(desk: Desk, event: InboundEvent, at: datetime) -> None:
    outcome, problem, ours = None, None, False
    try:
        handle = HANDLERS.get(event.type)
        outcome = handle(desk, event, at) if handle and event.object_ref else "not for us"
        stop_point("event.settled")
    except Exception as error:
        if isinstance(error, Unavailable) or is_transient(error):  # no fault of the event, or of ours
            problem = first_line(error)[:500]
            log.warning("event %s (%s) waits: %s", event.id, event.type, problem)
        else:
            log.exception("event %s (%s) can't be settled yet", event.id, event.type)
            ours = True
            problem = discreet(f"{type(error).__name__}: {first_line(error)}"[:500])
    with desk.database.transaction() as session:
        row = session.get_one(InboundEvent, event.id, with_for_update=True)
        row.claimed_by = None
        row.tries += 1
        if problem is None:
            row.settled_at, row.outcome, row.last_error = at, outcome, None
        else:
            _put_off(row, problem, at, ours=ours, most_failures=desk.most_failures)
        session.add(row)


def _put_off(row: InboundEvent, problem: str, at: datetime, *, ours: bool, most_failures: int) -> None:
    """Try again later; or set it aside for a person, when it has broken us often enough."""
    row.last_error = problem
    row.try_at = again_at(row.tries, at)
    row.failures += ours
    if row.failures >= most_failures:
        row.set_aside_at = at
        log.error("event %s (%s) is set aside: it broke us %d times", row.id, row.type, row.failures)


def _absent(event: InboundEvent, at: datetime, word: str) -> str:
    """The word for an object that Stripe doesn't have: another account's, or one that was removed. Minutes after its event it may be
    there all the same, so that isn't believed at once. Raises Unavailable."""
    if at - event.received_at < LISTED_WITHIN:
        raise Unavailable("Stripe has no such object, of which it told us just now.")
    return word


def charge_changed(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A charge went through or didn't: the attempt is settled from the intent as it is now."""
    claim, outcome = desk.gateway.fetch_charge(event.object_ref)
    if isinstance(outcome, Unknown):
        raise Unavailable(outcome.why)
    if isinstance(outcome, NoSuchObject):
        return _absent(event, at, "no such charge")
    if claim is None:  # another installation's, on the same account
        return Unattributed.NOT_OURS
    with desk.database.transaction() as session:
        return take_in(session, desk.office, claim, outcome, at, by=ACQUIRER)


def card_page_changed(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A card page was completed or ran out: the visit is finished, if the reader's own return hasn't done it."""
    setup_id = _visit(desk.database, event)
    if setup_id is None:
        return _pay_page_changed(desk, event, at)
    found = card_setup.finish(
        desk.database, desk.gateway, desk.office, setup_id, at, by=ACQUIRER, session_ref=event.object_ref
    )
    if found.state is SetupState.OPEN:
        raise Unavailable("Stripe told us of this page, and doesn't say yet how it ended.")
    return found.state


def _pay_page_changed(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A page on which an invoice is paid: its attempt is settled from what the page has become."""
    with desk.database.transaction() as session:
        attempt_id = payment_page.by_ref(session, event.object_ref)
        named = _named(event)
        if attempt_id is None and named and session.get(Attempt, named):
            attempt_id = named
    if attempt_id is None:
        return "not our page"
    word = pay_in_person.look(
        desk.database, desk.gateway, desk.office, attempt_id, event.object_ref, at, by=ACQUIRER
    )
    if word is SettleOutcome.UNKNOWN:
        raise Unavailable("What became of the page can't be told yet.")
    return _absent(event, at, word) if word is PageOutcome.ABSENT else word


def _visit(database: Database, event: InboundEvent) -> str | None:
    """By the page's reference; or, when we crashed before noting that, by the id we gave the page."""
    with database.transaction() as session:
        known = session.exec(select(CardSetup.id).where(CardSetup.session_ref == event.object_ref)).first()
        if known is not None:
            return known
        named = (event.payload["data"]["object"].get("metadata") or {}).get("setup")
        return named if named and session.get(CardSetup, named) else None


def refund_changed(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A refund moved on: pending ones end here."""
    refund_id, answer = desk.gateway.fetch_refund(event.object_ref)
    if isinstance(answer, Unknown):
        raise Unavailable(answer.why)
    if isinstance(answer, NoSuchObject):
        return _absent(event, at, "no such refund")
    with desk.database.transaction() as session:
        ours = refund.known(session, refund_id, event.object_ref)
        if ours is not None:
            refund.settle(session, desk.office, ours, answer, at)
        elif not unexplained_charges.heard(session, event.object_ref, answer, at):
            return "not our refund"
    return answer.state


def card_changed(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """The network replaced a card in place (STR-12): its row follows, and a payment that waits for it is tried. Or it was
    removed: its reader is asked for another."""
    card = desk.gateway.fetch_card(event.object_ref)
    if isinstance(card, Unknown):
        raise Unavailable(card.why)
    if isinstance(card, NoSuchObject):
        _absent(event, at, "no such card")
    with desk.database.transaction() as session:
        if isinstance(card, CardGone | NoSuchObject):
            ours = saved_cards.removed(session, desk.office, [event.object_ref], at)
            return "card removed" if ours else "not our card"
        ours = saved_cards.renewed(session, desk.office, card, at)
        return "card refreshed" if ours else "not our card"


def customer_deleted(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A customer was deleted, and all its cards with it. Whether Stripe tells of each card is promised nowhere."""
    found = desk.gateway.fetch_customer(event.object_ref)
    if isinstance(found, Unknown):
        raise Unavailable(found.why)
    if found is None:
        return "still there"
    with desk.database.transaction() as session:
        refs = saved_cards.of_customer(session, event.object_ref)
        return "cards removed" if saved_cards.removed(session, desk.office, refs, at) else "not our customer"


def dispute_changed(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A bank takes a charge back, or asks, or has decided."""
    word = disputes.settle(desk.database, desk.gateway, desk.books, desk.office, event.object_ref, at)
    return _absent(event, at, word) if word is disputes.Unresolved.ABSENT else word


def fraud_warned(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A card's issuer calls a charge fraudulent."""
    word = warn.settle(desk.database, desk.gateway, desk.books, desk.office, event.object_ref, at)
    return _absent(event, at, word) if word is warn.WarningOutcome.ABSENT else word


def paid_out(desk: Desk, event: InboundEvent, at: datetime) -> str:
    """A payout can be itemised now (STR-11)."""
    word = balance_mirror.keep_payout(desk.database, desk.books, desk.office, event.object_ref, at)
    return _absent(event, at, word) if word is balance_mirror.PayoutOutcome.ABSENT else word


HANDLERS: dict[str, Callable[[Desk, InboundEvent, datetime], str]] = {
    SUCCEEDED: charge_changed,
    "payment_intent.payment_failed": charge_changed,
    "checkout.session.completed": card_page_changed,
    "checkout.session.expired": card_page_changed,
    "refund.created": refund_changed,
    "refund.updated": refund_changed,
    "refund.failed": refund_changed,
    "charge.dispute.created": dispute_changed,
    "charge.dispute.updated": dispute_changed,
    "charge.dispute.funds_withdrawn": dispute_changed,
    "charge.dispute.funds_reinstated": dispute_changed,
    "charge.dispute.closed": dispute_changed,
    "radar.early_fraud_warning.created": fraud_warned,
    "payout.reconciliation_completed": paid_out,
    "payment_method.updated": card_changed,
    "payment_method.automatically_updated": card_changed,
    "payment_method.detached": card_changed,
    "customer.deleted": customer_deleted,
}
