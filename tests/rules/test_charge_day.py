"""A day of the month for the charges: the first such day, its anchor, and the words."""

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dev.simulate import dates
from billing.rules.charge_day import (
    DAYS,
    LAST,
    NoDayOfEachMonth,
    anchor_before,
    choosable_from,
    first_on,
    in_words,
)
from billing.rules.periods import add_months

days = st.sampled_from(DAYS)
ends = st.dates(date(2000, 1, 1), date(2090, 12, 31))


@given(day=days, on=ends)
def test_it_is_the_first_such_day_and_at_most_thirty_days_ahead(day: int, on: date) -> None:
    found = first_on(day, on)
    assert timedelta() <= found - on <= timedelta(days=30)
    candidates = [on + timedelta(days=ahead) for ahead in range(31)]
    last_days = {each: calendar.monthrange(each.year, each.month)[1] for each in candidates}
    assert found == next(each for each in candidates if each.day == min(day, last_days[each]))
    assert found == dates.day_from(on, "last" if day == LAST else f"{day}"), "as the simulation has it"


@given(day=days, on=ends, months=st.integers(0, 60))
def test_later_periods_begin_on_that_day_of_each_month(day: int, on: date, months: int) -> None:
    start = first_on(day, on)
    anchor, ahead = anchor_before(day, start)
    assert add_months(anchor, ahead) == start
    later = add_months(anchor, ahead + months)
    assert later.day == min(day, calendar.monthrange(later.year, later.month)[1])
    assert anchor.day == day
    assert anchor <= start


@given(day=days, on=ends)
def test_no_two_charges_come_within_a_month(day: int, on: date) -> None:
    start = first_on(day, on)
    anchor, ahead = anchor_before(day, start)
    for n in range(24):
        assert add_months(anchor, ahead + n + 1) > add_months(anchor, ahead + n) + timedelta(days=27)


@pytest.mark.parametrize(
    ("day", "on", "expected"),
    [
        (25, date(2027, 4, 16), date(2027, 4, 25)),
        (16, date(2027, 4, 16), date(2027, 4, 16)),
        (15, date(2027, 4, 16), date(2027, 5, 15)),
        (1, date(2027, 1, 2), date(2027, 2, 1)),
        (1, date(2027, 12, 31), date(2028, 1, 1)),
        (28, date(2027, 2, 28), date(2027, 2, 28)),
        (28, date(2028, 2, 29), date(2028, 3, 28)),
        (LAST, date(2027, 2, 28), date(2027, 2, 28)),
        (LAST, date(2028, 2, 28), date(2028, 2, 29)),
        (LAST, date(2027, 4, 30), date(2027, 4, 30)),
        (LAST, date(2027, 3, 1), date(2027, 3, 31)),
    ],
)
def test_the_first_such_day(day: int, on: date, expected: date) -> None:
    assert first_on(day, on) == expected


@pytest.mark.parametrize("day", [-1, 0, 29, 30, 32])
def test_other_days_are_none(day: int) -> None:
    with pytest.raises(NoDayOfEachMonth) as refused:
        first_on(day, date(2027, 4, 16))
    assert refused.value.day == day


def test_it_can_be_chosen_again_after_twelve_months() -> None:
    assert choosable_from(date(2027, 3, 20)) == date(2028, 3, 20)
    assert choosable_from(date(2028, 2, 29)) == date(2029, 2, 28)


def test_in_words() -> None:
    assert [in_words(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 28, 29, 30, LAST)] == [
        *("the 1st", "the 2nd", "the 3rd", "the 4th", "the 11th", "the 12th", "the 13th"),
        *("the 21st", "the 22nd", "the 23rd", "the 28th", "the 29th", "the 30th", "the last day"),
    ]
