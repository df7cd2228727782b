"""A new price is announced thirty days ahead, or not charged (CARD-8, CPA-8)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.rules.price_notice import earliest_start, in_time, is_time

NOTIFIED_AT = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
TODAY = date(2027, 3, 1)


@pytest.mark.parametrize(
    ("after", "may_be_charged"),
    [
        (timedelta(days=29, hours=23, minutes=59), False),
        (timedelta(days=30, microseconds=-1), False),
        (timedelta(days=30), True),
        (timedelta(days=45), True),
    ],
)
def test_a_price_is_charged_thirty_days_after_the_notice_arrived(
    after: timedelta, may_be_charged: bool
) -> None:
    assert in_time(NOTIFIED_AT, NOTIFIED_AT + after) is may_be_charged


def test_a_notice_that_never_arrived_allows_nothing() -> None:
    assert not in_time(None, NOTIFIED_AT + timedelta(days=365))


@pytest.mark.parametrize(("days", "due"), [(30, False), (31, True), (45, True), (46, False)])
def test_a_notice_is_sent_a_day_before_it_must_and_not_so_early_that_it_is_forgotten(
    days: int, due: bool
) -> None:
    assert is_time(TODAY, TODAY + timedelta(days=days)) is due
    assert earliest_start(TODAY) == date(2027, 4, 1)
