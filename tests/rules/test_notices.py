"""No notice, no charge: the windows of the two trial notices, against the actual charge."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.notices import Notice, NoticeWindow, in_time, window
from billing.rules.periods import NaiveInstant

CHARGE = datetime(2026, 3, 16, 7, tzinfo=UTC)  # 09:00 in Johannesburg
INSTANT = timedelta(microseconds=1)
NAIVE = datetime(2026, 3, 16, 7)  # noqa: DTZ001  # the refusal is the point
instants = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds
leads = st.timedeltas(timedelta(days=-1), timedelta(days=12))


def before(days: float, by: timedelta = timedelta()) -> datetime:
    return CHARGE - timedelta(days=days) + by


@pytest.mark.parametrize(
    ("notice", "opens", "aims", "closes"), [(Notice.FIRST, 9, 8, 7), (Notice.SECOND, 7, 4, 3)]
)
def test_the_windows(notice: Notice, opens: int, aims: int, closes: int) -> None:
    assert window(notice, CHARGE) == NoticeWindow(before(opens), before(aims), before(closes))


def test_a_window_is_in_days_of_24_hours_whatever_the_clocks_do() -> None:
    charge = datetime(2026, 4, 1, 9, tzinfo=ZoneInfo("Europe/London"))  # summer time since 29 March
    found = window(Notice.SECOND, charge)
    assert found.opens_at == datetime(2026, 3, 25, 8, tzinfo=UTC)
    assert found.opens_at.tzinfo is UTC


IN_FIRST, IN_SECOND = before(8), before(4)


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        (IN_FIRST, IN_SECOND, True),
        (None, IN_SECOND, False),
        (IN_FIRST, None, False),
        (None, None, False),
        (before(9), IN_SECOND, True),
        (before(9, -INSTANT), IN_SECOND, False),
        (before(7), IN_SECOND, True),
        (before(7, INSTANT), IN_SECOND, False),
        (IN_FIRST, before(7), True),
        (IN_FIRST, before(7, -INSTANT), False),
        (IN_FIRST, before(3), True),
        (IN_FIRST, before(3, INSTANT), False),
        (before(7), before(7), True),  # the one instant that is in both windows
        (IN_SECOND, IN_FIRST, False),
        (IN_FIRST, IN_FIRST, False),
        (IN_SECOND, IN_SECOND, False),
        (IN_FIRST, CHARGE, False),
    ],
)
def test_both_notices_in_time_or_no_charge(
    first: datetime | None, second: datetime | None, allowed: bool
) -> None:
    assert in_time(first, second, CHARGE) is allowed


@pytest.mark.parametrize(
    ("late", "allowed"),
    [
        (timedelta(), True),
        (timedelta(hours=23), True),
        (timedelta(days=1), True),
        (timedelta(days=1) + INSTANT, False),  # the first notice is now more than nine days old
        (timedelta(days=-1), True),
        (timedelta(days=-1) - INSTANT, False),  # a charge brought forward: less than three days' notice
    ],
)
def test_a_late_charge_measures_its_notices_anew(late: timedelta, allowed: bool) -> None:
    assert in_time(IN_FIRST, IN_SECOND, CHARGE + late) is allowed


def test_naive_instants_are_refused() -> None:
    for attempt in (
        lambda: window(Notice.FIRST, NAIVE),
        lambda: in_time(NAIVE, IN_SECOND, CHARGE),
        lambda: in_time(IN_FIRST, NAIVE, CHARGE),
        lambda: in_time(IN_FIRST, IN_SECOND, NAIVE),
    ):
        with pytest.raises(NaiveInstant):
            attempt()


@given(instants, leads, leads)
def test_it_is_arithmetic_on_the_lead(charging_at: datetime, first: timedelta, second: timedelta) -> None:
    day = timedelta(days=1)
    expected = 7 * day <= first <= 9 * day and 3 * day <= second <= 7 * day
    assert in_time(charging_at - first, charging_at - second, charging_at) is expected


@given(instants, leads, leads, st.integers(-12, 14))
def test_it_does_not_matter_how_an_instant_is_written(
    charging_at: datetime, first: timedelta, second: timedelta, hours: int
) -> None:
    elsewhere = timezone(timedelta(hours=hours))
    sent = (charging_at - first, charging_at - second)
    rewritten = [at.astimezone(elsewhere) for at in (*sent, charging_at)]
    assert in_time(*sent, charging_at) is in_time(*rewritten)


@given(instants)
def test_the_aim_lies_well_inside(charge_at: datetime) -> None:
    for notice in Notice:
        found = window(notice, charge_at)
        assert found.opens_at + timedelta(days=1) <= found.aim_at <= found.closes_at - timedelta(days=1)
        assert found.holds(found.opens_at)
        assert found.holds(found.closes_at)
    assert window(Notice.FIRST, charge_at).closes_at == window(Notice.SECOND, charge_at).opens_at
