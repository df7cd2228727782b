"""The civil calendar: days and times in a zone, and periods from the anchor."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.dev.simulate.dates import month_later
from billing.rules.periods import (
    NaiveInstant,
    NoSuchPeriod,
    NotACivilDate,
    Period,
    add_months,
    at_time,
    civil_date,
    containing,
    nth,
    start_of_day,
)

JOBURG = ZoneInfo("Africa/Johannesburg")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
APIA = ZoneInfo("Pacific/Apia")

# Zones that jump by day, by night, over midnight, by half an hour, by a whole day, and not at all.
zones = st.sampled_from(
    [
        *(JOBURG, LONDON, NEW_YORK, SAO_PAULO, APIA),
        *map(ZoneInfo, ("Africa/Cairo", "America/Havana", "America/St_Johns", "Australia/Lord_Howe")),
    ]
)
days = st.dates(date(1995, 1, 1), date(2037, 12, 31))
anchors = st.dates(date(1990, 1, 1), date(2090, 12, 31))
lengths = st.sampled_from([1, 1, 1, 2, 3, 6, 12])


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # mypy counts tzinfo among the parts


@pytest.mark.parametrize(
    ("at", "zone", "on"),
    [
        (utc(2026, 3, 1, 21, 59, 59), JOBURG, date(2026, 3, 1)),
        (utc(2026, 3, 1, 22, 0), JOBURG, date(2026, 3, 2)),
        (utc(2026, 3, 1, 23, 30), LONDON, date(2026, 3, 1)),
        (utc(2026, 7, 1, 23, 30), LONDON, date(2026, 7, 2)),
        (utc(2026, 3, 2, 4, 59), NEW_YORK, date(2026, 3, 1)),
        (datetime(2026, 3, 1, 20, 0, tzinfo=timezone(timedelta(hours=-5))), JOBURG, date(2026, 3, 2)),
        (utc(2011, 12, 30, 9, 59), APIA, date(2011, 12, 29)),
        (utc(2011, 12, 30, 10, 0), APIA, date(2011, 12, 31)),
    ],
)
def test_the_day_is_the_one_the_zone_shows(at: datetime, zone: ZoneInfo, on: date) -> None:
    assert civil_date(at, zone) == on


@pytest.mark.parametrize(
    ("on", "zone", "at"),
    [
        (date(2026, 3, 16), JOBURG, utc(2026, 3, 15, 22)),
        (date(2026, 3, 29), LONDON, utc(2026, 3, 29, 0)),  # the clock jumps at 01:00
        (date(2026, 3, 30), LONDON, utc(2026, 3, 29, 23)),
        (date(2026, 10, 25), LONDON, utc(2026, 10, 24, 23)),
        (date(2026, 10, 26), LONDON, utc(2026, 10, 26, 0)),
        (date(2018, 11, 4), SAO_PAULO, utc(2018, 11, 4, 3)),  # the day began at 01:00
        (date(2018, 2, 18), SAO_PAULO, utc(2018, 2, 18, 3)),  # the hour before midnight came twice
        (date(2011, 12, 30), APIA, utc(2011, 12, 30, 10)),  # skipped: it begins where the 31st does
        (date(2011, 12, 31), APIA, utc(2011, 12, 30, 10)),
    ],
)
def test_a_day_begins(on: date, zone: ZoneInfo, at: datetime) -> None:
    assert start_of_day(on, zone) == at


@pytest.mark.parametrize(
    ("on", "clock_time", "zone", "at"),
    [
        (date(2026, 3, 16), time(9), JOBURG, utc(2026, 3, 16, 7)),
        (date(2026, 3, 29), time(1, 30), LONDON, utc(2026, 3, 29, 1, 30)),  # jumped over: 02:30 is shown
        (date(2026, 10, 25), time(1, 30), LONDON, utc(2026, 10, 25, 0, 30)),  # shown twice: the first
        (date(2026, 10, 25), time(1, 30, fold=1), LONDON, utc(2026, 10, 25, 0, 30)),
        (date(2026, 3, 8), time(2, 30), NEW_YORK, utc(2026, 3, 8, 7, 30)),
        (date(2026, 11, 1), time(1, 30), NEW_YORK, utc(2026, 11, 1, 5, 30)),
        (date(2026, 3, 8), time(9), NEW_YORK, utc(2026, 3, 8, 13)),
        (date(2026, 3, 7), time(9), NEW_YORK, utc(2026, 3, 7, 14)),
        (date(2011, 12, 30), time(9), APIA, utc(2011, 12, 30, 19)),  # 09:00 on the 31st
    ],
)
def test_a_time_on_a_day(on: date, clock_time: time, zone: ZoneInfo, at: datetime) -> None:
    found = at_time(on, clock_time, zone)
    assert found == at
    assert found.tzinfo is UTC


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(NaiveInstant, match="2026-03-01T12:00:00 is naive"):
        civil_date(datetime(2026, 3, 1, 12), JOBURG)  # noqa: DTZ001  # the refusal is the point


def test_an_instant_is_not_taken_for_a_day() -> None:
    at = utc(2026, 3, 1, 23)  # already the 2nd in Johannesburg
    for attempt in (
        lambda: start_of_day(at, JOBURG),
        lambda: at_time(at, time(9), JOBURG),
        lambda: add_months(at, 1),
        lambda: nth(at, 1),
        lambda: containing(at, date(2026, 4, 1)),
        lambda: containing(date(2026, 1, 1), at),
    ):
        with pytest.raises(NotACivilDate, match="take its civil date"):
            attempt()


@given(days, zones)
@settings(max_examples=60)
def test_a_day_begins_at_the_first_moment_that_shows_it_or_a_later_one(on: date, zone: ZoneInfo) -> None:
    moment = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(hours=30)
    while civil_date(moment, zone) < on:
        moment += timedelta(minutes=1)
    assert start_of_day(on, zone) == moment


@given(st.datetimes(datetime(1995, 1, 1), datetime(2037, 12, 31)), zones)  # noqa: DTZ001  # hypothesis wants naive bounds
def test_an_instant_lies_in_its_own_day(naive: datetime, zone: ZoneInfo) -> None:
    at = naive.replace(tzinfo=UTC)
    on = civil_date(at, zone)
    assert start_of_day(on, zone) <= at
    if zone.key != "America/St_Johns":  # where the clock went back over midnight, a day came twice
        assert at < start_of_day(on + timedelta(days=1), zone)


@given(days, st.times(), zones)
def test_a_time_is_shown_or_was_jumped_over(on: date, clock_time: time, zone: ZoneInfo) -> None:
    wanted = datetime.combine(on, clock_time)
    at = at_time(on, clock_time, zone)
    shown = at.astimezone(zone).replace(tzinfo=None)
    if shown == wanted:
        an_hour_before = (at - timedelta(hours=1)).astimezone(zone).replace(tzinfo=None)
        assert an_hour_before != wanted, "the first of two"
    else:
        before = (at - (shown - wanted)).astimezone(zone).replace(tzinfo=None)
        assert before < wanted < shown, "late on a day with a jump, never early"


# -- periods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        (date(2026, 1, 31), 0, date(2026, 1, 31)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2026, 1, 30), 1, date(2026, 2, 28)),
        (date(2026, 12, 16), 1, date(2027, 1, 16)),
        (date(2026, 1, 31), 11, date(2026, 12, 31)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2099, 1, 31), 13, date(2100, 2, 28)),  # 2100 is no leap year
    ],
)
def test_months_from_the_anchor(anchor: date, months: int, expected: date) -> None:
    assert add_months(anchor, months) == expected


def test_a_year_from_the_thirty_first() -> None:
    starts = [nth(date(2027, 1, 31), number).start_on.isoformat() for number in range(1, 15)]
    assert starts == [
        *("2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30", "2027-07-31"),
        *("2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29"),
    ]


@pytest.mark.parametrize(
    ("anchor", "number", "months", "start_on", "end_on"),
    [
        (date(2026, 3, 16), 1, 1, date(2026, 3, 16), date(2026, 4, 16)),
        (date(2026, 3, 16), 2, 1, date(2026, 4, 16), date(2026, 5, 16)),
        (date(2024, 2, 29), 1, 12, date(2024, 2, 29), date(2025, 2, 28)),
        (date(2024, 2, 29), 2, 12, date(2025, 2, 28), date(2026, 2, 28)),
        (date(2024, 2, 29), 5, 12, date(2028, 2, 29), date(2029, 2, 28)),
        (date(2026, 11, 30), 2, 3, date(2027, 2, 28), date(2027, 5, 30)),
    ],
)
def test_the_nth_period(anchor: date, number: int, months: int, start_on: date, end_on: date) -> None:
    assert nth(anchor, number, months) == Period(number, start_on, end_on)


@pytest.mark.parametrize(
    ("on", "number"),
    [
        (date(2026, 1, 31), 1),
        (date(2026, 2, 27), 1),
        (date(2026, 2, 28), 2),
        (date(2026, 3, 30), 2),
        (date(2026, 3, 31), 3),
        (date(2026, 4, 29), 3),
        (date(2026, 4, 30), 4),
    ],
)
def test_the_period_that_contains_a_day(on: date, number: int) -> None:
    assert containing(date(2026, 1, 31), on).number == number


def test_periods_that_do_not_exist() -> None:
    anchor = date(2026, 3, 16)
    with pytest.raises(NoSuchPeriod, match="numbered from 1, not 0"):
        nth(anchor, 0)
    with pytest.raises(NoSuchPeriod, match="at least one month, not 0"):
        nth(anchor, 1, 0)
    with pytest.raises(NoSuchPeriod, match="2026-03-15 is before the anchor"):
        containing(anchor, date(2026, 3, 15))
    with pytest.raises(NoSuchPeriod, match="at least one month"):
        containing(anchor, anchor, 0)


@given(anchors, st.integers(-600, 600))
def test_a_month_is_clamped_never_overrun(anchor: date, months: int) -> None:
    """Checked by the simulation's calendar, which shares no code with the rules."""
    assert add_months(anchor, months) == month_later(anchor, months)


@given(anchors, lengths, st.integers(1, 200))
def test_periods_touch_and_never_drift(anchor: date, months: int, number: int) -> None:
    assert nth(anchor, 1, months).start_on == anchor
    this, following = nth(anchor, number, months), nth(anchor, number + 1, months)
    assert this.start_on < this.end_on == following.start_on
    month_ends = (this.end_on + timedelta(days=1)).month != this.end_on.month
    assert this.end_on.day == anchor.day or (this.end_on.day < anchor.day and month_ends)


@given(anchors, lengths, st.integers(0, 20_000))
def test_every_day_lies_in_exactly_the_period_that_contains_it(anchor: date, months: int, later: int) -> None:
    on = anchor + timedelta(days=later)
    found = containing(anchor, on, months)
    assert found.start_on <= on < found.end_on
    assert found == nth(anchor, found.number, months)


@given(anchors, lengths, st.integers(1, 300))
def test_a_period_contains_its_first_and_last_day(anchor: date, months: int, number: int) -> None:
    period = nth(anchor, number, months)
    assert containing(anchor, period.start_on, months) == period
    assert containing(anchor, period.end_on - timedelta(days=1), months) == period


@given(anchors)
def test_forty_years_are_covered_without_gap(anchor: date) -> None:
    ends = [nth(anchor, number) for number in range(1, 481)]
    assert all(before.end_on == after.start_on for before, after in pairwise(ends))
    assert ends[-1].end_on == add_months(anchor, 480)
