"""Cooling off: the last day, and what goes back for days not read."""

from datetime import date

import pytest

from billing.rules import cooling_off

START, END = date(2027, 4, 16), date(2027, 5, 16)


def test_the_day_of_the_first_charge_is_not_counted() -> None:
    assert cooling_off.last_day(date(2027, 3, 16), 14) == date(2027, 3, 30)


@pytest.mark.parametrize(
    ("read_until", "cents"),
    [
        (date(2027, 4, 10), 7500),
        (START, 7500),
        (date(2027, 4, 17), 7250),
        (date(2027, 4, 18), 7000),
        (date(2027, 5, 15), 250),
        (END, 0),
        (date(2027, 6, 1), 0),
    ],
)
def test_days_not_read_go_back_and_the_day_of_asking_is_one(read_until: date, cents: int) -> None:
    assert cooling_off.unread_cents(7500, START, END, read_until) == cents


@pytest.mark.parametrize(("on", "counts"), [(date(2028, 3, 28), True), (date(2028, 3, 29), False)])
def test_an_earlier_withdrawal_counts_for_twelve_months(on: date, counts: bool) -> None:
    assert cooling_off.within_a_year(date(2027, 3, 29), on) is counts
