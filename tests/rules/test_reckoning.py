"""Two books side by side, as a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.reckoning import Pair, Thing, Verdict, pairs

CENTS = st.integers(-10_000, 10_000)
BOOK = st.dictionaries(st.sampled_from("abcdef"), CENTS)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (7500, 7500, None),
        (None, 7500, Verdict.UNKNOWN),
        (None, 0, Verdict.UNKNOWN),
        (7500, None, Verdict.MISSING),
        (7500, 7400, Verdict.OTHER_AMOUNT),
        (-7500, 0, Verdict.OTHER_AMOUNT),
        (0, None, None),
        (0, 0, None),
        (0, -7500, Verdict.OTHER_AMOUNT),
    ],
)
def test_the_verdict(ours: int | None, theirs: int | None, verdict: Verdict | None) -> None:
    assert Pair(Thing.CHARGE, "ch_1", ours, theirs).verdict is verdict


@given(BOOK, BOOK)
def test_books_agree_only_when_each_thing_does(ours: dict[str, int], theirs: dict[str, int]) -> None:
    found = pairs(Thing.REFUND, ours, theirs)
    assert [pair.ref for pair in found] == sorted({*ours, *theirs})
    differing = {pair.ref for pair in found if pair.verdict}
    for ref in {*ours, *theirs} - differing:
        assert ref in ours
        assert ours[ref] == theirs.get(ref, 0)
    if not differing:
        assert sum(ours.values()) == sum(theirs.values())
