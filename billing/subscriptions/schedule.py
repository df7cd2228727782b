"""What happens next to a subscription, and when; and its periods. Exhaustive: nothing can be due and unseen."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from billing.rules import dunning, notices, periods, term, trial
from billing.rules.lifecycle import State
from billing.rules.periods import NoSuchPeriod, Period, add_months
from billing.subscriptions.models import Subscription


class DueAction(StrEnum):
    """What the worker does with a subscription that is due."""

    FIRST_NOTICE = "first_notice"
    SECOND_NOTICE = "second_notice"
    FIRST_CHARGE = "first_charge"
    TERM_NOTICE = "term_notice"
    RENEW = "renew"
    PAUSE = "pause"
    END_PAUSE = "end_pause"
    RETRY = "retry"
    GIVE_UP = "give_up"
    CARD_NOTICE = "card_notice"
    RUN_OUT = "run_out"


@dataclass(frozen=True, slots=True)
class Due:
    """An action and the instant from which it is due."""

    action: DueAction
    at: datetime


def next_due(subscription: Subscription, zone: ZoneInfo) -> Due | None:
    """The one action that comes next; None after the end, or while a charge is under way, as settling decides then."""
    due, notice = _due(subscription, zone), _card_notice(subscription, zone)
    return notice if due is not None and notice is not None and notice.at < due.at else due


def _card_notice(s: Subscription, zone: ZoneInfo) -> Due | None:
    """The one notice that the card ends before the next charge: from the first day of its last month on."""
    charge = next_charge(s, zone) if s.state in (State.TRIALING, State.ACTIVE) else None
    if charge is None or s.card_expires_on is None or s.card_notice_at is not None:
        return None
    if charge.on <= s.card_expires_on:
        return None
    return Due(DueAction.CARD_NOTICE, trial.charge_at(s.card_expires_on.replace(day=1), zone))


def _due(subscription: Subscription, zone: ZoneInfo) -> Due | None:
    s = subscription
    if s.state is State.ENDED or s.charging_since is not None:
        return None
    if s.cancels_at is not None:
        return Due(DueAction.RUN_OUT, s.cancels_at)
    if s.state is State.TRIALING:
        return _in_trial(s, zone)
    if s.state is State.ACTIVE:
        return _in_period(s, zone)
    if s.state is State.PAUSED:
        return _in_pause(s, zone)
    if s.first_failed_on is None:
        raise AssertionError(f"{s.id} is past due and has never failed")
    if s.retry_on is not None:
        return Due(DueAction.RETRY, trial.charge_at(s.retry_on, zone))
    return Due(DueAction.GIVE_UP, periods.start_of_day(dunning.gives_up_on(s.first_failed_on), zone))


def _in_trial(s: Subscription, zone: ZoneInfo) -> Due:
    charge_at = trial.charge_at(s.charge_on, zone)
    return _notice(s, charge_at) or Due(DueAction.FIRST_CHARGE, charge_at)


def _notice(s: Subscription, charge_at: datetime) -> Due | None:
    """The next of the two notices before a charge, while one is missing."""
    if s.first_notice_at is None:
        return Due(DueAction.FIRST_NOTICE, notices.window(notices.Notice.FIRST, charge_at).aim_at)
    if s.second_notice_at is None:
        return Due(DueAction.SECOND_NOTICE, notices.window(notices.Notice.SECOND, charge_at).aim_at)
    return None


def _in_period(s: Subscription, zone: ZoneInfo) -> Due:
    if s.period_end_on is None:  # started without a trial: the first charge is due at once
        return Due(DueAction.RENEW, s.started_at)
    charge_at = trial.charge_at(s.period_end_on, zone)
    if pause_is_ahead(s):
        return Due(DueAction.PAUSE, periods.start_of_day(s.period_end_on, zone))
    if s.is_fixed_term and s.term_notice_at is None:
        return Due(DueAction.TERM_NOTICE, term.window(s.period_end_on, zone).aim_at)
    renewal = Due(DueAction.RENEW, trial.charge_at(_not_before(s, s.period_end_on), zone))
    return (s.is_fixed_term and _notice(s, charge_at)) or renewal


def _not_before(s: Subscription, on: date) -> date:
    """The day of a renewal due `on`: later, where a request to cancel has postponed it."""
    return on if s.held_until is None else max(on, s.held_until)


def pause_is_ahead(s: Subscription) -> bool:
    """Whether a pause is planned that hasn't begun. While the subscription is cancelled, it isn't ahead."""
    ahead = s.resumes_on is not None and s.period_end_on is not None and s.resumes_on > s.period_end_on
    return s.state is State.ACTIVE and s.cancels_at is None and ahead


def paid_until(s: Subscription, today: date) -> date:
    """The first day after what is paid. Free days up to a chosen day of the month are for those who stay: they count from their first
    on."""
    if s.charge_day_from is not None and today < s.charge_day_from:
        return s.charge_day_from
    return s.period_end_on or s.charge_on


def _in_pause(s: Subscription, zone: ZoneInfo) -> Due:
    if s.resumes_on is None:
        raise AssertionError(f"{s.id} is paused without an end")
    if s.first_notice_at is None:
        charge_at = trial.charge_at(s.resumes_on, zone)
        return Due(DueAction.FIRST_NOTICE, notices.window(notices.Notice.FIRST, charge_at).aim_at)
    return Due(DueAction.END_PAUSE, periods.start_of_day(s.resumes_on, zone))


@dataclass(frozen=True, slots=True)
class NextCharge:
    """The next charge: its civil day, and the instant."""

    on: date
    at: datetime


def next_charge(subscription: Subscription, zone: ZoneInfo) -> NextCharge | None:
    """When the card is charged next; None: cancelled, ended, or waiting for another card. `notices/true_while` says the same in SQL."""
    s = subscription
    if s.state is State.ENDED or s.cancels_at is not None:
        return None
    if s.state is State.TRIALING:
        on = s.charge_on
    elif s.resumes_on is not None and (s.state is State.PAUSED or pause_is_ahead(s)):
        on = s.resumes_on
    elif s.state is State.ACTIVE:
        on = _not_before(s, s.period_end_on or s.charge_on)
    elif s.retry_on is not None:
        on = s.retry_on
    else:
        return None
    return NextCharge(on, trial.charge_at(on, zone))


def nth_period(subscription: Subscription, number: int, months: int) -> Period:
    """The period with this number, where each lasts `months`; raises NoSuchPeriod for one before the anchor's."""
    s = subscription
    ahead = number - s.anchor_number
    if ahead < 0 or months < 1:
        raise NoSuchPeriod(f"{s.id} has no period {number} of {months} months since period {s.anchor_number}")
    start = s.anchor_months + ahead * months
    return Period(number, add_months(s.charge_on, start), add_months(s.charge_on, start + months))


def period_containing(subscription: Subscription, on: date, months: int) -> Period:
    """The period in which the day `on` lies; raises NoSuchPeriod before the anchor's."""
    s = subscription
    if on < add_months(s.charge_on, s.anchor_months):
        raise NoSuchPeriod(f"{on.isoformat()} is before period {s.anchor_number} of {s.id}")
    by_month = periods.containing(s.charge_on, on).number - 1
    return nth_period(s, s.anchor_number + (by_month - s.anchor_months) // months, months)


def first_period_from(subscription: Subscription, on: date, months: int) -> Period:
    """The first period that begins on the day `on` or later."""
    s = subscription
    if on <= add_months(s.charge_on, s.anchor_months):
        return nth_period(s, s.anchor_number, months)
    found = period_containing(s, on, months)
    return found if found.start_on == on else nth_period(s, found.number + 1, months)
