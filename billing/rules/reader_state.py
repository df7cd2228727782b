"""Who asks: how a reader stands to a subscription, which decides what walls, the offer and the navigation say."""

from dataclasses import dataclass
from enum import StrEnum

from billing.rules.lifecycle import State


class ReaderState(StrEnum):
    """How a reader stands. Only the first two are promised a trial."""

    STRANGER = "stranger"
    """Not signed in, so nobody knows."""
    REGISTERED = "registered"
    """No subscription runs, and the trial is still open to the reader."""
    TRIAL_USED = "trial_used"
    """The address had its trial, by a subscription that isn't this reader's: an account that was erased, for instance."""
    IN_TRIAL = "in_trial"
    SUBSCRIBED = "subscribed"
    PAUSED = "paused"
    PAYMENT_OPEN = "payment_open"
    DISPUTED = "disputed"
    """A bank questions a payment: until it has decided, nothing can start."""
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    """The sale was taken back."""


PROMISED_TRIAL = frozenset({ReaderState.STRANGER, ReaderState.REGISTERED})
CAN_START = PROMISED_TRIAL | {ReaderState.TRIAL_USED, ReaderState.ENDED, ReaderState.WITHDRAWN}
_RUNNING = {
    State.TRIALING: ReaderState.IN_TRIAL,
    State.ACTIVE: ReaderState.SUBSCRIBED,
    State.PAST_DUE: ReaderState.PAYMENT_OPEN,
    State.PAUSED: ReaderState.PAUSED,
}


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """What decides. `latest`: the state of the running subscription, else of the last one; `is_over`: it was cancelled and its end
    has come, though a worker may be late. `trial_open`: a trial may begin with the reader's address."""

    is_signed_in: bool
    latest: State | None = None
    is_over: bool = False
    trial_open: bool = True
    withdrew: bool = False
    disputed: bool = False


def reader_state(facts: ReaderFacts) -> ReaderState:
    """How the reader stands. What refuses a start comes before what is promised, so that no page promises what the next refuses."""
    if not facts.is_signed_in:
        return ReaderState.STRANGER
    if facts.latest in _RUNNING and not facts.is_over:
        return _RUNNING[facts.latest]
    if facts.disputed:
        return ReaderState.DISPUTED
    if facts.trial_open:
        return ReaderState.REGISTERED
    if facts.withdrew:
        return ReaderState.WITHDRAWN
    return ReaderState.TRIAL_USED if facts.latest is None else ReaderState.ENDED
