"""What is done with subscriptions that are due: one small function an action. The caller holds their locks."""

from collections.abc import Sequence
from datetime import date, datetime

from billing.billing_run import extend_trial, hold_charge
from billing.billing_run.handle_decline import card_limit_reached, give_up
from billing.billing_run.intend import ToCharge, intend
from billing.billing_run.skip_reason import Skip
from billing.changes import next_terms, pause, postpone, unreached
from billing.changes.outcome import ActionOutcome
from billing.notices.card import card_expiring
from billing.notices.trial import trial_ending
from billing.payments import attempt_history
from billing.payments.invoices import open_invoice
from billing.payments.models import PaymentMethod
from billing.platform import bulk
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import hold
from billing.platform.site import Site
from billing.readers.models import Reader
from billing.rules import cancel_requests, dunning, notices, trial
from billing.rules.dunning_steps import DunningReason, Next, Retry, in_words
from billing.rules.lifecycle import Event, State
from billing.rules.notices import Notice
from billing.subscriptions import period
from billing.subscriptions.change import change, mark
from billing.subscriptions.find import load_terms, terms_of
from billing.subscriptions.models import Subscription
from billing.subscriptions.move_charge import move_charge
from billing.subscriptions.schedule import DueAction, next_charge

Outcome = ActionOutcome | Skip


def process_due(ctx: TransactionContext, subscription: Subscription) -> Outcome:
    """Do what is due for one; as `process_all_due`."""
    return process_all_due(ctx, [subscription])[0]


def process_all_due(ctx: TransactionContext, subscriptions: Sequence[Subscription]) -> list[Outcome]:
    """Do what is due for each. What is to be charged is invoiced and intended together."""
    hold(ctx.session)
    load_terms(ctx.session, subscriptions)
    bulk.load(ctx.session, Reader, {one.reader_id for one in subscriptions})
    methods = {one.payment_method_id for one in subscriptions if one.payment_method_id is not None}
    bulk.load(ctx.session, PaymentMethod, methods)
    attempt_history.lock_shared_cards(
        ctx.session, [str(one.payment_method_id) for one in subscriptions if _charges(one)]
    )
    decided = [_decide(ctx, one) for one in subscriptions]
    charges = [one for one in decided if isinstance(one, ToCharge)]
    intended = iter(intend(ctx, charges))
    return [next(intended) if isinstance(one, ToCharge) else one for one in decided]


def _charges(subscription: Subscription) -> bool:
    return subscription.next_action in (DueAction.FIRST_CHARGE, DueAction.RENEW, DueAction.RETRY)


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


def _charge_at(site: Site, subscription: Subscription) -> datetime:
    return trial.charge_at(subscription.charge_on, site.zone)


def _notice(ctx: TransactionContext, subscription: Subscription, which: Notice) -> ActionOutcome:
    """Before the first charge, before the one after a year, or before the one after a pause."""
    match subscription.state:
        case State.TRIALING:
            return _announce(ctx, subscription, which)
        case State.PAUSED:
            return pause.announce(ctx, subscription)
        case _:
            return next_terms.remind(ctx, subscription, which)


def _announce(ctx: TransactionContext, subscription: Subscription, which: Notice) -> ActionOutcome:
    """Queue a notice while its window is open; when it is too late, or the first never arrived, announce a later day."""
    charge_at = _charge_at(ctx.site, subscription)
    if ctx.at > notices.window(which, charge_at).closes_at:
        return extend_trial.extend_trial(ctx, subscription, f"the {which} notice is late")
    missed = which is Notice.SECOND and postpone.first_notice_missed(ctx, subscription)
    if missed and not unreached.is_final(ctx, subscription):  # else it ends on the day of the charge
        return _extend(ctx, subscription, "the first notice did not arrive in time")
    trial_ending(ctx, subscription, which)
    if which is Notice.FIRST:
        mark(subscription, ctx.zone, first_notice_at=ctx.at)
    else:
        mark(subscription, ctx.zone, second_notice_at=ctx.at)
    return ActionOutcome.NOTIFIED


def _charge_first(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    """The first charge: on the day that was announced, and only when both notices went out in time (CARD-4)."""
    if hold_charge.is_due(subscription):
        return hold_charge.trial_charge(ctx, subscription)
    if ctx.today != subscription.charge_on:
        extend_trial.extend_trial(ctx, subscription, "the announced day passed without a charge")
        return Skip.NOT_TOLD
    first, second = (
        postpone.notice_accepted_at(ctx.session, subscription, which)
        for which in (Notice.FIRST, Notice.SECOND)
    )
    if not notices.in_time(first, second, ctx.at):
        if unreached.is_final(ctx, subscription):
            return unreached.end(ctx, subscription)
        _extend(ctx, subscription, "not both notices arrived in time")
        return Skip.NOT_TOLD
    return ToCharge(subscription, period.nth(subscription, 1, terms_of(ctx.session, subscription)[0].months))


def _extend(ctx: TransactionContext, subscription: Subscription, reason: str) -> ActionOutcome:
    """A notice wasn't accepted: another day, for which they are sent again."""
    because = unreached.extends_because(ctx, subscription, reason)
    return extend_trial.extend_trial(ctx, subscription, because)


def _renew(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    """The period that today lies in; earlier ones missed by an outage are given away, never charged in a burst.

    What the reader chose, or was told of in time, begins with it; after a year nothing is charged without its notices."""
    if subscription.period_end_on is not None and hold_charge.is_due(subscription):
        return hold_charge.renewal(ctx, subscription)
    if subscription.is_fixed_term and subscription.period_end_on is not None:
        missing = next_terms.not_told_in_time(ctx, subscription)
        if missing is not None and unreached.is_final(ctx, subscription):
            return unreached.end(ctx, subscription)
        if missing is not None:
            because = unreached.extends_because(ctx, subscription, missing)
            next_terms.extend(ctx, subscription, because)
            return Skip.NOT_TOLD
    coming = next_terms.next_period(ctx.session, subscription, ctx.today)
    if next_terms.begin(ctx, subscription, coming.start_on):
        coming = next_terms.next_period(ctx.session, subscription, ctx.today)
    return ToCharge(subscription, coming)


def _card_notice(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    charge_next = next_charge(subscription, ctx.zone)
    if charge_next is not None:
        card_expiring(ctx, subscription, charge_next.on)
    mark(subscription, ctx.zone, card_notice_at=ctx.at)
    return ActionOutcome.NOTIFIED


def _retry(ctx: TransactionContext, subscription: Subscription) -> Outcome | ToCharge:
    """The open invoice again, if the caps and what the card has said still allow it today; a card that is new to it is
    tried at once, and uses up no rung unless today is the ladder's own day. What an outage left is decided again: where the
    invoice's period is over by now, it is given away, and today's is charged."""
    invoice = open_invoice(ctx.session, subscription.id)
    first_failed_on = subscription.first_failed_on
    if invoice is None or first_failed_on is None:
        raise AssertionError(f"{subscription.id} is past due and owes nothing")
    today = ctx.today
    method_id = str(subscription.payment_method_id)
    never_sent = attempt_history.last_attempt_never_sent(ctx.session, invoice)
    so_far = attempt_history.past_attempts(ctx, invoice, method_id)
    held_until = cancel_requests.retry_held_until(today, dunning.gives_up_on(first_failed_on))
    if never_sent:  # an outage of ours or of the acquirer's uses up no rung, and no grace
        if hold_charge.is_due(subscription):
            return hold_charge.retry(ctx, subscription, cancel_requests.held_until(today))
        if invoice.period_end_on <= today:
            return ToCharge(subscription, next_terms.next_period(ctx.session, subscription, today))
        return ToCharge(subscription, invoice)
    said = attempt_history.last_refusal(ctx.session, invoice, method_id)
    at_limit = so_far.on_card >= dunning.MAX_CARD_ATTEMPTS
    if at_limit and not attempt_history.bank_was_asked(ctx.session, invoice):
        return card_limit_reached(ctx, subscription, invoice)
    if so_far.on_card == 0:  # a new card: its reader wants it charged, so no request holds it
        return ToCharge(subscription, invoice, by_reader=True)
    own = so_far.newer and not dunning.is_rung(max(1, so_far.refused), first_failed_on, today)
    if not dunning.is_final(said) and dunning.may_retry(
        attempts=0 if own else so_far.refused,
        first_failed_on=first_failed_on,
        last_attempt_on=so_far.last_on or first_failed_on,
        today=today,
        card_attempts_30d=so_far.on_card,
    ):
        if held_until is not None and hold_charge.is_due(subscription):
            return hold_charge.retry(ctx, subscription, held_until)
        return ToCharge(subscription, invoice, by_reader=own)
    step = _another_day(so_far, said, first_failed_on, today)
    retry_on = step.day if isinstance(step, Retry) else None
    move_charge(ctx, subscription, f"not asked today; {in_words(step)}", retry_on=retry_on)
    return Skip.ANOTHER_DAY


def _another_day(
    so_far: attempt_history.PastAttempts, said: dunning.DeclineKind | None, first_failed_on: date, today: date
) -> Next:
    """Not today: the ladder's next day, if what the card said leaves one. A card not asked yet may be asked later."""
    return dunning.after(
        attempts=max(1, so_far.refused),
        first_failed_on=first_failed_on,
        today=today,
        kind=said or dunning.DeclineKind.SOFT,
        card_attempts_30d=so_far.on_card,
        rung_used=False,
    )
