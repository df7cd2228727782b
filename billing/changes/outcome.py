"""The result of a due action."""

from enum import StrEnum


class ActionOutcome(StrEnum):
    """A count of a run's report each."""

    DUE = "due"
    """A charge is to be made: its attempt is written."""
    NOTIFIED = "notified"
    EXTENDED = "extended"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
