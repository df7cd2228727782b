"""Bring attempts to their end, any number at once. The gateway's answer, the webhook and the janitor are three callers of one
`settle`; whoever comes first settles, the others change nothing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from billing.acquirer.answers import Charged, Declined, NotTaken, Outcome, Unknown
from billing.billing_run.handle_decline import abandon_invoice, record_decline
from billing.billing_run.not_taken import close_case, not_taken
from billing.billing_run.outcome import SettleOutcome
from billing.cards.saved_cards import keep_card, on_subscription
from billing.notices.payment import receipts
from billing.notices.refunds import late_charge_returned
from billing.payments.charge import NotSent
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, Payment
from billing.payments.record_payment import RecordedPayment, record_payments
from billing.platform import bulk
from billing.platform.actors import WORKER, ActorKind
from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound
from billing.platform.logs import log_event
from billing.platform.stop_points import reached
from billing.refunds import refund
from billing.rules import backoff, periods
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import Change, change_all, lock_all, mark
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription, SubscriptionChange
from billing.subscriptions.move_charge import move_charge
from billing.subscriptions.patch import SubscriptionPatch

TWICE = "This invoice had been paid already, so this second payment is returned in full."
RACED = "You cancelled before this charge was made, so it is returned in full."
GIVEN_AWAY = (
    "This period was given to you after an outage of ours, so this payment for it is returned in full."
)
STOPPED = "Your subscription had been stopped before this charge was made, so it is returned in full."
NEVER_SENT = "the charge was never sent, as the acquirer could not be asked in time; it is decided again"


class UnknownAttempt(NotFound):
    """There is no such attempt."""

    code = "unknown_attempt"


Answer = tuple[str, Outcome | NotSent]
"""An attempt's id, and what became of it."""


def settle(
    ctx: TransactionContext, attempt_id: str, outcome: Outcome | NotSent, *, again: bool = False
) -> SettleOutcome:
    """Write down what became of one attempt; as `settle_all`, and raises UnknownAttempt."""
    return settle_all(ctx, [(attempt_id, outcome)], again=again)[0]


def settle_all(
    ctx: TransactionContext, answers: Sequence[Answer], *, again: bool = False
) -> list[SettleOutcome]:
    """Write down what became of each attempt, and everything that follows from it, in this transaction. Safe to repeat.
    `again`: it had been written down before, in a database that was lost, so the receipt may be the reader's second one.

    Raises UnknownAttempt."""
    cases = _lock(ctx.session, answers)
    left = cases
    while left:  # two attempts of one subscription are settled one after the other
        now, left = _one_each(left)
        if left:
            reached("settle: two attempts of one subscription at once")
        _settle(ctx, now, again)
    for case in cases:
        if case.word is not SettleOutcome.SETTLED:
            log_event(
                ctx.session,
                f"charge {case.word}",
                attempt=case.attempt.id,
                invoice=case.attempt.invoice_id,
                cents=case.attempt.amount,
                intent=case.attempt.intent_ref,
                by=ctx.actor,
            )
    return [case.word for case in cases]


@dataclass(eq=False, slots=True)
class _Case:
    """An answer with the rows it is about, all of them locked; `word` says in the end what became of it: until then nothing is settled."""

    subscription: Subscription
    attempt: Attempt
    invoice: Invoice
    outcome: Outcome | NotSent
    word: SettleOutcome = SettleOutcome.UNKNOWN

    @property
    def wanted(self) -> bool:
        """Whether the subscription goes on: nobody has cancelled it, and it hasn't ended."""
        return self.subscription.state is not State.ENDED and self.subscription.cancel_asked_at is None


def _lock(session: Session, answers: Sequence[Answer]) -> list[_Case]:
    """The subscriptions first, then the attempts, each in the order of their ids: so nobody who does the same can wait for us
    while we wait for them."""
    wanted = [attempt_id for attempt_id, _ in answers]
    of = select(Attempt.id, Attempt.subscription_id).where(bulk.one_of(Attempt.id, wanted))
    found = dict(session.exec(of).all())
    if len(found) < len(set(wanted)):
        raise UnknownAttempt
    subscriptions = lock_all(session, set(found.values()))
    rows = session.exec(
        select(Attempt, Invoice)
        .join(Invoice, col(Invoice.id) == Attempt.invoice_id)
        .where(bulk.one_of(Attempt.id, wanted))
        .order_by(col(Attempt.id))
        .with_for_update(of=Attempt)
        .execution_options(populate_existing=True)
    )
    attempts = {attempt.id: (attempt, invoice) for attempt, invoice in rows}
    return [
        _Case(subscriptions[found[attempt_id]], *attempts[attempt_id], outcome)
        for attempt_id, outcome in answers
    ]


def _one_each(cases: Sequence[_Case]) -> tuple[list[_Case], list[_Case]]:
    """The first case of each subscription, and the others."""
    first: dict[str, _Case] = {}
    others = [case for case in cases if first.setdefault(case.subscription.id, case) is not case]
    return list(first.values()), others


def _settle(ctx: TransactionContext, cases: Sequence[_Case], again: bool) -> None:
    """Each of another subscription. Charges that went through are written down together, whatever else by itself."""
    charged = []
    for case in cases:
        if case.attempt.state is AttemptState.CHARGED:
            reached("settle: charged before")
            case.word = SettleOutcome.SETTLED
        elif isinstance(case.outcome, Charged):
            charged.append(case)  # money that moved is written down even when the attempt had been given up
        else:
            case.word = _not_charged(ctx, case, case.outcome)
    _charged(ctx, charged, again)


def _not_charged(
    ctx: TransactionContext, case: _Case, outcome: Declined | NotTaken | NotSent | Unknown
) -> SettleOutcome:
    attempt, invoice = case.attempt, case.invoice
    if attempt.state is not AttemptState.OPEN:
        reached("settle: settled before")
        return SettleOutcome.SETTLED
    if attempt.hosted and isinstance(outcome, Declined):
        reached("settle: declined on a page that is still open")
        return (
            SettleOutcome.OPEN
        )  # refused on the page, where the reader may try another card until it closes
    attempt.claimed_by = None
    match outcome:
        case Declined():
            return record_decline(ctx, case.subscription, invoice, attempt, outcome)
        case NotTaken() if case.wanted:
            return not_taken(ctx, case.subscription, invoice, attempt, outcome)
        case NotSent() | NotTaken():
            return _not_sent(ctx, case.subscription, invoice, attempt)
        case Unknown():
            _leave_open(attempt, outcome, ctx.at)
            return SettleOutcome.UNKNOWN


def _leave_open(attempt: Attempt, doubt: Unknown, at: datetime) -> None:
    """Ask again later, and remember what of the doubt matters then."""
    attempt.poll_count += 1
    if doubt.busy:
        chance = random.random()  # noqa: S311 - no secret
        attempt.next_poll_at = backoff.after_busy(attempt.poll_count, at, asked=doubt.wait, chance=chance)
    elif doubt.wait is not None:
        attempt.next_poll_at = at + doubt.wait
    else:
        attempt.next_poll_at = backoff.again_at(attempt.poll_count, at)
    if doubt.busy:
        reached("settle: the acquirer is busy")
    if doubt.key_unusable:
        reached("settle: the key is unusable after an error")
    attempt.doubt, attempt.not_taken_reason, attempt.had_case = doubt.reason, None, False
    attempt.key_unusable = attempt.key_unusable or doubt.key_unusable
    attempt.unlisted_since = doubt.unlisted_since


def _charged(ctx: TransactionContext, cases: Sequence[_Case], again: bool) -> None:
    if not cases:
        return
    kept = {case.attempt.id: _card_that_paid(ctx, case) for case in cases}
    given_away = {case.attempt.id for case in cases if case.invoice.state is InvoiceState.VOID}
    under_way = {case.attempt.id for case in cases if case.attempt.state is AttemptState.OPEN}
    money = [
        (case.invoice, case.attempt, case.outcome) for case in cases if isinstance(case.outcome, Charged)
    ]
    goes_on = []
    for case, payment in zip(cases, record_payments(ctx, money), strict=True):
        if payment.duplicate:
            reached("settle: paid twice, so it goes back")
            case.word = _give_back(ctx, payment, f"twice:{payment.id}", TWICE)
        elif not case.wanted or case.attempt.id in given_away:
            cause, reason = _why_back(ctx.session, case)
            case.word = _give_back(ctx, payment, f"{cause}:{payment.id}", reason)
            if case.attempt.id in under_way and case.subscription.state is not State.ENDED:
                mark(case.subscription, ctx.zone, charging_since=None)
        else:
            goes_on.append(case)
            case.word = SettleOutcome.CHARGED
    change_all(
        ctx,
        Event.CHARGED,
        [
            Change(
                case.subscription,
                f"paid invoice {case.invoice.id}",
                _paid(ctx, case) | kept[case.attempt.id],
            )
            for case in goes_on
        ],
    )
    paid = [(case.subscription, case.invoice, case.attempt.payment_method_id) for case in goes_on]
    receipts(ctx, paid, again=again)


def _why_back(session: Session, case: _Case) -> tuple[str, str]:
    """The cause and the reason of the refund. Nobody is told that they cancelled where it was a bank that stopped it, the end of
    the grace, or a period given away; nor are they taken for having cancelled when the refund is found after a restore."""
    subscription = case.subscription
    if case.wanted:
        reached("settle: charged for a period that was given away, so it goes back")
        return "given", GIVEN_AWAY
    if subscription.cancel_asked_at is None:
        reached("settle: charged after its end, so it goes back")
        return "stopped", STOPPED
    by_a_bank = select(SubscriptionChange.id).where(
        SubscriptionChange.subscription_id == subscription.id,
        col(SubscriptionChange.event).in_((Event.DISPUTED, Event.ENDED_NOW)),
        SubscriptionChange.actor_kind == ActorKind.ACQUIRER,
        SubscriptionChange.at == subscription.cancel_asked_at,
    )
    if session.exec(by_a_bank).first() is None:
        reached("settle: charged after the reader cancelled, so it goes back")
        return "race", RACED
    reached("settle: charged after a bank's stop, so it goes back")
    return "stopped", STOPPED


def _paid(ctx: TransactionContext, case: _Case) -> SubscriptionPatch:
    """What a paid invoice says of its subscription. The first period after others is the first of other terms, perhaps. News of
    an earlier period, which comes late, moves nothing back."""
    number = case.invoice.period_number
    if number < case.subscription.period_number:
        return {"charging_since": None}
    other = SubscriptionPatch()
    if 1 < number == case.subscription.anchor_number:
        other = {"is_fixed_term": terms_of(ctx.session, case.subscription)[0].then_plan_id is not None}
    return other | {
        "period_number": case.invoice.period_number,
        "period_start_on": case.invoice.period_start_on,
        "period_end_on": case.invoice.period_end_on,
        "access_until": periods.start_of_day(case.invoice.period_end_on, ctx.zone),
        "charging_since": None,
        "first_failed_on": None,
        "retry_on": None,
        "held_until": None,
    }


def _card_that_paid(ctx: TransactionContext, case: _Case) -> SubscriptionPatch:
    """On a page the reader may have paid with any card: it is noted on the attempt, and is the subscription's from now on."""
    card = case.outcome.card if isinstance(case.outcome, Charged) else None
    if not case.attempt.hosted or card is None:
        return {}
    reached("settle: paid with another card on the page")
    method = keep_card(ctx, case.attempt.acquirer, case.subscription.reader_id, card)
    case.attempt.payment_method_id = method.id
    return on_subscription(method)


def _give_back(ctx: TransactionContext, received: RecordedPayment, cause: str, reason: str) -> SettleOutcome:
    """All of a payment goes back: for an invoice that had been paid already, or that nobody owed any more."""
    payment = ctx.session.get_one(Payment, received.id)
    intended = refund.intend(ctx.acting_as(WORKER), payment, amount=None, cause=cause, reason=reason)
    if intended is not None:
        late_charge_returned(ctx, payment, intended)
    return SettleOutcome.REFUNDED


def _not_sent(
    ctx: TransactionContext, subscription: Subscription, invoice: Invoice, attempt: Attempt
) -> SettleOutcome:
    attempt.state, attempt.settled_at = AttemptState.NOT_SENT, ctx.at
    close_case(ctx, attempt)
    if subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        reached("settle: never sent, and wanted by nobody any more")
        abandon_invoice(ctx, subscription, invoice)
    elif invoice.state is not InvoiceState.PAID:
        if attempt.hosted:
            mark(subscription, ctx.zone, charging_since=None)
            return SettleOutcome.NOT_SENT
        columns: SubscriptionPatch = {"charging_since": None}
        if subscription.state is State.PAST_DUE:
            reached("settle: never sent, so another attempt follows")
            # too old for its key: the next look makes a new attempt for the same invoice
            columns["retry_on"] = ctx.today
        move_charge(ctx, subscription, NEVER_SENT, **columns)
    return SettleOutcome.NOT_SENT
