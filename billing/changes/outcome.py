"""What an action that was due came to."""

from enum import StrEnum


class ActionOutcome(StrEnum):
    """A count of a run's report each."""

    DUE = "due"
    """To be charged: its attempt is written down."""
    NOTIFIED = "notified"
    EXTENDED = "extended"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
