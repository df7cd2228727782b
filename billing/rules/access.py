"""Who may read which article, and why: decided from facts, never granted by a job."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from billing.rules.instants import aware
from billing.rules.lifecycle import State

READ: Final = "read"
LISTEN: Final = "listen"


class AccessLevel(StrEnum):
    """What an article asks of its reader."""

    FREE = "free"
    REGISTERED = "registered"
    METERED = "metered"
    SUBSCRIBER = "subscriber"


class Reason(StrEnum):
    """Why an article is open to a reader; the last three, why it is not."""

    FREE = "free"
    OPEN = "open"
    REGISTERED = "registered"
    TRIAL = "trial"
    SUBSCRIPTION = "subscription"
    GRACE = "grace"
    COMPLIMENTARY = "complimentary"
    GIFT = "gift"
    METER = "meter"
    SUBSCRIBE = "subscribe"
    REGISTER = "register"
    METER_USED = "meter_used"


REFUSALS: Final = frozenset({Reason.SUBSCRIBE, Reason.REGISTER, Reason.METER_USED})
HOLDINGS: Final = frozenset(
    {Reason.TRIAL, Reason.SUBSCRIPTION, Reason.GRACE, Reason.COMPLIMENTARY, Reason.GIFT}
)


class NotAHolding(ValueError):
    """Only a trial, a subscription, its grace, a complimentary grant or a gift can be held."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"{reason} is not something a reader can hold")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Held:
    """What a reader holds: its reason, the instant it ends (exclusive; None: no end known), its features.

    One that `renews` does not end at `until`: the next charge is due there, and a late job must not
    lock a payer out. So it can be kept in memory past that instant without harm.
    Raises NotAHolding and NaiveInstant.
    """

    reason: Reason
    until: datetime | None
    features: frozenset[str]
    renews: bool = False

    def __post_init__(self) -> None:
        if self.reason not in HOLDINGS:
            raise NotAHolding(self.reason)
        if self.until is not None:
            aware(self.until)

    def live(self, at: datetime) -> bool:
        """Whether it is held at the instant `at`."""
        return self.renews or self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Meter:
    """Articles `used` of `limit` in the current window; `counted`: this article is among the used ones."""

    used: int
    limit: int
    counted: bool

    def __post_init__(self) -> None:
        if self.used < 0 or self.limit < 0:
            raise ValueError(f"a meter counts from 0, not {self.used} of {self.limit}")

    @property
    def lets_in(self) -> bool:
        """Whether this article is within the meter; reading one again is free (PW-4)."""
        return self.counted or self.used < self.limit


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: `READ` is in `features` exactly when `allowed`.

    Until the instant `until` (UTC) the passing of time alone does not change the answer; None: it never does.
    """

    allowed: bool
    reason: Reason
    features: frozenset[str]
    until: datetime | None


def decide(
    level: AccessLevel,
    *,
    registered: bool,
    held: Held | None,
    meter: Meter | None,
    at: datetime,
    open_until: datetime | None = None,
) -> Decision:
    """Whether an article of `level` is open at the instant `at`, why, with which features, and until when.

    `open_until` opens the article to everyone up to that instant (exclusive). Free and opened articles
    say so even to a subscriber, who keeps the features of the subscription there. Signing up never
    opens a subscriber article. Raises NaiveInstant.
    """
    at = aware(at)
    if held is not None and not held.live(at):
        held = None
    if level is AccessLevel.FREE:
        return _open_to_all(Reason.FREE, None, held, at)
    if open_until is not None and aware(open_until) > at:
        return _open_to_all(Reason.OPEN, open_until, held, at)
    if held is not None:
        return _allowed(held.reason, held.features, _ahead(held.until, at))
    return _without_holding(level, registered, meter)


def held_by(
    state: State,
    *,
    cancels_at: datetime | None,
    access_until: datetime | None,
    features: frozenset[str],
    at: datetime,
) -> Held | None:
    """What a subscription gives its reader at the instant `at`; None once it is over.

    Uncancelled, it holds whatever the clock says: `access_until`, the end of what is free or paid for,
    only tells when the next charge is due. Cancelled, it ends at `cancels_at` (exclusive), even where a
    charge that raced the cancellation and is being refunded has moved `access_until`. Raises NaiveInstant.
    """
    at = aware(at)
    reason = _REASONS.get(state)
    if reason is None:
        return None
    if cancels_at is None:
        return Held(reason, access_until, features, renews=True)
    held = Held(reason, cancels_at, features)
    return held if held.live(at) else None


_REASONS: Final = {
    State.TRIALING: Reason.TRIAL,
    State.ACTIVE: Reason.SUBSCRIPTION,
    State.PAST_DUE: Reason.GRACE,
}


def _without_holding(level: AccessLevel, registered: bool, meter: Meter | None) -> Decision:
    match level:
        case AccessLevel.FREE:
            return _allowed(Reason.FREE)
        case AccessLevel.REGISTERED:
            return _allowed(Reason.REGISTERED) if registered else _refused(Reason.REGISTER)
        case AccessLevel.METERED:
            open_by_meter = meter is not None and meter.lets_in
            return _allowed(Reason.METER) if open_by_meter else _refused(Reason.METER_USED)
        case AccessLevel.SUBSCRIBER:
            return _refused(Reason.SUBSCRIBE)
        case _:
            assert_never(level)


def _open_to_all(reason: Reason, ends_at: datetime | None, held: Held | None, at: datetime) -> Decision:
    if held is None or held.features <= {READ}:
        return _allowed(reason, until=_ahead(ends_at, at))
    ends = [instant for instant in (_ahead(ends_at, at), _ahead(held.until, at)) if instant is not None]
    return _allowed(reason, held.features, min(ends, default=None))


def _ahead(until: datetime | None, at: datetime) -> datetime | None:
    return None if until is None or until <= at else aware(until)


def _allowed(
    reason: Reason, features: frozenset[str] = frozenset(), until: datetime | None = None
) -> Decision:
    return Decision(True, reason, features | {READ}, until)


def _refused(reason: Reason) -> Decision:
    return Decision(False, reason, frozenset(), None)
