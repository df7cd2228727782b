"""Business days of South Africa, against calendars that were printed."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import business_days, term

ZONE = ZoneInfo("Africa/Johannesburg")
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2038, 4, 25), (2008, 3, 23)],
)
def test_easter(year: int, month: int, day: int) -> None:
    assert business_days.easter_sunday(year) == date(year, month, day)


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
    assert date(2024, 5, 29) in business_days.public_holidays(2024), "declared for the elections of that year"


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
