"""Why a card was declined, in neutral words."""

from dataclasses import dataclass

from billing.rules.decline_causes import DeclineCause
from billing.rules.dunning import DeclineKind


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card was declined. Only `kind` and `card_gone` decide anything; readers see the cause, staff the codes as they were written."""

    kind: DeclineKind
    code: str | None = None
    """The acquirer's own code."""
    advice: str | None = None
    """The acquirer's own advice."""
    network_code: str | None = None
    network_advice: str | None = None
    cause: DeclineCause = DeclineCause.BANK
    """What its reader may know of it."""
    card_gone: bool = False
    """Whether the card has left the acquirer's vault, so that no bank can be asked."""
