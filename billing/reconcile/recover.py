"""Ask each acquirer what happened since a database's last known moment, and take it in: charges, refunds, cards with their
readers, disputes. An adopted database, or a standby that took over, does this before it charges a card."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlmodel import Session, select

from billing.acquirer.answers import Charged, Unknown
from billing.acquirer.balance_port import FoundCharge, FoundRefund
from billing.billing_run.outcome import SettleOutcome, Unattributed, took_money
from billing.billing_run.take_in import take_in
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.models import Attempt, Payment
from billing.platform import bulk, installation
from billing.platform.claims import only_one
from billing.platform.context import TransactionContext
from billing.platform.db_errors import first_line, is_transient
from billing.platform.errors import Unavailable
from billing.platform.logs import discreet
from billing.platform.stop_points import stop_point
from billing.reconcile.catch_up import ReconcileContext, listed, poll_missed_objections, poll_open_disputes
from billing.reconcile.lost_cards import CardFound, take_in_card
from billing.reconcile.lost_refunds import take_in_refund
from billing.refunds import unexplained_charges as unexplained
from billing.rules.money import Money

T = TypeVar("T")
log = logging.getLogger(__name__)


class AskedElsewhere(Unavailable):
    """Another process is asking the acquirer what happened."""

    code = "asked_elsewhere"


@dataclass
class Recovered:
    """What the acquirers knew and the database didn't. Cents."""

    since: datetime
    charges: int = 0
    charged: int = 0
    refunds: int = 0
    refunded: int = 0
    cards: int = 0
    readers: int = 0
    unexplained: int = 0
    kept: int = 0
    """The sum of the unexplained charges, which goes back now."""
    objections: int = 0
    again_at: datetime | None = None
    """When the acquirers are asked once more. Money is held until then, as their lists may lack the latest objects."""

    def lines(self) -> list[str]:
        """In words, with the sums in rand."""
        said = [
            (self.charges, f"{_count(self.charges, 'charge')}, {Money(self.charged)}, taken in"),
            (self.refunds, f"{_count(self.refunds, 'refund')}, {Money(self.refunded)}, taken in"),
            (self.cards, f"{_count(self.cards, 'card')} taken in"),
            (self.objections, f"{_count(self.objections, 'dispute or warning')} taken in"),
            (
                self.readers,
                f"{_count(self.readers, 'reader')} began since, and must begin again: see the cases",
            ),
            (
                self.unexplained,
                f"{_count(self.unexplained, 'charge')}, {Money(self.kept)}, that nothing explains: the money goes back",
            ),
        ]
        return [words for number, words in said if number] or ["nothing that was not known"]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def recover(
    run: ReconcileContext, at: datetime, doing: Callable[[str], None] = lambda _: None
) -> Recovered | None:
    """Ask each acquirer, take in what it answers, and let money go on; None where there is nothing to ask. Right after an
    adoption money goes on only after a second round. Safe to repeat, also after a crash: until it is done, money is held.
    `doing` receives a text before each step. Raises AskedElsewhere, Unavailable."""
    with only_one(run.database, "recover") as here:
        if not here:
            raise AskedElsewhere
        with run.database.begin(run.site, at, run.actor) as ctx:
            _take_over(ctx, run)
            since = installation.asks_since(ctx.session)
        if since is None:
            return None
        return _recover(run, since, at, doing)


def _take_over(ctx: TransactionContext, run: ReconcileContext) -> None:
    """Where a standby took over: adopt it, and open a case."""
    heartbeat = installation.take_over(ctx.session, ctx.at)
    if heartbeat is None:
        return
    run.audit_takeover(ctx)
    last = f"{heartbeat.astimezone(run.site.zone):%-d %B %Y, %H:%M}"
    open_case(
        ctx,
        CaseKind.TOOK_OVER,
        heartbeat.isoformat(),
        f"The database's server failed, and a standby took over. A worker was last heard of in it on {last}. The acquirer is asked what"
        " happened since, and nobody is charged until it has said so. A synchronous standby lacks nothing. In any other, commits from"
        " about then may be missing: a cancellation of those minutes that moved no money must be entered again.",
    )


def _recover(run: ReconcileContext, since: datetime, at: datetime, doing: Callable[[str], None]) -> Recovered:
    found = Recovered(since)
    for of_acquirer in run.each():
        _recover_from(of_acquirer, found, at, doing)
    with run.database.transaction() as session:
        found.again_at = installation.all_known(session, since, at)
    for line in found.lines():
        log.warning("the acquirer was asked what happened since %s: %s", since.isoformat(), line)
    return found


def _recover_from(
    run: ReconcileContext, found: Recovered, at: datetime, doing: Callable[[str], None]
) -> None:
    books, theirs = run.gateway.books, run.gateway.display_name
    span = (found.since, at + installation.SLACK)
    # In this order: a charge looks for its card, and a refund for its payment.
    doing(f"asking {theirs} for cards that were saved")
    for card in listed(books.cards_since(*span)):
        became = _unless_it_breaks(
            run, card.card.method_ref, "card", at, partial(take_in_card, run, card, at)
        )
        found.cards += became is CardFound.IN_USE
        found.readers += became is CardFound.OF_LOST_START
    doing(f"asking {theirs} for charges")
    for charge in _unknown(run, listed(books.charges_since(*span))):
        _charge(run, charge, found, at)
    stop_point("recover.charges_taken_in")
    doing(f"asking {theirs} for refunds")
    for refund in listed(books.refunds_since(*span)):
        take = partial(_refund, run, refund, found, at)
        _unless_it_breaks(run, refund.answer.refund_ref, "refund", at, take)
    doing(f"asking {theirs} for disputes and warnings")
    # where asking fails, the morning's comparison asks again
    missed, _ = poll_missed_objections(run, *span, at)
    found.objections += missed
    poll_open_disputes(run, at)


def _unknown(run: ReconcileContext, charges: list[FoundCharge]) -> list[FoundCharge]:
    """Charges that aren't written down yet. One that may still go through is left to its attempt, where that exists here."""
    refs = [one.outcome.charge_ref for one in charges if isinstance(one.outcome, Charged)]
    named = [one.claim.attempt_id for one in charges]
    with run.database.transaction() as session:
        paid = set(
            session.exec(
                select(Payment.charge_ref).where(
                    Payment.acquirer == run.acquirer, bulk.one_of(Payment.charge_ref, refs)
                )
            )
        )
        attempts = set(session.exec(select(Attempt.id).where(bulk.one_of(Attempt.id, named))))
    return [
        one
        for one in charges
        if (
            one.outcome.charge_ref not in paid
            if isinstance(one.outcome, Charged)
            else one.claim.attempt_id not in attempts
        )
    ]


def _charge(run: ReconcileContext, one: FoundCharge, found: Recovered, at: datetime) -> None:
    outcome = one.outcome
    if isinstance(outcome, Unknown):
        raise Unavailable(f"The acquirer can't say yet what became of a charge: {outcome.reason}")
    try:
        with (
            _lasting_only(f"The charge {outcome.charge_ref}"),
            run.database.begin(run.site, at, run.actor) as ctx,
        ):
            became: SettleOutcome | Unattributed = take_in(ctx, run.acquirer, one.claim, outcome)
    except Unavailable:
        raise
    except Exception:  # the period must not be charged twice, so the money goes back, and a case tells staff
        log.exception("the charge %s can't be taken in", outcome.charge_ref)
        with run.database.begin(run.site, at, run.actor) as ctx:
            unexplained.note(
                ctx, run.acquirer, one.claim, outcome, reason="and it could not be written down here"
            )
        became = Unattributed.UNEXPLAINED
    if became is Unattributed.UNEXPLAINED:
        found.unexplained += 1
        found.kept += outcome.amount - outcome.returned
    elif took_money(became):
        found.charges += 1
        found.charged += outcome.amount


@contextmanager
def _lasting_only(what: str) -> Iterator[None]:
    """Raise Unavailable in place of a transient error, which may pass by the next time; others pass through."""
    try:
        yield
    except Exception as error:
        if is_transient(error):
            raise Unavailable(f"{what} can't be taken in now: {first_line(error)}.") from error
        raise


def _unless_it_breaks(
    run: ReconcileContext, ref: str, kind: str, at: datetime, take: Callable[[], T]
) -> T | None:
    """Take one thing in. A lasting failure opens a case, and holds up neither the others nor money. Raises Unavailable for a
    transient one."""
    try:
        with _lasting_only(f"The {kind} {ref}"):
            return take()
    except Unavailable:
        raise
    except Exception as error:
        log.exception("the %s %s can't be taken in", kind, ref)
        with run.database.begin(run.site, at, run.actor) as ctx:
            open_case(
                ctx,
                CaseKind.NOT_TAKEN_IN,
                ref,
                f"{run.gateway.display_name} knows of a {kind} that isn't in this database, and it could not be written down:"
                f" {discreet(first_line(error))}. Charges and refunds go on without it. See there whose it is, and see to it by hand.",
                facts={f"{kind} at {run.gateway.display_name}": ref},
            )
        return None


def _refund(run: ReconcileContext, refund: FoundRefund, found: Recovered, at: datetime) -> None:
    with run.database.begin(run.site, at, run.actor) as ctx:
        if take_in_refund(ctx, run, refund):
            found.refunds += 1
            found.refunded += refund.amount


def recover_due(run: ReconcileContext, at: datetime) -> int:
    """Recover, for the worker: what fails is tried again later. 1 where something was done, else 0."""
    try:
        return 1 if recover(run, at) is not None else 0
    except AskedElsewhere:  # the other process schedules the next try
        return 0
    except Exception as problem:
        if not isinstance(problem, Unavailable):
            log.exception("what the acquirer says can't be taken in; money is held, and it is tried again")
        else:
            log.warning("the acquirer can't be asked what happened; money is held: %s", problem)
        with run.database.transaction() as session:
            installation.ask_again(session, at)
        return 1


def next_words(_: Session) -> str:
    """The job in words, for people."""
    return "the acquirer is asked what happened since the last known moment"
