"""Who may read which article, and why: decided from facts, never granted by a job.

Only `decide` opens an article, for pages, programs and edges alike. It knows no database, so a process that caches the
facts can call it too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from billing.rules.lifecycle import State
from billing.rules.periods import aware
from billing.rules.policies import AccessLevel as AccessLevel
from billing.rules.policies import ArticlePolicy, FreeSpan

READ: Final = "read"
LISTEN: Final = "listen"


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
STRENGTH: Final = (Reason.TRIAL, Reason.SUBSCRIPTION, Reason.GRACE, Reason.COMPLIMENTARY, Reason.GIFT)
"""The reasons of entitlements, strongest first. The strongest names the decision."""
ENTITLING: Final = frozenset(STRENGTH)


class NotAnEntitlement(ValueError):
    """Only a trial, a subscription, its grace, a complimentary grant or a gift entitles."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"{reason} is not something a reader can hold")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What entitles a reader: its reason, the instant it ends (exclusive; None: no end known), its features.

    One that `renews` does not end at `until`: the next charge is due there, and a late job must not lock a payer out. So it
    can be kept in memory past that instant. One that is `ahead` is held only from `until` on, when a pause is over; it
    renews there, even where the job is late. Raises NotAnEntitlement and NaiveInstant.
    """

    reason: Reason
    until: datetime | None
    features: frozenset[str]
    renews: bool = False
    ahead: bool = False

    def __post_init__(self) -> None:
        if self.reason not in ENTITLING or (self.ahead and not (self.renews and self.until)):
            raise NotAnEntitlement(self.reason)
        if self.until is not None:
            aware(self.until)

    def live(self, at: datetime) -> bool:
        """Whether it is held at the instant `at`."""
        if self.ahead and self.until is not None:
            return at >= self.until
        return self.renews or self.until is None or at < self.until


def strongest(held: tuple[Entitlement, ...], at: datetime) -> Entitlement | None:
    """Of the entitlements held at the instant, the one that names the reason."""
    live = (entitlement for entitlement in held if entitlement.live(at))
    return min(live, key=lambda entitlement: STRENGTH.index(entitlement.reason), default=None)


@dataclass(frozen=True, slots=True)
class Meter:
    """Articles `used` of `limit` until the instant `resets_at`; `counted`: this article is among the used ones.

    From `resets_at` on nothing is used (None: it never resets)."""

    used: int
    limit: int
    counted: bool
    resets_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.used < 0 or self.limit < 0:
            raise ValueError(f"a meter counts from 0, not {self.used} of {self.limit}")
        if self.resets_at is not None:
            aware(self.resets_at)

    def lets_in(self, at: datetime) -> bool:
        """Whether this article is within the meter at the instant; reading one again is free (PW-4)."""
        if self.resets_at is not None and at >= self.resets_at:
            return self.limit > 0
        return self.counted or self.used < self.limit


@dataclass(frozen=True, slots=True)
class Facts:
    """All that matters for one article and one reader. `opened`: when an editor opens it to everyone, in the public interest."""

    policy: ArticlePolicy
    registered: bool = False
    held: tuple[Entitlement, ...] = ()
    meter: Meter | None = None
    opened: tuple[FreeSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason for which the article could be open, whether it holds, and the instant to which it does (exclusive)."""

    reason: Reason
    holds: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: `READ` is in `features` exactly when `allowed`.

    Until the instant `until` (UTC) the passing of time alone does not change the answer; None: it never does.
    """

    allowed: bool
    reason: Reason
    features: frozenset[str]
    until: datetime | None


def decide(facts: Facts, at: datetime) -> Decision:
    """Whether the article is open to the reader at the instant `at`, why, with which features, and until when.

    Free and opened articles say so even to a subscriber, who keeps the features of the subscription there. Signing up
    never opens a subscriber article. Raises NaiveInstant.
    """
    at = aware(at)
    reason, features = answer = _answer(facts, at, at)
    until = next((then for then in _instants(facts, at) if _answer(facts, then, at) != answer), None)
    return Decision(READ in features, reason, features, until)


def same_until(facts: Facts, at: datetime) -> datetime | None:
    """The instant until which `decide` gives the same answer for these facts, its `until` included; None: for ever."""
    return next(iter(_instants(facts, aware(at))), None)


def _answer(facts: Facts, at: datetime, now: datetime) -> tuple[Reason, frozenset[str]]:
    for ground in grounds(facts, at, now):
        if ground.holds:
            live = (held.features for held in facts.held if _live(held, at, now))
            return ground.reason, frozenset({READ}).union(*live)
    return _REFUSED[facts.policy.level], frozenset()


_REFUSED: Final = {
    AccessLevel.FREE: Reason.SUBSCRIBE,  # never given: a free article is open on the ground that it is
    AccessLevel.REGISTERED: Reason.REGISTER,
    AccessLevel.METERED: Reason.METER_USED,
    AccessLevel.SUBSCRIBER: Reason.SUBSCRIBE,
}


def grounds(facts: Facts, at: datetime, now: datetime | None = None) -> Iterator[Ground]:
    """Every ground that the facts could give at `at`, seen from `now` (None: from `at`), strongest first. The first that holds
    is the decision's reason."""
    now = now or at
    policy = facts.policy
    free = policy.free_span(at)
    yield Ground(Reason.FREE, free is not None, free.end if free else None)
    opened = [span for span in facts.opened if span.covers(at)]
    yield Ground(Reason.OPEN, bool(opened), _latest(opened))
    for reason in STRENGTH:
        for held in facts.held:
            if held.reason is reason:
                yield Ground(reason, _live(held, at, now), held.until)
    if policy.level is AccessLevel.REGISTERED:
        yield Ground(Reason.REGISTERED, facts.registered)
    if policy.level is AccessLevel.METERED:
        meter = facts.meter
        yield Ground(
            Reason.METER, meter is not None and meter.lets_in(at), meter.resets_at if meter else None
        )


def _live(held: Entitlement, at: datetime, now: datetime) -> bool:
    """Whether it is held at `at`, seen from `now`: what renews is promised only to its next charge."""
    if held.renews and not held.ahead and held.until is not None and held.until > now:
        return at < held.until
    return held.live(at)


def _instants(facts: Facts, at: datetime) -> list[datetime]:
    """Every later instant that the facts name, the next first."""
    spans = (*facts.policy.free, *facts.opened)
    found = {instant for span in spans for instant in (span.start, span.end)}
    found |= {held.until for held in facts.held}
    if facts.meter:
        found.add(facts.meter.resets_at)
    return sorted(aware(instant) for instant in found if instant is not None and instant > at)


def _latest(spans: list[FreeSpan]) -> datetime | None:
    ends = [span.end for span in spans]
    return None if None in ends else max((end for end in ends if end is not None), default=None)


_REASONS: Final = {
    State.TRIALING: Reason.TRIAL,
    State.ACTIVE: Reason.SUBSCRIPTION,
    State.PAST_DUE: Reason.GRACE,
}


def entitlement_of(
    state: State,
    *,
    cancels_at: datetime | None,
    access_until: datetime | None,
    resumes_at: datetime | None,
    features: frozenset[str],
    at: datetime,
) -> Entitlement | None:
    """The entitlement that a subscription gives at the instant `at`, or after its pause; None once it is over.

    Uncancelled, it holds whatever the clock says: `access_until`, the end of what is free or paid, only
    says when the next charge is due. Cancelled, it ends at `cancels_at` (exclusive). A charge that raced the cancellation, and
    goes back, may have moved `access_until`. `resumes_at`: the first instant after a pause.

    The SQL function `entitlement` says the same (see `access/entitled`): change both, that one by a migration. Raises NaiveInstant.
    """
    at = aware(at)
    if state is State.PAUSED and resumes_at is not None:
        return Entitlement(Reason.SUBSCRIPTION, resumes_at, features, renews=True, ahead=True)
    reason = _REASONS.get(state)
    if reason is None:
        return None
    if cancels_at is None:
        return Entitlement(reason, access_until, features, renews=True)
    held = Entitlement(reason, cancels_at, features)
    return held if held.live(at) else None
