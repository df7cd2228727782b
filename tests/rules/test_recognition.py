"""Revenue by day: the days sum to the amount for any period; a refund takes unearned revenue first."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.periods import NotACivilDate
from billing.rules.recognition import NotASpan, Spread, Taken, take_back, worth_of

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
SPREADS = st.builds(
    lambda amount, start, days: Spread(amount, start, start + timedelta(days=days)),
    st.integers(0, 1_000_000),
    DAYS,
    st.integers(1, 400),
)


def days_of(spread: Spread) -> list[date]:
    return [spread.starts_on + timedelta(days=n) for n in range(spread.days)]


def test_a_month_of_the_full_price() -> None:
    march = Spread(6522, date(2027, 3, 16), date(2027, 4, 16))
    assert (march.days, march.share(date(2027, 3, 16)), march.share(date(2027, 4, 15))) == (31, 211, 210)
    assert march.earned(date(2027, 3, 16)) == 0
    assert march.earned(date(2027, 4, 1)) == 16 * 210 + 12
    assert march.earned(date(2027, 4, 16)) == 6522


@given(SPREADS)
def test_the_days_sum_to_the_amount_and_differ_by_a_cent_at_most(spread: Spread) -> None:
    shares = [spread.share(day) for day in days_of(spread)]
    assert sum(shares) == spread.amount
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


@given(SPREADS, st.integers(-5, 405))
def test_what_is_earned_is_the_sum_of_the_days_so_far(spread: Spread, passed: int) -> None:
    before = spread.starts_on + timedelta(days=passed)
    assert spread.earned(before) == sum(spread.share(day) for day in days_of(spread) if day < before)
    assert spread.share(before) == spread.earned(before + timedelta(days=1)) - spread.earned(before)
    assert 0 <= spread.earned(before) <= spread.amount


@given(st.integers(0, 100_000), st.integers(-5, 100_000))
def test_a_refund_takes_the_unearned_first_and_everything_in_all(net: int, unearned: int) -> None:
    taken = take_back(net, unearned)
    assert taken.deferred + taken.earned == net
    assert 0 <= taken.deferred <= max(unearned, 0)
    assert taken.earned == 0 or taken.deferred == max(unearned, 0)


def test_refunds_by_example() -> None:
    assert take_back(6522, 6522) == Taken(6522, 0)
    assert take_back(6522, 2000) == Taken(2000, 4522)
    assert take_back(500, 2000) == Taken(500, 0)


@given(st.integers(1, 100_000), st.integers(28, 366))
def test_days_given_are_worth_what_days_cost(net: int, in_days: int) -> None:
    assert worth_of(in_days, net=net, in_days=in_days) == net
    assert abs(worth_of(7, net=net, in_days=in_days) * in_days - 7 * net) * 2 <= in_days


def test_what_is_no_span_is_refused() -> None:
    with pytest.raises(NotASpan):
        Spread(1, date(2027, 3, 1), date(2027, 3, 1))
    with pytest.raises(NotASpan):
        Spread(-1, date(2027, 3, 1), date(2027, 3, 2))
    with pytest.raises(NotACivilDate):
        Spread(1, date(2027, 3, 1), date(2027, 3, 2)).share(datetime(2027, 3, 1))  # noqa: DTZ001 - a naive one on purpose
