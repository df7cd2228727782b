"""What is done with subscriptions that are due: one small function an action. The caller holds their locks."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session

from billing.billing_run import extend_trial, hold_charge
from billing.billing_run.handle_decline import beyond_limit, give_up
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
from billing.platform.db import hold
from billing.platform.site import Office
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
from billing.subscriptions.schedule import Action, next_charge

Outcome = ActionOutcome | Skip


def act(session: Session, office: Office, subscription: Subscription, at: datetime) -> Outcome:
    """Do what is due for one; as `act_all`."""
    return act_all(session, office, [subscription], at)[0]


def act_all(
    session: Session, office: Office, subscriptions: Sequence[Subscription], at: datetime
) -> list[Outcome]:
    """Do what is due for each. What is to be charged is invoiced and intended together."""
    hold(session)
    load_terms(session, subscriptions)
    bulk.load(session, Reader, {one.reader_id for one in subscriptions})
    methods = {one.payment_method_id for one in subscriptions if one.payment_method_id is not None}
    bulk.load(session, PaymentMethod, methods)
    attempt_history.hold_shared(
        session, [str(one.payment_method_id) for one in subscriptions if _charges(one)]
    )
    decided = [_decide(session, office, one, at) for one in subscriptions]
    charges = [one for one in decided if isinstance(one, ToCharge)]
    intended = iter(intend(session, office, charges, at))
    return [next(intended) if isinstance(one, ToCharge) else one for one in decided]


def _charges(subscription: Subscription) -> bool:
    return subscription.next_action in (Action.FIRST_CHARGE, Action.RENEW, Action.RETRY)


def _decide(session: Session, office: Office, subscription: Subscription, at: datetime) -> Outcome | ToCharge:
    match Action(str(subscription.next_action)):
        case Action.FIRST_NOTICE:
            return _notice(session, office, subscription, Notice.FIRST, at)
        case Action.SECOND_NOTICE:
            return _notice(session, office, subscription, Notice.SECOND, at)
        case Action.TERM_NOTICE:
            return next_terms.announce_end(session, office, subscription, at)
        case Action.PAUSE:
            return pause.begin(session, office, subscription, at)
        case Action.END_PAUSE:
            return pause.end(session, office, subscription, at)
        case Action.FIRST_CHARGE:
            return _charge_first(session, office, subscription, at)
        case Action.RENEW:
            return _renew(session, office, subscription, at)
        case Action.RETRY:
            return _retry(session, office, subscription, at)
        case Action.GIVE_UP:
            give_up(session, office, subscription, DunningReason.GRACE_OVER, at, by=WORKER)
            return ActionOutcome.ENDED
        case Action.CARD_NOTICE:
            return _card_notice(session, office, subscription, at)
        case Action.RUN_OUT:
            change(
                session,
                subscription,
                Event.RAN_OUT,
                at=at,
                by=WORKER,
                why="cancelled by the reader",
                zone=office.zone,
            )
            return ActionOutcome.ENDED


def _charge_at(office: Office, subscription: Subscription) -> datetime:
    return trial.charge_at(subscription.charge_on, office.zone)


def _notice(
    session: Session, office: Office, subscription: Subscription, which: Notice, at: datetime
) -> ActionOutcome:
    """Before the first charge, before the one after a year, or before the one after a pause."""
    match subscription.state:
        case State.TRIALING:
            return _announce(session, office, subscription, which, at)
        case State.PAUSED:
            return pause.announce(session, office, subscription, at)
        case _:
            return next_terms.remind(session, office, subscription, which, at)


def _announce(
    session: Session, office: Office, subscription: Subscription, which: Notice, at: datetime
) -> ActionOutcome:
    """Queue a notice while its window is open; when it is too late, or the first never arrived, announce a later day."""
    charge_at = _charge_at(office, subscription)
    if at > notices.window(which, charge_at).closes_at:
        return extend_trial.extend_trial(session, office, subscription, at, f"the {which} notice is late")
    missed = which is Notice.SECOND and postpone.first_notice_missed(session, office, subscription)
    if missed and not unreached.is_final(
        session, office, subscription
    ):  # else it ends on the day of the charge
        return _extend(session, office, subscription, at, "the first notice did not arrive in time")
    trial_ending(session, office, subscription, which, at)
    if which is Notice.FIRST:
        mark(subscription, office.zone, first_notice_at=at)
    else:
        mark(subscription, office.zone, second_notice_at=at)
    return ActionOutcome.NOTIFIED


def _charge_first(
    session: Session, office: Office, subscription: Subscription, at: datetime
) -> Outcome | ToCharge:
    """The first charge: on the day that was announced, and only when both notices went out in time (CARD-4)."""
    if hold_charge.is_due(subscription):
        return hold_charge.trial_charge(session, office, subscription, at)
    if office.today(at) != subscription.charge_on:
        extend_trial.extend_trial(
            session, office, subscription, at, "the announced day passed without a charge"
        )
        return Skip.NOT_TOLD
    first, second = (
        postpone.notice_accepted_at(session, subscription, which) for which in (Notice.FIRST, Notice.SECOND)
    )
    if not notices.in_time(first, second, at):
        if unreached.is_final(session, office, subscription):
            return unreached.end(session, office, subscription, at)
        _extend(session, office, subscription, at, "not both notices arrived in time")
        return Skip.NOT_TOLD
    return ToCharge(subscription, period.nth(subscription, 1, terms_of(session, subscription)[0].months))


def _extend(
    session: Session, office: Office, subscription: Subscription, at: datetime, why: str
) -> ActionOutcome:
    """A notice wasn't accepted: another day, for which they are sent again."""
    because = unreached.extends_because(session, subscription, why, at)
    return extend_trial.extend_trial(session, office, subscription, at, because)


def _renew(session: Session, office: Office, subscription: Subscription, at: datetime) -> Outcome | ToCharge:
    """The period that today lies in; earlier ones missed by an outage are given away, never charged in a burst.

    What the reader chose, or was told of in time, begins with it; after a year nothing is charged without its notices."""
    if subscription.period_end_on is not None and hold_charge.is_due(subscription):
        return hold_charge.renewal(session, office, subscription, at)
    if subscription.is_fixed_term and subscription.period_end_on is not None:
        missing = next_terms.not_told_in_time(session, office, subscription, at)
        if missing is not None and unreached.is_final(session, office, subscription):
            return unreached.end(session, office, subscription, at)
        if missing is not None:
            because = unreached.extends_because(session, subscription, missing, at)
            next_terms.extend(session, office, subscription, at, because)
            return Skip.NOT_TOLD
    coming = next_terms.next_period(session, subscription, office.today(at))
    if next_terms.begin(session, office, subscription, coming.start_on, at):
        coming = next_terms.next_period(session, subscription, office.today(at))
    return ToCharge(subscription, coming)


def _card_notice(session: Session, office: Office, subscription: Subscription, at: datetime) -> ActionOutcome:
    charge_next = next_charge(subscription, office.zone)
    if charge_next is not None:
        card_expiring(session, office, subscription, charge_next.on, at)
    mark(subscription, office.zone, card_notice_at=at)
    return ActionOutcome.NOTIFIED


def _retry(session: Session, office: Office, subscription: Subscription, at: datetime) -> Outcome | ToCharge:
    """The open invoice again, if the caps and what the card has said still allow it today; a card that is new to it is
    tried at once, and uses up no rung unless today is the ladder's own day. What an outage left is decided again: where the
    invoice's period is over by now, it is given away, and today's is charged."""
    invoice = open_invoice(session, subscription.id)
    first_failed_on = subscription.first_failed_on
    if invoice is None or first_failed_on is None:
        raise AssertionError(f"{subscription.id} is past due and owes nothing")
    today = office.today(at)
    method_id = str(subscription.payment_method_id)
    never_sent = attempt_history.last_attempt_never_sent(session, invoice)
    so_far = attempt_history.tried(session, invoice, method_id, at=at, zone=office.zone)
    held_until = cancel_requests.retry_held_until(today, dunning.gives_up_on(first_failed_on))
    if never_sent:  # an outage of ours or of the acquirer's uses up no rung, and no grace
        if hold_charge.is_due(subscription):
            return hold_charge.retry(session, office, subscription, cancel_requests.held_until(today), at)
        over = invoice.period_end_on <= today
        return ToCharge(
            subscription, next_terms.next_period(session, subscription, today) if over else invoice
        )
    said = attempt_history.last_refusal(session, invoice, method_id)
    if so_far.on_card >= dunning.MAX_CARD_ATTEMPTS and not attempt_history.bank_asked(session, invoice):
        return beyond_limit(session, office, subscription, invoice, at)
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
            return hold_charge.retry(session, office, subscription, held_until, at)
        return ToCharge(subscription, invoice, by_reader=own)
    step = _another_day(so_far, said, first_failed_on, today)
    retry_on = step.day if isinstance(step, Retry) else None
    move_charge(session, office, subscription, f"not asked today; {in_words(step)}", at, retry_on=retry_on)
    return Skip.ANOTHER_DAY


def _another_day(
    so_far: attempt_history.Tried, said: dunning.DeclineKind | None, first_failed_on: date, today: date
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
