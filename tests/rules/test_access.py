"""Who may read what: every combination against its own expectation, and what time and holdings may do."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.access import (
    LISTEN,
    READ,
    REFUSALS,
    AccessLevel,
    Decision,
    Held,
    Meter,
    NotAHolding,
    Reason,
    decide,
    held_by,
)
from billing.rules.instants import NaiveInstant
from billing.rules.lifecycle import State

NOW = datetime(2026, 3, 16, 7, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)
ALL = frozenset({READ, LISTEN})
NAIVE = datetime(2026, 3, 16, 7)  # noqa: DTZ001  # the refusal is the point

HOLDINGS = [Reason.TRIAL, Reason.SUBSCRIPTION, Reason.GRACE, Reason.COMPLIMENTARY, Reason.GIFT]
# None is held by nobody; the others end around now, at times on the very instant.
HELDS: list[Held | None] = [
    None,
    *(
        Held(reason, ends, features)
        for reason in HOLDINGS
        for ends in (None, NOW - DAY, NOW - INSTANT, NOW, NOW + INSTANT, NOW + DAY)
        for features in (ALL, frozenset({READ}), frozenset({LISTEN}), frozenset[str]())
    ),
    *(Held(Reason.SUBSCRIPTION, ends, ALL, renews=True) for ends in (None, NOW - DAY, NOW, NOW + DAY)),
]
METERS = [
    None,
    *(Meter(used, 3, counted) for used in (0, 2, 3, 4) for counted in (False, True)),
    Meter(0, 0, False),
]
OPENS = [None, NOW - DAY, NOW, NOW + INSTANT, NOW + 2 * DAY]


def expectation(
    level: AccessLevel, registered: bool, held: Held | None, meter: Meter | None, opened: datetime | None
) -> tuple[bool, Reason, frozenset[str]]:
    """Written the other way round: collect every ground there is, then name the strongest."""
    live = held is not None and (held.renews or held.until is None or held.until > NOW)
    grounds: list[Reason] = []
    if level == "free":
        grounds.append(Reason.FREE)
    if opened is not None and opened > NOW:
        grounds.append(Reason.OPEN)
    if held is not None and live:
        grounds.append(held.reason)
    if level == "registered" and registered:
        grounds.append(Reason.REGISTERED)
    if level == "metered" and meter is not None and (meter.counted or meter.limit - meter.used >= 1):
        grounds.append(Reason.METER)
    if not grounds:
        named = {"registered": "register", "metered": "meter_used", "subscriber": "subscribe"}
        return False, Reason(named[level]), frozenset()
    extra = held.features if held is not None and live else frozenset()
    return True, grounds[0], frozenset({"read"}) | extra


def test_every_combination() -> None:
    seen: set[Reason] = set()
    for level, registered, held, meter, opened in product(AccessLevel, (False, True), HELDS, METERS, OPENS):
        found = decide(level, registered=registered, held=held, meter=meter, at=NOW, open_until=opened)
        expected = expectation(level, registered, held, meter, opened)
        assert (found.allowed, found.reason, found.features) == expected, (
            level,
            registered,
            held,
            meter,
            opened,
        )
        seen.add(found.reason)
    assert seen == set(Reason), "every reason of the contract was met"


SUBSCRIBED = Held(Reason.SUBSCRIPTION, NOW + DAY, ALL)
USED_UP = Meter(used=3, limit=3, counted=False)


@pytest.mark.parametrize(
    ("level", "registered", "held", "meter", "opened", "decision"),
    [
        ("free", False, None, None, None, Decision(True, Reason.FREE, frozenset({READ}), None)),
        ("free", True, SUBSCRIBED, None, None, Decision(True, Reason.FREE, ALL, NOW + DAY)),
        ("subscriber", True, None, None, None, Decision(False, Reason.SUBSCRIBE, frozenset(), None)),
        ("subscriber", True, SUBSCRIBED, None, None, Decision(True, Reason.SUBSCRIPTION, ALL, NOW + DAY)),
        (
            "subscriber",
            False,
            None,
            None,
            NOW + DAY,
            Decision(True, Reason.OPEN, frozenset({READ}), NOW + DAY),
        ),
        ("subscriber", False, SUBSCRIBED, None, NOW + 2 * DAY, Decision(True, Reason.OPEN, ALL, NOW + DAY)),
        (
            "subscriber",
            False,
            SUBSCRIBED,
            None,
            NOW + INSTANT,
            Decision(True, Reason.OPEN, ALL, NOW + INSTANT),
        ),
        ("registered", False, None, None, None, Decision(False, Reason.REGISTER, frozenset(), None)),
        ("registered", True, None, None, None, Decision(True, Reason.REGISTERED, frozenset({READ}), None)),
        ("registered", True, SUBSCRIBED, None, None, Decision(True, Reason.SUBSCRIPTION, ALL, NOW + DAY)),
        ("metered", True, None, USED_UP, None, Decision(False, Reason.METER_USED, frozenset(), None)),
        ("metered", False, None, None, None, Decision(False, Reason.METER_USED, frozenset(), None)),
        (
            "metered",
            False,
            None,
            Meter(2, 3, False),
            None,
            Decision(True, Reason.METER, frozenset({READ}), None),
        ),
        (
            "metered",
            False,
            None,
            Meter(3, 3, True),
            None,
            Decision(True, Reason.METER, frozenset({READ}), None),
        ),
        ("metered", True, SUBSCRIBED, USED_UP, None, Decision(True, Reason.SUBSCRIPTION, ALL, NOW + DAY)),
    ],
)
def test_the_cases_told_one_by_one(
    level: str,
    registered: bool,
    held: Held | None,
    meter: Meter | None,
    opened: datetime | None,
    decision: Decision,
) -> None:
    found = decide(
        AccessLevel(level), registered=registered, held=held, meter=meter, at=NOW, open_until=opened
    )
    assert found == decision


# -- properties ------------------------------------------------------------------------------------------

instants = st.sampled_from([NOW + hours * timedelta(hours=1) for hours in range(-3, 4)])
helds = st.builds(
    Held,
    st.sampled_from(HOLDINGS),
    st.none() | instants,
    st.frozensets(st.sampled_from([READ, LISTEN, "puzzles"])),
    st.booleans(),
)
meters = st.builds(Meter, st.integers(0, 5), st.integers(0, 5), st.booleans())
levels = st.sampled_from(AccessLevel)
maybe_held, maybe_meter, maybe_open = st.none() | helds, st.none() | meters, st.none() | instants


@given(levels, st.booleans(), maybe_held, maybe_meter, instants, maybe_open)
def test_read_goes_with_allowed_and_a_refusal_gives_nothing(
    level: AccessLevel,
    registered: bool,
    held: Held | None,
    meter: Meter | None,
    at: datetime,
    opened: datetime | None,
) -> None:
    found = decide(level, registered=registered, held=held, meter=meter, at=at, open_until=opened)
    assert found.allowed == (READ in found.features) == (found.reason not in REFUSALS)
    assert found.allowed or not found.features
    assert found.features - {READ} <= (held.features if held else frozenset())
    assert found.until is None or found.until > at


@given(levels, st.booleans(), helds, maybe_meter, instants, maybe_open)
def test_a_holding_never_takes_access_away(
    level: AccessLevel,
    registered: bool,
    held: Held,
    meter: Meter | None,
    at: datetime,
    opened: datetime | None,
) -> None:
    without = decide(level, registered=registered, held=None, meter=meter, at=at, open_until=opened)
    holding = decide(level, registered=registered, held=held, meter=meter, at=at, open_until=opened)
    assert holding.allowed >= without.allowed
    assert holding.features >= without.features
    if held.live(at):
        assert holding.allowed
        assert holding.features >= held.features
    else:
        assert holding == without


@given(levels, maybe_held, maybe_meter, instants, maybe_open)
def test_signing_up_opens_registered_articles_and_no_others(
    level: AccessLevel, held: Held | None, meter: Meter | None, at: datetime, opened: datetime | None
) -> None:
    visitor = decide(level, registered=False, held=held, meter=meter, at=at, open_until=opened)
    reader = decide(level, registered=True, held=held, meter=meter, at=at, open_until=opened)
    if level is AccessLevel.REGISTERED:
        assert reader.allowed
    else:
        assert reader == visitor


@given(
    levels, st.booleans(), maybe_held, maybe_meter, instants, maybe_open, st.timedeltas(timedelta(), 5 * DAY)
)
def test_time_alone_moves_a_decision_only_at_the_instant_it_named(
    level: AccessLevel,
    registered: bool,
    held: Held | None,
    meter: Meter | None,
    at: datetime,
    opened: datetime | None,
    later: timedelta,
) -> None:
    def answer(at: datetime) -> tuple[bool, Reason, frozenset[str]]:
        found = decide(level, registered=registered, held=held, meter=meter, at=at, open_until=opened)
        return found.allowed, found.reason, found.features

    now = decide(level, registered=registered, held=held, meter=meter, at=at, open_until=opened)
    last = at + later if now.until is None else min(at + later, now.until - INSTANT)
    assert answer(last) == answer(at)
    if now.until is not None and not (held and held.renews):
        assert answer(now.until) != answer(at), "the instant is the one at which it does change"


# -- what a subscription holds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "cancels_at", "access_until", "held"),
    [
        (State.TRIALING, None, NOW + DAY, (Reason.TRIAL, NOW + DAY)),
        (State.ACTIVE, None, NOW + DAY, (Reason.SUBSCRIPTION, NOW + DAY)),
        (State.PAST_DUE, None, NOW + DAY, (Reason.GRACE, NOW + DAY)),
        # A late job never locks a payer out.
        (State.TRIALING, None, NOW, (Reason.TRIAL, NOW)),
        (State.ACTIVE, None, NOW - 9 * DAY, (Reason.SUBSCRIPTION, NOW - 9 * DAY)),
        (State.PAST_DUE, None, NOW - 40 * DAY, (Reason.GRACE, NOW - 40 * DAY)),
        (State.ACTIVE, None, None, (Reason.SUBSCRIPTION, None)),
        # A cancelled one ends by itself, to the instant.
        (State.TRIALING, NOW + INSTANT, NOW + DAY, (Reason.TRIAL, NOW + INSTANT)),
        (State.ACTIVE, NOW + DAY, NOW + DAY, (Reason.SUBSCRIPTION, NOW + DAY)),
        (State.ACTIVE, NOW, NOW, None),
        (State.TRIALING, NOW - INSTANT, None, None),
        # A charge that raced the cancellation moved the period; it is refunded and gives no access.
        (State.ACTIVE, NOW - DAY, NOW + 29 * DAY, None),
        (State.ENDED, None, NOW + DAY, None),
        (State.ENDED, NOW + DAY, NOW + DAY, None),
    ],
)
def test_what_a_subscription_holds(
    state: State,
    cancels_at: datetime | None,
    access_until: datetime | None,
    held: tuple[Reason, datetime | None] | None,
) -> None:
    found = held_by(state, cancels_at=cancels_at, access_until=access_until, features=ALL, at=NOW)
    assert (found and (found.reason, found.until)) == held
    opened = decide(AccessLevel.SUBSCRIBER, registered=True, held=found, meter=None, at=NOW)
    assert opened.allowed is (held is not None)
    if found is not None:
        assert found.features == opened.features == ALL
        assert found.renews is (cancels_at is None)


@given(st.sampled_from([State.TRIALING, State.ACTIVE, State.PAST_DUE]), maybe_open, instants, instants)
def test_an_uncancelled_subscription_kept_in_memory_opens_at_any_later_time(
    state: State, access_until: datetime | None, at: datetime, later: datetime
) -> None:
    held = held_by(state, cancels_at=None, access_until=access_until, features=ALL, at=at)
    found = decide(AccessLevel.SUBSCRIBER, registered=True, held=held, meter=None, at=later)
    assert found.allowed
    assert found.features == ALL


# -- refusals at the border -------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(set(Reason) - set(HOLDINGS)))
def test_only_a_holding_can_be_held(reason: Reason) -> None:
    with pytest.raises(NotAHolding, match=f"{reason} is not something a reader can hold"):
        Held(reason, None, ALL)


@pytest.mark.parametrize(("used", "limit"), [(-1, 3), (0, -1)])
def test_a_meter_counts_from_nothing(used: int, limit: int) -> None:
    with pytest.raises(ValueError, match="counts from 0"):
        Meter(used, limit, False)


def test_naive_instants_are_refused() -> None:
    level = AccessLevel.SUBSCRIBER
    for attempt in (
        lambda: decide(level, registered=True, held=None, meter=None, at=NAIVE),
        lambda: decide(level, registered=True, held=None, meter=None, at=NOW, open_until=NAIVE),
        lambda: Held(Reason.TRIAL, NAIVE, ALL),
        lambda: held_by(State.ACTIVE, cancels_at=None, access_until=None, features=ALL, at=NAIVE),
        lambda: held_by(State.ACTIVE, cancels_at=NAIVE, access_until=None, features=ALL, at=NOW),
        lambda: held_by(State.ACTIVE, cancels_at=None, access_until=NAIVE, features=ALL, at=NOW),
    ):
        with pytest.raises(NaiveInstant):
            attempt()
