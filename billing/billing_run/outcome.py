"""What became of a charge."""

from enum import StrEnum
from typing import assert_never


class SettleOutcome(StrEnum):
    """The result of settling an attempt; each is a count of a run's report."""

    CHARGED = "charged"
    REFUNDED = "refunded"
    """Money arrived that we don't keep: it goes back."""
    DECLINED = "declined"
    UNKNOWN = "unknown"
    NOT_TAKEN = "not_taken"
    NOT_SENT = "not_sent"
    SETTLED = "settled"
    """It had been settled before."""
    OPEN = "open"
    """The reader may still pay on its page."""


class Unattributed(StrEnum):
    """A charge that belongs to no attempt."""

    NOT_OURS = "not our charge"
    UNEXPLAINED = "unexplained"
    """It names this installation, but nothing here can have caused it: the money goes back."""


def took_money(outcome: SettleOutcome | Unattributed) -> bool:
    """Whether money arrived for an attempt just now, kept or not."""
    match outcome:
        case SettleOutcome.CHARGED | SettleOutcome.REFUNDED:
            return True
        case (
            SettleOutcome.DECLINED
            | SettleOutcome.UNKNOWN
            | SettleOutcome.NOT_TAKEN
            | SettleOutcome.NOT_SENT
            | SettleOutcome.SETTLED
            | SettleOutcome.OPEN
            | Unattributed.NOT_OURS
            | Unattributed.UNEXPLAINED
        ):
            return False
        case _:
            assert_never(outcome)


class PageOutcome(StrEnum):
    """A payment page that can't be settled."""

    ABSENT = "no such page"
