"""The trial in civil days: the free days, and the earliest first charge."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.notices import Notice, window
from billing.rules.periods import NotACivilDate, civil_date
from billing.rules.trial import (
    NotATrial,
    charge_at,
    charging_day,
    extended_charge_on,
    first_charge_on,
    free_until,
    last_free_day,
)

JOBURG = ZoneInfo("Africa/Johannesburg")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
zones = st.sampled_from([JOBURG, LONDON, NEW_YORK, SAO_PAULO, ZoneInfo("Australia/Lord_Howe")])
instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds


@pytest.mark.parametrize("hour", [time(0), time(0, 0, 1), time(12), time(23, 59, 59)])
def test_signed_up_on_the_first_of_march_at_any_hour(hour: time) -> None:
    signed_up_on = civil_date(datetime.combine(date(2026, 3, 1), hour, JOBURG), JOBURG)
    charge_on = first_charge_on(signed_up_on, 14)
    assert last_free_day(signed_up_on, 14) == date(2026, 3, 15)
    assert charge_on == date(2026, 3, 16)
    assert free_until(charge_on, JOBURG) == datetime(2026, 3, 16, tzinfo=JOBURG)
    assert free_until(charge_on, JOBURG) - timedelta(seconds=1) == datetime(
        2026, 3, 15, 23, 59, 59, tzinfo=JOBURG
    )
    assert charge_at(charge_on, JOBURG) == datetime(2026, 3, 16, 9, tzinfo=JOBURG)


@pytest.mark.parametrize(
    ("signed_up_on", "days", "charge_on"),
    [
        (date(2026, 2, 14), 14, date(2026, 3, 1)),
        (date(2028, 2, 14), 14, date(2028, 2, 29)),
        (date(2026, 12, 17), 14, date(2027, 1, 1)),
        (date(2026, 12, 18), 14, date(2027, 1, 2)),
        (date(2026, 3, 1), 1, date(2026, 3, 3)),
        (date(2026, 3, 1), 30, date(2026, 4, 1)),
    ],
)
def test_the_first_charge_falls_on(signed_up_on: date, days: int, charge_on: date) -> None:
    assert first_charge_on(signed_up_on, days) == charge_on


@pytest.mark.parametrize(
    ("zone", "charge_on", "free", "charge"),
    [
        (JOBURG, date(2026, 3, 16), (15, 22), (16, 7)),
        (LONDON, date(2026, 3, 29), (29, 0), (29, 8)),  # an hour shorter: the clock jumps at 01:00
        (LONDON, date(2026, 10, 25), (24, 23), (25, 9)),  # an hour longer
        (NEW_YORK, date(2026, 3, 8), (8, 5), (8, 13)),
        (NEW_YORK, date(2026, 11, 1), (1, 4), (1, 14)),
    ],
)
def test_a_charge_is_at_nine_by_the_clock_on_the_wall(
    zone: ZoneInfo, charge_on: date, free: tuple[int, int], charge: tuple[int, int]
) -> None:
    year, month = charge_on.year, charge_on.month
    assert free_until(charge_on, zone) == datetime(year, month, *free, tzinfo=UTC)
    assert charge_at(charge_on, zone) == datetime(year, month, *charge, tzinfo=UTC)


@pytest.mark.parametrize("days", [0, -1])
def test_a_trial_lasts_at_least_a_day(days: int) -> None:
    with pytest.raises(NotATrial, match=f"at least one day, not {days}"):
        first_charge_on(date(2026, 3, 1), days)


def test_an_instant_is_not_taken_for_a_day() -> None:
    at = datetime(2026, 3, 1, 23, tzinfo=UTC)
    with pytest.raises(NotACivilDate):
        last_free_day(at, 14)
    with pytest.raises(NotACivilDate):
        extended_charge_on(at)


def test_an_extended_trial_is_charged_eight_days_on() -> None:
    assert extended_charge_on(date(2026, 3, 16)) == date(2026, 3, 24)


@given(instants, st.integers(1, 60), zones)
def test_the_promise_of_free_days_is_kept(signed_up_at: datetime, days: int, zone: ZoneInfo) -> None:
    signed_up_on = civil_date(signed_up_at, zone)
    charge_on = first_charge_on(signed_up_on, days)
    free = free_until(charge_on, zone)
    last_moment = free - timedelta(microseconds=1)
    assert (charge_on - signed_up_on).days == days + 1, "the day of sign-up is not counted"
    assert civil_date(last_moment, zone) == last_free_day(signed_up_on, days)
    assert free - signed_up_at >= timedelta(days=days) - timedelta(hours=1), "whole days, a jump at most less"
    assert charge_at(charge_on, zone) >= free + timedelta(hours=7)
    assert civil_date(charge_at(charge_on, zone), zone) == charge_on


@given(instants, zones)
def test_an_extension_leaves_hours_for_both_notices(at: datetime, zone: ZoneInfo) -> None:
    charge = charge_at(extended_charge_on(civil_date(at, zone)), zone)
    assert charge > at
    for notice in Notice:
        assert window(notice, charge).closes_at - at >= timedelta(hours=7)
    assert window(Notice.FIRST, charge).opens_at <= at, "the first can go out at once"


@given(instants, zones)
def test_the_notices_of_a_fortnight_fit_into_it(signed_up_at: datetime, zone: ZoneInfo) -> None:
    charge = charge_at(first_charge_on(civil_date(signed_up_at, zone), 14), zone)
    assert window(Notice.FIRST, charge).opens_at > signed_up_at + timedelta(days=5)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (time(0), date(2027, 3, 17)),
        (time(8, 59, 59), date(2027, 3, 17)),
        (time(9), date(2027, 3, 18)),
        (time(23, 59), date(2027, 3, 18)),
    ],
)
def test_what_is_planned_for_the_charging_day_is_due_at_once(at: time, day: date) -> None:
    moment = datetime.combine(date(2027, 3, 18), at, JOBURG)
    assert charging_day(moment, JOBURG) == day
    assert charge_at(day, JOBURG) <= moment < charge_at(day + timedelta(days=1), JOBURG)
