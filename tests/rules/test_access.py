"""Access decisions case by case, and the effects of time, entitlements and public windows. The whole table is in test_access_table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.access import (
    ENTITLING,
    LISTEN,
    READ,
    REFUSALS,
    AccessLevel,
    Decision,
    Entitlement,
    Facts,
    Meter,
    NotAnEntitlement,
    Reason,
    decide,
    entitlement_of,
    grounds,
)
from billing.rules.lifecycle import State
from billing.rules.periods import NaiveInstant
from billing.rules.policies import ArticlePolicy, FreeSpan

NOW = datetime(2026, 3, 16, 7, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)
ALL = frozenset({READ, LISTEN})
JUST_READ = frozenset({READ})
NAIVE = datetime(2026, 3, 16, 7)  # noqa: DTZ001  # the refusal is the point

SUBSCRIBED = Entitlement(Reason.SUBSCRIPTION, NOW + DAY, ALL)
RENEWING = Entitlement(Reason.SUBSCRIPTION, NOW + DAY, ALL, renews=True)
LATE = Entitlement(Reason.SUBSCRIPTION, NOW - DAY, ALL, renews=True)
USED_UP = Meter(used=3, limit=3, counted=False)
FREE, REGISTERED, METERED, SUBSCRIBER = (ArticlePolicy(level) for level in AccessLevel)
LOCKED = Decision(False, Reason.SUBSCRIBE, frozenset(), None)


def opened(*ends: datetime) -> tuple[FreeSpan, ...]:
    return tuple(FreeSpan(NOW - DAY, end) for end in ends)


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (Facts(FREE), Decision(True, Reason.FREE, JUST_READ, None)),
        (Facts(FREE, True, (SUBSCRIBED,)), Decision(True, Reason.FREE, ALL, NOW + DAY)),
        (Facts(SUBSCRIBER, True), LOCKED),
        (Facts(SUBSCRIBER, True, (SUBSCRIBED,)), Decision(True, Reason.SUBSCRIPTION, ALL, NOW + DAY)),
        # The next charge is named, though reading goes on; once it is late, no instant is.
        (Facts(SUBSCRIBER, True, (RENEWING,)), Decision(True, Reason.SUBSCRIPTION, ALL, NOW + DAY)),
        (Facts(SUBSCRIBER, True, (LATE,)), Decision(True, Reason.SUBSCRIPTION, ALL, None)),
        (
            Facts(SUBSCRIBER, opened=opened(NOW + DAY)),
            Decision(True, Reason.OPEN, JUST_READ, NOW + DAY),
        ),
        # Two openings: it stands until the later one ends.
        (
            Facts(SUBSCRIBER, opened=opened(NOW + DAY, NOW + 3 * DAY)),
            Decision(True, Reason.OPEN, JUST_READ, NOW + 3 * DAY),
        ),
        (
            Facts(SUBSCRIBER, held=(SUBSCRIBED,), opened=opened(NOW + 2 * DAY)),
            Decision(True, Reason.OPEN, ALL, NOW + DAY),
        ),
        (
            Facts(SUBSCRIBER, held=(SUBSCRIBED,), opened=opened(NOW + INSTANT)),
            Decision(True, Reason.OPEN, ALL, NOW + INSTANT),
        ),
        # What will be is named too: an article that opens in a week.
        (
            Facts(ArticlePolicy(AccessLevel.SUBSCRIBER, (FreeSpan(NOW + 7 * DAY, None),))),
            Decision(False, Reason.SUBSCRIBE, frozenset(), NOW + 7 * DAY),
        ),
        (Facts(REGISTERED), Decision(False, Reason.REGISTER, frozenset(), None)),
        (Facts(REGISTERED, True), Decision(True, Reason.REGISTERED, JUST_READ, None)),
        (Facts(METERED, True, meter=USED_UP), Decision(False, Reason.METER_USED, frozenset(), None)),
        (Facts(METERED), Decision(False, Reason.METER_USED, frozenset(), None)),
        (Facts(METERED, meter=Meter(2, 3, False)), Decision(True, Reason.METER, JUST_READ, None)),
        (Facts(METERED, meter=Meter(3, 3, True)), Decision(True, Reason.METER, JUST_READ, None)),
        (
            Facts(METERED, meter=Meter(3, 3, False, NOW + DAY)),
            Decision(False, Reason.METER_USED, frozenset(), NOW + DAY),
        ),
        (
            Facts(METERED, True, (SUBSCRIBED,), USED_UP),
            Decision(True, Reason.SUBSCRIPTION, ALL, NOW + DAY),
        ),
        # Features add up over all that is held.
        (
            Facts(
                SUBSCRIBER,
                True,
                (Entitlement(Reason.COMPLIMENTARY, None, ALL), Entitlement(Reason.GRACE, None, JUST_READ)),
            ),
            Decision(True, Reason.GRACE, ALL, None),
        ),
    ],
)
def test_the_cases_told_one_by_one(facts: Facts, decision: Decision) -> None:
    assert decide(facts, NOW) == decision


def test_the_grounds_are_told_the_strongest_first_and_the_first_that_holds_decides() -> None:
    facts = Facts(METERED, True, (SUBSCRIBED, Entitlement(Reason.GIFT, NOW - DAY, JUST_READ)), USED_UP)
    said = [(ground.reason, ground.holds) for ground in grounds(facts, NOW)]
    assert said == [
        (Reason.FREE, False),
        (Reason.OPEN, False),
        (Reason.SUBSCRIPTION, True),
        (Reason.GIFT, False),
        (Reason.METER, False),
    ]


# -- properties ------------------------------------------------------------------------------------------

# Small domains are written out, and one is chosen at a time: drawing field by field took most of the time.
hours = [NOW + hour * timedelta(hours=1) for hour in range(-3, 4)]
instants = st.sampled_from(hours)
maybe_hours = [None, *hours]
FEATURES = [frozenset(some) for size in range(4) for some in combinations((READ, LISTEN, "comment"), size)]
helds = st.sampled_from(
    [Entitlement(*fields) for fields in product(sorted(ENTITLING), maybe_hours, FEATURES, (False, True))]
) | st.sampled_from([Entitlement(Reason.SUBSCRIPTION, hour, ALL, True, ahead=True) for hour in hours])
meters = st.sampled_from(
    [Meter(*fields) for fields in product(range(6), range(6), (False, True), maybe_hours)]
)
spans = st.sampled_from([FreeSpan(start, end) for start, end in product(maybe_hours, maybe_hours)])
few_spans = st.lists(spans, max_size=2).map(tuple)
policies = st.builds(ArticlePolicy, st.sampled_from(AccessLevel), few_spans)
facts_of = st.builds(
    Facts, policies, st.booleans(), st.lists(helds, max_size=3).map(tuple), st.none() | meters, few_spans
)


def answer(facts: Facts, at: datetime) -> tuple[bool, Reason, frozenset[str]]:
    found = decide(facts, at)
    return found.allowed, found.reason, found.features


@given(facts_of, instants)
def test_read_goes_with_allowed_and_a_refusal_gives_nothing(facts: Facts, at: datetime) -> None:
    found = decide(facts, at)
    assert found.allowed == (READ in found.features) == (found.reason not in REFUSALS)
    assert found.allowed or not found.features
    assert found.features - {READ} <= frozenset().union(*(held.features for held in facts.held))
    assert found.until is None or found.until > at


@given(facts_of, helds, instants)
def test_a_holding_never_takes_access_away(facts: Facts, held: Entitlement, at: datetime) -> None:
    without, holding = decide(facts, at), decide(replace(facts, held=(*facts.held, held)), at)
    assert holding.allowed >= without.allowed
    assert holding.features >= without.features
    if held.live(at):
        assert holding.allowed
        assert holding.features >= held.features
    else:
        assert (holding.allowed, holding.reason, holding.features) == answer(facts, at)


@given(facts_of, spans, instants)
def test_neither_does_an_opening_nor_a_free_window(facts: Facts, span: FreeSpan, at: datetime) -> None:
    before = decide(facts, at)
    policy = replace(facts.policy, free=(*facts.policy.free, span))
    for more in (replace(facts, opened=(*facts.opened, span)), replace(facts, policy=policy)):
        after = decide(more, at)
        assert after.allowed >= before.allowed
        assert after.features >= before.features
        assert after.allowed or not span.covers(at)


@given(facts_of, instants)
def test_signing_up_opens_registered_articles_and_no_others(facts: Facts, at: datetime) -> None:
    visitor, reader = (decide(replace(facts, registered=known), at) for known in (False, True))
    if facts.policy.level is AccessLevel.REGISTERED:
        assert reader.allowed
    else:
        assert reader == visitor


@given(facts_of, instants, st.timedeltas(timedelta(), 5 * DAY))
def test_time_alone_moves_a_decision_only_at_the_instant_it_named(
    facts: Facts, at: datetime, later: timedelta
) -> None:
    now = decide(facts, at)
    last = at + later if now.until is None else min(at + later, now.until - INSTANT)
    assert answer(facts, last) == answer(facts, at)
    if now.until is not None and not any(held.renews for held in facts.held):
        assert answer(facts, now.until) != answer(facts, at), "the instant is the one at which it does change"


@given(facts_of, instants)
def test_time_moves_it_only_at_instants_that_the_facts_name(facts: Facts, at: datetime) -> None:
    named = {instant for span in (*facts.policy.free, *facts.opened) for instant in (span.start, span.end)}
    named |= {held.until for held in facts.held} | ({facts.meter.resets_at} if facts.meter else set())
    for hour in hours:
        if answer(facts, hour - INSTANT) != answer(facts, hour):
            assert hour in named
    assert decide(facts, at).until in named | {None}


@given(facts_of, instants)
def test_the_first_ground_that_holds_is_the_reason(facts: Facts, at: datetime) -> None:
    first = next((ground.reason for ground in grounds(facts, at) if ground.holds), None)
    found = decide(facts, at)
    assert (found.reason == first) if found.allowed else first is None


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
    found = entitlement_of(
        state, cancels_at=cancels_at, access_until=access_until, resumes_at=None, features=ALL, at=NOW
    )
    assert (found and (found.reason, found.until)) == held
    opened = decide(Facts(SUBSCRIBER, True, (found,) if found else ()), NOW)
    assert opened.allowed is (held is not None)
    if found is not None:
        assert found.features == opened.features == ALL
        assert found.renews is (cancels_at is None)


@given(
    st.sampled_from([State.TRIALING, State.ACTIVE, State.PAST_DUE]), st.none() | instants, instants, instants
)
def test_an_uncancelled_subscription_kept_in_memory_opens_at_any_later_time(
    state: State, access_until: datetime | None, at: datetime, later: datetime
) -> None:
    held = entitlement_of(
        state, cancels_at=None, access_until=access_until, resumes_at=None, features=ALL, at=at
    )
    assert held is not None
    found = decide(Facts(SUBSCRIBER, True, (held,)), later)
    assert found.allowed
    assert found.features == ALL


def test_a_pause_is_over_at_its_instant_whether_anybody_ends_it_or_not() -> None:
    def paused(resumes_at: datetime | None) -> Entitlement | None:
        return entitlement_of(
            State.PAUSED, cancels_at=None, access_until=NOW, resumes_at=resumes_at, features=ALL, at=NOW
        )

    assert paused(None) is None
    ahead, over = paused(NOW + DAY), paused(NOW - 9 * DAY)
    assert ahead is not None
    assert over is not None
    facts = Facts(SUBSCRIBER, True, (ahead,))
    assert decide(facts, NOW) == replace(LOCKED, until=NOW + DAY)
    assert decide(facts, NOW + DAY - INSTANT) == replace(LOCKED, until=NOW + DAY)
    opened = Decision(True, Reason.SUBSCRIPTION, ALL, None)
    assert decide(facts, NOW + DAY) == decide(facts, NOW + 9 * DAY) == opened
    assert decide(Facts(SUBSCRIBER, True, (over,)), NOW) == opened
    for never in ({"until": None, "renews": True}, {"until": NOW, "renews": False}):
        with pytest.raises(NotAnEntitlement):
            Entitlement(Reason.SUBSCRIPTION, features=ALL, ahead=True, **never)


# -- refusals at the border -------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(set(Reason) - ENTITLING))
def test_only_a_holding_can_be_held(reason: Reason) -> None:
    with pytest.raises(NotAnEntitlement, match=f"{reason} is not something a reader can hold"):
        Entitlement(reason, None, ALL)


@pytest.mark.parametrize(("used", "limit"), [(-1, 3), (0, -1)])
def test_a_meter_counts_from_nothing(used: int, limit: int) -> None:
    with pytest.raises(ValueError, match="counts from 0"):
        Meter(used, limit, False)


def test_naive_instants_are_refused() -> None:
    for attempt in (
        lambda: decide(Facts(SUBSCRIBER), NAIVE),
        lambda: FreeSpan(None, NAIVE),
        lambda: FreeSpan(NAIVE, None),
        lambda: Meter(0, 3, False, NAIVE),
        lambda: Entitlement(Reason.TRIAL, NAIVE, ALL),
        lambda: entitlement_of(
            State.ACTIVE, cancels_at=None, access_until=None, resumes_at=None, features=ALL, at=NAIVE
        ),
        lambda: entitlement_of(
            State.ACTIVE, cancels_at=NAIVE, access_until=None, resumes_at=None, features=ALL, at=NOW
        ),
        lambda: entitlement_of(
            State.ACTIVE, cancels_at=None, access_until=NAIVE, resumes_at=None, features=ALL, at=NOW
        ),
    ):
        with pytest.raises(NaiveInstant):
            attempt()
