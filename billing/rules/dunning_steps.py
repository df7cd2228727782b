"""What follows a declined charge: a retry, a mail to the reader, or the end; each with its reason, and in words for staff."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DunningReason(StrEnum):
    """Why there is no further silent attempt. For staff and the history, never for the reader (RET-5)."""

    OTHER_CARD = "other_card"
    AUTHENTICATE = "authenticate"
    CARD_LIMIT = "card_limit"
    ATTEMPTS_USED = "attempts_used"
    UNKNOWN = "unknown"
    LADDER_OVER = "ladder_over"
    STOP_ORDER = "stop_order"
    GRACE_OVER = "grace_over"


class RetryReason(StrEnum):
    """Why a card is charged again on a certain day."""

    LADDER = "ladder"
    OTHER_CARD = "other_card"
    CARD_LIMIT_OVER = "card_limit_over"
    REQUEST = "request"


class MovedFor(StrEnum):
    """Why a rung's attempt isn't made on the ladder's own day."""

    PAYDAY = "payday"
    ONE_A_DAY = "one_a_day"


@dataclass(frozen=True, slots=True)
class Retry:
    """Charge again on the civil day `day`."""

    day: date
    reason: RetryReason = RetryReason.LADDER
    rung: int | None = None
    """Counted from 1, the charge that failed first: the first retry is 2."""
    moved_for: MovedFor | None = None
    moved_days: int = 0
    """Days from the ladder's own day to this one; negative where it moved back."""


@dataclass(frozen=True, slots=True)
class AskReader:
    """Make no silent attempt any more, and mail the reader a way to pay. Reading goes on until the grace is over."""

    reason: DunningReason


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The subscription ends."""

    reason: DunningReason


Next = Retry | AskReader | GiveUp

_RUNGS = ("first", "second", "third", "fourth")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
_RETRIES = {
    RetryReason.OTHER_CARD: "another card was given",
    RetryReason.CARD_LIMIT_OVER: "the first day on which this card may be asked again",
    RetryReason.REQUEST: "a request to cancel waits for its answer",
}
_ENDS = {
    DunningReason.OTHER_CARD: "only another card can pay",
    DunningReason.AUTHENTICATE: "the bank wants the reader to confirm",
    DunningReason.CARD_LIMIT: "the card has had its attempts of thirty days",
    DunningReason.ATTEMPTS_USED: "the attempts at this invoice are used",
    DunningReason.UNKNOWN: "the bank gives no reason that we know, twice",
    DunningReason.LADDER_OVER: "no rung is left",
    DunningReason.STOP_ORDER: "the reader told the bank to stop",
    DunningReason.GRACE_OVER: "the grace is over",
}


def in_words(step: Next) -> str:
    """A step as staff read it on the timeline: what follows, and why."""
    match step:
        case Retry():
            return f"asked again on {_day(step.day)}: {_why(step)}"
        case AskReader():
            return f"the reader is asked to pay: {_ENDS[step.reason]}"
        case GiveUp():
            return f"given up: {_ENDS[step.reason]}"


def moved_in_words(days: int) -> str:
    """A move of the day, such as "moved by two days"."""
    number = abs(days)
    count = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"moved {'back ' if days < 0 else ''}by {count} day{'' if number == 1 else 's'}"


def _day(on: date) -> str:
    return f"{on.day} {on:%B}"


def _why(step: Retry) -> str:
    if step.rung is None:
        return _RETRIES[step.reason]
    rung = f"{_RUNGS[step.rung - 1]} rung"
    match step.moved_for:
        case MovedFor.PAYDAY:
            return f"{rung}, {moved_in_words(step.moved_days)} to payday"
        case MovedFor.ONE_A_DAY:
            return f"{rung}, {moved_in_words(step.moved_days)}, as a card is asked once a day"
        case None:
            return rung
