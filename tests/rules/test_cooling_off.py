"""Cooling off: the last day, and the refund for unread days."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from billing.rules import cooling_off

ZONE = ZoneInfo("Africa/Johannesburg")
START, END = date(2027, 4, 16), date(2027, 5, 16)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2027, 3, 16, hour, minute, second, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("paid_at", "last"),
    [(at(0, 0), 30), (at(9, 0), 30), (at(23, 54, 59), 30), (at(23, 55), 31), (at(23, 59, 59), 31)],
)
def test_the_day_of_the_first_charge_is_not_counted_by_the_slower_of_two_clocks(
    paid_at: datetime, last: int
) -> None:
    assert cooling_off.last_day(paid_at.astimezone(UTC), 14, ZONE) == date(2027, 3, last)


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
