"""Why something was due and yet not charged: the words of a run's report, and what they mean."""

from billing.rules.worded import WordedEnum


class Skip(WordedEnum):
    """A word of a run's report for something due and not charged. Each member's `__doc__` says why."""

    NOT_NOTIFIED = (
        "not_notified",
        "its notices did not arrive in time, so the charge moves and is announced anew",
    )
    ANOTHER_DAY = "another_day", "no retry is allowed today; there is another day, or the reader is asked"
    CARD_LIMIT = (
        "card_limit",
        "its card has refused as often as it may in 30 days, so the reader is asked for another",
    )
    CARD_IN_HAND = "card_in_hand", "its card is being asked for other charges; it is decided after that"
    REQUEST_WAITS = (
        "request_waits",
        "a request to cancel waits for its answer, so the charge is put off once, and the reader is told",
    )
    HELD = "held", "charging was paused, because the acquirer makes no charge; it waits"
    NOT_TAKEN = (
        "not_taken",
        "The acquirer won't make the charge, and asked no bank; tried three times, then a case for staff",
    )
    NOT_SENT = (
        "not_sent",
        "not sent any more: cancelled or paid meanwhile, its page left unpaid, or too old and decided anew",
    )


BEFORE_THE_INTENT = (
    Skip.NOT_NOTIFIED,
    Skip.ANOTHER_DAY,
    Skip.CARD_LIMIT,
    Skip.CARD_IN_HAND,
    Skip.REQUEST_WAITS,
)
"""Decided before an attempt was written, so the report's `due` doesn't count them."""
