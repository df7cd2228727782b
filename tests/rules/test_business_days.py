"""South African business days, against printed calendars."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import business_days, term

ZONE = ZoneInfo("Africa/Johannesburg")
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


DAY = timedelta(days=1)
FIXED = ["01-01", "03-21", "04-27", "05-01", "06-16", "08-09", "09-24", "12-16", "12-25", "12-26"]
DECLARED = {
    date.fromisoformat(on)
    for on in (
        # elections
        *("1999-06-02", "2004-04-14", "2006-03-01", "2009-04-22", "2011-05-18", "2014-05-07"),
        *("2016-08-03", "2019-05-08", "2021-11-01", "2024-05-29", "2026-11-04"),
        # the turn of the millennium
        *("1999-12-31", "2000-01-02", "2000-01-03"),
        # Human Rights Day had been Good Friday
        "2008-05-02",
        # Christmas Day on a Sunday
        *("2011-12-27", "2016-12-27", "2022-12-27"),
        # the Rugby World Cup
        "2023-12-15",
    )
}
"""What Presidents declared for one year (section 2A), from the Government Gazette."""


def easter_sunday(year: int) -> date:
    """By Gauss's rule, with the century's corrections of 1900 to 2099."""
    moon = (19 * (year % 19) + 24) % 30
    week = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7
    # Gauss's two exceptions: Easter is never later than 25 April, and 25 only where the moon allows it.
    if moon + week == 35 or (moon == 28 and week == 6 and year % 19 > 10):
        week -= 7
    return date(year, 3, 22) + timedelta(days=moon + week)


@given(st.integers(1995, 2050))
def test_public_holidays_are_those_of_the_act_and_of_proclamations(year: int) -> None:
    easter = easter_sunday(year)
    of_the_act = {date.fromisoformat(f"{year}-{on}") for on in FIXED}
    of_the_act |= {easter - 2 * DAY, easter + DAY}
    of_the_act |= {on + DAY for on in of_the_act if on.weekday() == 6}
    found = business_days.public_holidays(year)
    assert of_the_act <= found
    assert {on for on in found - of_the_act if on < date(2027, 1, 1)} == {
        on for on in DECLARED - of_the_act if on.year == year
    }


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2000, 4, 23), (2008, 3, 23), (2024, 3, 31), (2027, 3, 28), (2038, 4, 25), (2049, 4, 18)],
)
def test_easter(year: int, month: int, day: int) -> None:
    easter = date(year, month, day)
    assert easter_sunday(year) == easter
    assert {easter - 2 * DAY, easter + DAY} <= business_days.public_holidays(year)


def test_a_year_of_public_holidays() -> None:
    assert sorted(business_days.public_holidays(2027)) == [
        date(2027, 1, 1),
        date(2027, 3, 21),  # a Sunday
        date(2027, 3, 22),  # so the Monday too
        date(2027, 3, 26),  # Good Friday
        date(2027, 3, 29),  # Family Day
        date(2027, 4, 27),
        date(2027, 5, 1),
        date(2027, 6, 16),
        date(2027, 8, 9),
        date(2027, 9, 24),
        date(2027, 12, 16),
        date(2027, 12, 25),
        date(2027, 12, 26),  # a Sunday
        date(2027, 12, 27),
    ]


def test_counting_leaves_the_first_day_out_and_takes_the_last() -> None:
    thursday = date(2027, 3, 25)
    assert business_days.after(thursday, 1) == date(2027, 3, 30), "behind Easter"
    assert business_days.before(date(2027, 3, 30), 1) == thursday
    assert business_days.between(thursday, date(2027, 3, 30)) == 1
    assert business_days.after(thursday, 0) == thursday
    with pytest.raises(ValueError, match="from 0"):
        business_days.after(thursday, -1)


@given(DAYS, st.integers(1, 90))
def test_after_and_between_agree(on: date, count: int) -> None:
    found = business_days.after(on, count)
    assert business_days.is_business_day(found)
    assert business_days.between(on, found) == count
    assert business_days.between(on, found - timedelta(days=1)) == count - 1


@given(DAYS)
def test_the_notice_of_a_year_is_inside_what_the_law_asks_at_every_moment_of_its_window(
    ends_on: date,
) -> None:
    window = term.window(ends_on, ZONE)
    assert window.opens_at < window.aim_at < window.closes_at
    assert window.holds(window.aim_at)
    for at in (window.opens_at, window.closes_at):
        for expiry in (ends_on - timedelta(days=1), ends_on):
            assert 40 <= business_days.between(at.astimezone(ZONE).date(), expiry) <= 80


@given(DAYS)
def test_a_year_made_longer_leaves_time_for_its_notice(today: date) -> None:
    window = term.window(term.extended_end(today), ZONE)
    assert business_days.between(today, window.closes_at.astimezone(ZONE).date()) >= 1


@given(
    gross=st.integers(1, 10**7),
    start=DAYS,
    days=st.integers(28, 400),
    left=st.integers(-10, 500),
)
def test_what_goes_back_is_by_the_day_in_the_readers_favour(
    gross: int, start: date, days: int, left: int
) -> None:
    end = start + timedelta(days=days)
    last_day = end - timedelta(days=1 + left)
    cents = term.unused_cents(gross, start, end, last_day)
    assert 0 <= cents <= gross
    assert cents * days >= gross * min(max(left, 0), days)
    if left <= 0:
        assert cents == 0
    if left >= days:
        assert cents == gross


def test_nobody_gives_more_notice_than_the_law_allows() -> None:
    on = date(2027, 6, 1)
    assert term.leaves_on(on, 20) == date(2027, 6, 30)
    assert term.leaves_on(on, 0) == on
    assert term.leaves_on(on, 99) == date(2027, 6, 30)
