"""Bring attempts to their end, any number at once. The gateway's answer, the webhook and the drain of open attempts all call
`settle`: the first call settles, later ones change nothing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from billing.acquirer.answers import Charged, Declined, NotTaken, Outcome, Unknown
from billing.billing_run.handle_decline import abandon_invoice, end_charging, record_decline
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
from billing.platform.counters import CHARGES, count_after_commit
from billing.platform.errors import NotFound
from billing.platform.logs import log_event
from billing.platform.stop_points import reached
from billing.refunds import refund
from billing.rules import backoff, periods
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import (
    Change,
    SubscriptionPatch,
    change_all,
    lock_all,
    mark,
    move_charge,
)
from billing.subscriptions.find import terms_of
from billing.subscriptions.models import Subscription, SubscriptionChange
from emails.languages import named

TWICE = named(
    "refund reason", "This invoice had been paid already, so this second payment is returned in full."
)
RACED = named("refund reason", "You cancelled before this charge was made, so it is returned in full.")
GIVEN_AWAY = named(
    "refund reason",
    "This period was given to you after an outage of ours, so this payment for it is returned in full.",
)
STOPPED = named(
    "refund reason",
    "Your subscription had been stopped before this charge was made, so it is returned in full.",
)
NEVER_SENT = "the charge was never sent, as the acquirer could not be asked in time; it is decided again"


class UnknownAttempt(NotFound):
    """There is no such attempt."""

    code = "unknown_attempt"


Answer = tuple[str, Outcome | NotSent]
"""An attempt's id, and what became of it."""


def settle(
    ctx: TransactionContext, attempt_id: str, outcome: Outcome | NotSent, *, again: bool = False
) -> SettleOutcome:
    """Write down what became of one attempt; as `settle_all`."""
    return settle_all(ctx, [(attempt_id, outcome)], again=again)[0]


def settle_all(
    ctx: TransactionContext, answers: Sequence[Answer], *, again: bool = False
) -> list[SettleOutcome]:
    """Write down what became of each attempt, and everything that follows from it, in this transaction. Safe to repeat.
    `again`: a lost database had settled it before, so the receipt may be the reader's second one. Raises UnknownAttempt."""
    settled = _lock(ctx.session, answers)
    left = settled
    while left:  # attempts of one subscription are settled one after the other
        now, left = _one_each(left)
        if left:
            reached("settle: two attempts of one subscription at once")
        _settle(ctx, now, again)
    for answer in settled:
        if answer.result is not SettleOutcome.SETTLED:
            log_event(
                ctx.session,
                f"charge {answer.result}",
                attempt=answer.attempt.id,
                invoice=answer.attempt.invoice_id,
                cents=answer.attempt.amount,
                intent=answer.attempt.intent_ref,
                by=ctx.actor,
            )
            count_after_commit(ctx.session, CHARGES, answer.result.value)
    return [answer.result for answer in settled]


@dataclass(eq=False, slots=True)
class _Answered:
    """An answer with its rows, of which subscription and attempt are locked. `result` counts once it is settled."""

    subscription: Subscription
    attempt: Attempt
    invoice: Invoice
    outcome: Outcome | NotSent
    result: SettleOutcome = SettleOutcome.UNKNOWN

    @property
    def goes_on(self) -> bool:
        """Whether the subscription is neither cancelled nor ended."""
        return self.subscription.state is not State.ENDED and self.subscription.cancel_asked_at is None


def _lock(session: Session, answers: Sequence[Answer]) -> list[_Answered]:
    # subscriptions first, then attempts, each ordered by id: two transactions that lock the same rows can't deadlock
    ids = [attempt_id for attempt_id, _ in answers]
    of = select(Attempt.id, Attempt.subscription_id).where(bulk.one_of(Attempt.id, ids))
    found = dict(session.exec(of).all())
    if len(found) < len(set(ids)):
        raise UnknownAttempt
    subscriptions = lock_all(session, set(found.values()))
    rows = session.exec(
        select(Attempt, Invoice)
        .join(Invoice, col(Invoice.id) == Attempt.invoice_id)
        .where(bulk.one_of(Attempt.id, ids))
        .order_by(col(Attempt.id))
        .with_for_update(of=Attempt)
        .execution_options(populate_existing=True)  # the session's copies may be older than the lock
    )
    attempts = {attempt.id: (attempt, invoice) for attempt, invoice in rows}
    return [
        _Answered(subscriptions[found[attempt_id]], *attempts[attempt_id], outcome)
        for attempt_id, outcome in answers
    ]


def _one_each(answers: Sequence[_Answered]) -> tuple[list[_Answered], list[_Answered]]:
    """The first of each subscription, and the others."""
    first: dict[str, _Answered] = {}
    others = [answer for answer in answers if first.setdefault(answer.subscription.id, answer) is not answer]
    return list(first.values()), others


def _settle(ctx: TransactionContext, answers: Sequence[_Answered], again: bool) -> None:
    """Settle these, each of another subscription: successful charges together, everything else one by one."""
    charged = []
    for answer in answers:
        if answer.attempt.state is AttemptState.CHARGED:
            reached("settle: charged before")
            answer.result = SettleOutcome.SETTLED
        elif isinstance(answer.outcome, Charged):
            charged.append(answer)  # even where the attempt had been given up: the money moved
        else:
            answer.result = _not_charged(ctx, answer, answer.outcome)
    if charged:
        _charged(ctx, charged, again)


def _not_charged(
    ctx: TransactionContext, answer: _Answered, outcome: Declined | NotTaken | NotSent | Unknown
) -> SettleOutcome:
    attempt, invoice = answer.attempt, answer.invoice
    if attempt.state is not AttemptState.OPEN:
        reached("settle: settled before")
        return SettleOutcome.SETTLED
    if attempt.hosted and isinstance(outcome, Declined):
        reached("settle: declined on a page that is still open")
        return SettleOutcome.OPEN  # the reader may try another card on the page until it closes
    attempt.claimed_by = None
    match outcome:
        case Declined():
            record_decline(ctx, answer.subscription, invoice, attempt, outcome)
            return SettleOutcome.DECLINED
        case NotTaken() if answer.goes_on:
            not_taken(ctx, answer.subscription, invoice, attempt, outcome)
            return SettleOutcome.NOT_TAKEN
        case NotSent() | NotTaken():
            _not_sent(ctx, answer)
            return SettleOutcome.NOT_SENT
        case Unknown():
            _leave_open(attempt, outcome, ctx.at)
            return SettleOutcome.UNKNOWN


def _leave_open(attempt: Attempt, doubt: Unknown, at: datetime) -> None:
    """Ask again later, and keep what the next call must know of the doubt."""
    attempt.poll_count += 1
    if doubt.busy:
        reached("settle: the acquirer is busy")
        chance = random.random()  # noqa: S311 - no secret
        attempt.next_poll_at = backoff.after_busy(attempt.poll_count, at, asked=doubt.wait, chance=chance)
    elif doubt.wait is not None:
        attempt.next_poll_at = at + doubt.wait
    else:
        attempt.next_poll_at = backoff.again_at(attempt.poll_count, at)
    if doubt.key_unusable:
        reached("settle: the key is unusable after an error")
    attempt.doubt, attempt.not_taken_reason, attempt.had_case = doubt.reason, None, False
    # once unusable, always: a later look-up says nothing of the key
    attempt.key_unusable = attempt.key_unusable or doubt.key_unusable
    attempt.unlisted_since = doubt.unlisted_since


def _charged(ctx: TransactionContext, answers: Sequence[_Answered], again: bool) -> None:
    cards = {answer.attempt.id: _card_that_paid(ctx, answer) for answer in answers}
    # both are read before `record_payments`, which changes the states
    given_away = {answer.attempt.id for answer in answers if answer.invoice.state is InvoiceState.VOID}
    under_way = {answer.attempt.id for answer in answers if answer.attempt.state is AttemptState.OPEN}
    money = [
        (answer.invoice, answer.attempt, answer.outcome)
        for answer in answers
        if isinstance(answer.outcome, Charged)
    ]
    kept = []
    for answer, payment in zip(answers, record_payments(ctx, money), strict=True):
        if payment.duplicate:
            reached("settle: paid twice, so it goes back")
            answer.result = _give_back(ctx, payment, "twice", TWICE)
            end_charging(ctx, answer.subscription)
        elif not answer.goes_on or answer.attempt.id in given_away:
            answer.result = _give_back(ctx, payment, *_why_back(ctx.session, answer))
            # else the attempt had been given up, and `charging_since` may be another one's
            if answer.attempt.id in under_way and answer.subscription.state is not State.ENDED:
                mark(answer.subscription, ctx.zone, charging_since=None)
        else:
            kept.append(answer)
            answer.result = SettleOutcome.CHARGED
    changes = [
        Change(
            answer.subscription,
            f"paid invoice {answer.invoice.id}",
            _paid(ctx, answer) | cards[answer.attempt.id],
        )
        for answer in kept
    ]
    change_all(ctx, Event.CHARGED, changes)
    paid = [(answer.subscription, answer.invoice, answer.attempt.payment_method_id) for answer in kept]
    receipts(ctx, paid, again=again)


def _why_back(session: Session, answer: _Answered) -> tuple[str, str]:
    """The cause and the reason of the refund. Only where the reader cancelled do they say so: not after a bank's stop, the end
    of the grace, or a period given away. A restore reads the cause, too (see `reconcile/lost_refunds`)."""
    subscription = answer.subscription
    if answer.goes_on:
        reached("settle: charged for a period that was given away, so it goes back")
        return "given", GIVEN_AWAY
    if subscription.cancel_asked_at is None:
        reached("settle: charged after its end, so it goes back")
        return "stopped", STOPPED
    # a bank's stop keeps the moment of an earlier request by the reader, so this finds a bank that came first
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


def _paid(ctx: TransactionContext, answer: _Answered) -> SubscriptionPatch:
    """The columns that a paid invoice sets. A late answer for an earlier period moves nothing back."""
    number = answer.invoice.period_number
    if number < answer.subscription.period_number:
        return {"charging_since": None}
    other = SubscriptionPatch()
    # perhaps the first period of other terms; period 1 has had its own since the start, or `next_terms.begin`
    if 1 < number == answer.subscription.anchor_number:
        other = {"is_fixed_term": terms_of(ctx.session, answer.subscription)[0].then_plan_id is not None}
    return other | {
        "period_number": number,
        "period_start_on": answer.invoice.period_start_on,
        "period_end_on": answer.invoice.period_end_on,
        "access_until": periods.start_of_day(answer.invoice.period_end_on, ctx.zone),
        "charging_since": None,
        "first_failed_on": None,
        "retry_on": None,
        "held_until": None,
    }


def _card_that_paid(ctx: TransactionContext, answer: _Answered) -> SubscriptionPatch:
    """On a page the reader may pay with any card. That card goes on the attempt, and on the subscription from now on."""
    card = answer.outcome.card if isinstance(answer.outcome, Charged) else None
    if not answer.attempt.hosted or card is None:
        return {}
    reached("settle: paid with another card on the page")
    method = keep_card(ctx, answer.attempt.acquirer, answer.subscription.reader_id, card)
    answer.attempt.payment_method_id = method.id
    return on_subscription(method)


def _give_back(ctx: TransactionContext, received: RecordedPayment, cause: str, reason: str) -> SettleOutcome:
    """Return all of a payment: its invoice had been paid already, or wasn't owed any more."""
    payment = ctx.session.get_one(Payment, received.id)
    intended = refund.intend(
        ctx.acting_as(WORKER), payment, amount=None, cause=f"{cause}:{payment.id}", reason=reason
    )
    if intended is not None:
        late_charge_returned(ctx, payment, intended)
    return SettleOutcome.REFUNDED


def _not_sent(ctx: TransactionContext, answer: _Answered) -> None:
    subscription, attempt = answer.subscription, answer.attempt
    attempt.state, attempt.settled_at = AttemptState.NOT_SENT, ctx.at
    close_case(ctx, attempt)
    if not answer.goes_on:
        reached("settle: never sent, and wanted by nobody any more")
        abandon_invoice(ctx, subscription, answer.invoice)
    elif answer.invoice.state is InvoiceState.PAID:
        return  # the payment cleared `charging_since`; if it is set, another charge is under way
    elif attempt.hosted:
        mark(subscription, ctx.zone, charging_since=None)
    else:
        columns: SubscriptionPatch = {"charging_since": None}
        if subscription.state is State.PAST_DUE:
            reached("settle: never sent, so another attempt follows")
            columns["retry_on"] = ctx.today  # a new attempt at once, as this one is too old for its key
        move_charge(ctx, subscription, NEVER_SENT, **columns)
