"""The comparison of two books, as a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.reconciliation import (
    Discrepancy,
    Pair,
    Thing,
    at_the_rate_of,
    disputed_part,
    newly_short,
    pairs,
)

CENTS = st.integers(-10_000, 10_000)
BOOK = st.dictionaries(st.sampled_from("abcdef"), CENTS)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (7500, 7500, None),
        (None, 7500, Discrepancy.UNKNOWN),
        (None, 0, Discrepancy.UNKNOWN),
        (7500, None, Discrepancy.MISSING),
        (7500, 7400, Discrepancy.OTHER_AMOUNT),
        (-7500, 0, Discrepancy.OTHER_AMOUNT),
        (0, None, None),
        (0, 0, None),
        (0, -7500, Discrepancy.OTHER_AMOUNT),
    ],
)
def test_the_verdict(ours: int | None, theirs: int | None, verdict: Discrepancy | None) -> None:
    assert Pair(Thing.CHARGE, "ch_1", ours, theirs).verdict is verdict


@given(BOOK, BOOK)
def test_books_agree_only_when_each_thing_does(ours: dict[str, int], theirs: dict[str, int]) -> None:
    found = pairs(Thing.REFUND, ours, {ref: (cents, "ZAR") for ref, cents in theirs.items()})
    assert [pair.ref for pair in found] == sorted({*ours, *theirs})
    differing = {pair.ref for pair in found if pair.verdict}
    for ref in {*ours, *theirs} - differing:
        assert ref in ours
        assert ours[ref] == theirs.get(ref, 0)
    if not differing:
        assert sum(ours.values()) == sum(theirs.values())


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (7500, 7500, Discrepancy.OTHER_AMOUNT),
        (None, 7500, Discrepancy.UNKNOWN),
        (0, 0, None),
        (0, 1, Discrepancy.OTHER_AMOUNT),
    ],
)
def test_another_currency_is_another_amount(
    ours: int | None, theirs: int, verdict: Discrepancy | None
) -> None:
    assert Pair(Thing.CHARGE, "ch_1", ours, theirs, "USD").verdict is verdict


@pytest.mark.parametrize(
    ("settled", "presented", "part", "worth"),
    [
        (413, 7500, 7500, 413),
        (413, 7500, -7500, -413),
        (413, 7500, -2500, -138),
        (1, 2, 1, 1),
        (1, 2, -1, -1),
        (1, 3, 1, 0),
        (0, 5, -5, 0),
    ],
)
def test_a_part_is_worth_its_share_at_the_rate_of_the_whole(
    settled: int, presented: int, part: int, worth: int
) -> None:
    assert at_the_rate_of(settled, presented, part) == worth


@pytest.mark.parametrize(("short", "known", "new"), [(0, 0, 0), (5, 0, 5), (5, 5, 0), (5, 3, 2), (3, 5, 0)])
def test_what_is_known_to_be_missing_is_not_missed_again(short: int, known: int, new: int) -> None:
    assert newly_short(short, known) == new


@pytest.mark.parametrize(
    ("taken", "taken_in", "settled", "settled_in", "part"),
    [
        (2500, "ZAR", 0, "", 2500),
        (7620, "ZAR", 0, "", 7500),
        (413, "USD", 413, "USD", 7500),
        (450, "USD", 413, "USD", 7500),
        (138, "USD", 413, "USD", 2506),
        (0, "USD", 413, "USD", 1),
        (413, "USD", 380, "EUR", 7500),
        (413, "USD", 0, "", 7500),
    ],
)
def test_of_a_charge_so_much_is_disputed(
    taken: int, taken_in: str, settled: int, settled_in: str, part: int
) -> None:
    found = disputed_part(7500, "ZAR", taken, taken_in, settled=settled, settled_in=settled_in)
    assert found == part
