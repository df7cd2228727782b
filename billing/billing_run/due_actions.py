"""What is done with due subscriptions: one small function for each action. The caller holds their locks."""

from collections.abc import Sequence
from datetime import date

from billing.billing_run import hold_charge
from billing.billing_run.extend_trial import extend_trial
from billing.billing_run.handle_decline import card_limit_reached, give_up
from billing.billing_run.intend import ToCharge, intend
from billing.billing_run.skip_reason import Skip
from billing.changes import next_terms, pause, postpone, unreached
from billing.changes.outcome import ActionOutcome
from billing.notices.card_expiry import card_expiring
from billing.notices.trial import trial_ending
from billing.payments import attempt_history
from billing.payments.invoices import open_invoice
from billing.payments.models import PaymentMethod
from billing.platform import bulk
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import keep_loaded
from billing.readers.models import Reader
from billing.rules import cancel_requests, dunning, notices, trial
from billing.rules.dunning_steps import DunningReason, Next, Retry, in_words
from billing.rules.lifecycle import Event, State
from billing.rules.notices import Notice
from billing.subscriptions.change import change, mark, mark_notice, move_charge
from billing.subscriptions.find import load_terms, terms_of
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import DueAction, next_charge, nth_period

Outcome = ActionOutcome | Skip
_CHARGES = (DueAction.FIRST_CHARGE, DueAction.RENEW, DueAction.RETRY)


def process_due(ctx: TransactionContext, subscription: Subscription) -> Outcome:
    """Do what is due for one subscription; as `process_all_due`."""
    return process_all_due(ctx, [subscription])[0]


def process_all_due(ctx: TransactionContext, subscriptions: Sequence[Subscription]) -> list[Outcome]:
    """Do what is due for each. Charges are invoiced and intended together."""
    keep_loaded(ctx.session)  # so that the rows loaded in bulk here stay in the identity map
    load_terms(ctx.session, subscriptions)
    bulk.load(ctx.session, Reader, {due.reader_id for due in subscriptions})
    methods = {due.payment_method_id for due in subscriptions if due.payment_method_id is not None}
    bulk.load(ctx.session, PaymentMethod, methods)
    attempt_history.lock_shared_cards(
        ctx.session, [str(due.payment_method_id) for due in subscriptions if due.next_action in _CHARGES]
    )
    decided = [_decide(ctx, due) for due in subscriptions]
    intended = iter(intend(ctx, [decision for decision in decided if isinstance(decision, ToCharge)]))
    return [next(intended) if isinstance(decision, ToCharge) else decision for decision in decided]


def _decide(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    match DueAction(str(subscription.next_action)):
        case DueAction.FIRST_NOTICE:
            return _notice(ctx, subscription, Notice.FIRST)
        case DueAction.SECOND_NOTICE:
            return _notice(ctx, subscription, Notice.SECOND)
        case DueAction.TERM_NOTICE:
            return next_terms.announce_end(ctx, subscription)
        case DueAction.PAUSE:
            return pause.begin(ctx, subscription)
        case DueAction.END_PAUSE:
            return pause.end(ctx, subscription)
        case DueAction.FIRST_CHARGE:
            return _charge_first(ctx, subscription)
        case DueAction.RENEW:
            return _renew(ctx, subscription)
        case DueAction.RETRY:
            return _retry(ctx, subscription)
        case DueAction.GIVE_UP:
            give_up(ctx.acting_as(WORKER), subscription, DunningReason.GRACE_OVER)
            return ActionOutcome.ENDED
        case DueAction.CARD_NOTICE:
            return _card_notice(ctx, subscription)
        case DueAction.RUN_OUT:
            change(ctx.acting_as(WORKER), subscription, Event.RAN_OUT, reason="cancelled by the reader")
            return ActionOutcome.ENDED


def _notice(ctx: TransactionContext, subscription: Subscription, which: Notice) -> ActionOutcome:
    """Announce the charge after a trial, a year or a pause."""
    match subscription.state:
        case State.TRIALING:
            return _announce(ctx, subscription, which)
        case State.PAUSED:
            return pause.announce(ctx, subscription)
        case _:
            return next_terms.remind(ctx, subscription, which)


def _announce(ctx: TransactionContext, subscription: Subscription, which: Notice) -> ActionOutcome:
    """Queue a trial's notice while its window is open. Too late, or without the first one, announce a later day."""
    if ctx.at > notices.window(which, trial.charge_at(subscription.charge_on, ctx.zone)).closes_at:
        return extend_trial(ctx, subscription, f"the {which} notice is late")
    missed = which is Notice.SECOND and postpone.first_notice_missed(ctx, subscription)
    if missed and not unreached.is_final(ctx, subscription):  # a final one ends on the day of the charge
        return _extend(ctx, subscription, "the first notice did not arrive in time")
    trial_ending(ctx, subscription, which)
    mark_notice(ctx, subscription, which)
    return ActionOutcome.NOTIFIED


def _charge_first(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    """The first charge: on the announced day, and only after both notices arrived in time (CARD-4). A plan that was chosen in the
    trial begins with it."""
    if _is_to_be_held(subscription):
        return hold_charge.trial_charge(ctx, subscription)
    if ctx.today != subscription.charge_on:
        extend_trial(ctx, subscription, "the announced day passed without a charge")
        return Skip.NOT_NOTIFIED
    first, second = (postpone.notice_accepted_at(ctx.session, subscription, which) for which in Notice)
    if not notices.in_time(first, second, ctx.at):
        if unreached.is_final(ctx, subscription):
            return unreached.end(ctx, subscription)
        _extend(ctx, subscription, "not both notices arrived in time")
        return Skip.NOT_NOTIFIED
    next_terms.begin(ctx, subscription, subscription.charge_on)
    months = terms_of(ctx.session, subscription)[0].months
    return ToCharge(subscription, nth_period(subscription, 1, months))


def _extend(ctx: TransactionContext, subscription: Subscription, reason: str) -> ActionOutcome:
    """Move a trial's charge, as a notice wasn't accepted: both are sent again for another day."""
    return extend_trial(ctx, subscription, unreached.extends_because(ctx, subscription, reason))


def _is_to_be_held(subscription: Subscription) -> bool:
    """Whether a request to cancel is open that hasn't postponed this charge yet."""
    return subscription.cancel_request_at is not None and subscription.held_until is None


def _renew(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    """Charge the period that today lies in. Earlier ones, missed by an outage, are given away, never charged in a burst.

    Terms that the reader chose, or that were announced in time, begin with it. After a year nothing is charged without its
    notices."""
    if subscription.period_end_on is not None and _is_to_be_held(subscription):
        return hold_charge.renewal(ctx, subscription)
    if subscription.is_fixed_term and subscription.period_end_on is not None:
        missing = next_terms.missing_notice(ctx, subscription)
        if missing is not None:
            if unreached.is_final(ctx, subscription):
                return unreached.end(ctx, subscription)
            because = unreached.extends_because(ctx, subscription, missing)
            next_terms.extend(ctx, subscription, because)
            return Skip.NOT_NOTIFIED
    coming = next_terms.next_period(ctx.session, subscription, ctx.today)
    if next_terms.begin(ctx, subscription, coming.start_on):
        coming = next_terms.next_period(ctx.session, subscription, ctx.today)
    return ToCharge(subscription, coming)


def _card_notice(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    charge = next_charge(subscription, ctx.zone)
    if charge is not None:
        card_expiring(ctx, subscription, charge.on)
    mark(subscription, ctx.zone, card_notice_at=ctx.at)
    return ActionOutcome.NOTIFIED


def _retry(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    """Charge the open invoice again, if the limits and the card's last decline still allow it today. A new card is tried at
    once, and uses no rung unless today is the ladder's own day. After an outage it is decided again: where the invoice's
    period is over, it is given away, and today's is charged."""
    invoice = open_invoice(ctx.session, subscription.id)
    first_failed_on = subscription.first_failed_on
    if invoice is None or first_failed_on is None:
        raise AssertionError(f"{subscription.id} is past due and owes nothing")
    today, method_id = ctx.today, str(subscription.payment_method_id)
    if attempt_history.last_attempt_never_sent(ctx.session, invoice):  # an outage uses no rung, and no grace
        if _is_to_be_held(subscription):
            return hold_charge.retry(ctx, subscription, cancel_requests.held_until(today))
        if invoice.period_end_on <= today:
            return ToCharge(subscription, next_terms.next_period(ctx.session, subscription, today))
        return ToCharge(subscription, invoice)
    so_far = attempt_history.past_attempts(ctx, invoice, method_id)
    said = attempt_history.last_refusal(ctx.session, invoice, method_id)
    at_limit = so_far.on_card >= dunning.MAX_CARD_ATTEMPTS
    if at_limit and not attempt_history.bank_was_asked(ctx.session, invoice):
        return card_limit_reached(ctx, subscription, invoice)
    if so_far.on_card == 0:  # the reader gave a new card to be charged, so no request holds it
        return ToCharge(subscription, invoice, by_reader=True)
    own = so_far.newer and not dunning.is_rung(max(1, so_far.refused), first_failed_on, today)
    if not dunning.is_final(said) and dunning.may_retry(
        attempts=0 if own else so_far.refused,
        first_failed_on=first_failed_on,
        last_attempt_on=so_far.last_on or first_failed_on,
        today=today,
        card_attempts_30d=so_far.on_card,
    ):
        held_until = cancel_requests.retry_held_until(today, dunning.gives_up_on(first_failed_on))
        if held_until is not None and _is_to_be_held(subscription):
            return hold_charge.retry(ctx, subscription, held_until)
        return ToCharge(subscription, invoice, by_reader=own)
    step = _another_day(so_far, said, first_failed_on, today)
    retry_on = step.day if isinstance(step, Retry) else None
    move_charge(ctx, subscription, f"not asked today; {in_words(step)}", retry_on=retry_on)
    return Skip.ANOTHER_DAY


def _another_day(
    so_far: attempt_history.PastAttempts, said: dunning.DeclineKind | None, first_failed_on: date, today: date
) -> Next:
    """The ladder's next day, if the card's last decline leaves one. A card without any counts as declined softly."""
    return dunning.after(
        attempts=max(1, so_far.refused),
        first_failed_on=first_failed_on,
        today=today,
        kind=said or dunning.DeclineKind.SOFT,
        card_attempts_30d=so_far.on_card,
        rung_used=False,
    )
