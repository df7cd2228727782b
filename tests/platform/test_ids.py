"""Ids are opaque and unique. New ones sort by creation, derived ones by their number."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.platform import ids

instants = st.integers(31_536_000, 7_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(st.sampled_from(["rdr", "sub", "inv", "pay", "ref"]), instants)
def test_an_id_says_what_it_names_in_letters_nobody_confuses(prefix: str, at: datetime) -> None:
    assert re.fullmatch(rf"{prefix}_[0-9a-hjkmnp-tv-z]{{26}}", ids.new(prefix, at))


@given(instants, st.timedeltas(timedelta(milliseconds=1), timedelta(days=3_650)))
def test_a_later_id_comes_later_in_a_list(at: datetime, after: timedelta) -> None:
    assert ids.new("sub", at) < ids.new("sub", at + after)


@given(st.integers(1, 32_000), st.integers(1, 32_000), st.integers(1, 1_000), st.integers(1, 1_000))
def test_a_derived_id_is_the_same_each_time_and_sorts_by_its_numbers(
    period: int, other: int, rung: int, again: int
) -> None:
    of = "sub_" + "01jq8" * 5 + "7"
    made = ids.derived("att", of, period, rung)
    assert re.fullmatch(r"att_[0-9a-hjkmnp-tv-z]{26}", made)
    assert made == ids.derived("att", of, period, rung)
    assert made[4:14] == of[4:14], "it begins with the time of the other"
    assert (made < ids.derived("att", of, other, again)) == ((period, rung) < (other, again))


def test_a_derived_id_differs_with_whatever_it_follows_from() -> None:
    given = [("inv", "sub_1", ""), ("att", "sub_1", ""), ("inv", "sub_2", ""), ("inv", "sub_1", "a cause")]
    made = {ids.derived(prefix, of, 1, about=about) for prefix, of, about in given}
    assert len(made) == 4
    assert len({ids.derived("inv", "sub_1", number) for number in range(40_000)}) == 40_000


def test_those_of_one_instant_are_all_different_and_in_the_order_they_were_made() -> None:
    at = datetime(2027, 3, 1, 8, tzinfo=UTC)
    made = []
    for number in range(10_000):
        made.append(ids.new("sub", at))
        ids.new("msg", at + timedelta(seconds=number % 600))  # other instants in between change nothing
    assert len(set(made)) == 10_000
    assert made == sorted(made)
    assert len({name[4:14] for name in made}) == 1


def test_threads_of_one_instant_never_share_one() -> None:
    at = datetime(2027, 3, 1, 9, tzinfo=UTC)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: [ids.new("sub", at) for _ in range(2_000)], range(4)))
    assert all(one == sorted(one) for one in made)
    assert len({name for one in made for name in one}) == 8_000


def test_the_zone_an_instant_is_written_in_makes_no_difference() -> None:
    at = datetime(2027, 3, 1, 8, tzinfo=UTC)
    assert ids.new("sub", at)[:14] == ids.new("sub", at.astimezone())[:14]
