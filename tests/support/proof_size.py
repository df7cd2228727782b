"""How long the proofs are: `make prove`, which CI runs, in minutes; `make prove-all`, for a night or a release, at length."""

import os

import pytest

AT_LENGTH = os.environ.get("MASTHEAD_PROVE") == "all"
SEED = int(os.environ.get("MASTHEAD_SEED", "0"))
"""Draws other stories, crowds and meetings. CI takes it from the commit's hash."""
STORIES = int(os.environ.get("MASTHEAD_STORIES", "2000" if AT_LENGTH else "300"))
ROUNDS = int(os.environ.get("MASTHEAD_ROUNDS", "500" if AT_LENGTH else "50"))
"""Of each race."""
EVERY_DEATH = AT_LENGTH
"""Die at each stop point in every crash case that passes it, not in one."""


def sized(*, at_length: int, usual: int) -> int:
    """How many: in `make prove-all`, and in `make prove`."""
    return at_length if AT_LENGTH else usual


only_at_length = pytest.mark.skipif(not AT_LENGTH, reason="only in `make prove-all`")


def in_words() -> str:
    """What a run covers."""
    deaths = "in every crash case that passes it" if EVERY_DEATH else "in one crash case"
    kills = "three kills" if AT_LENGTH else "one kill"
    return (
        f"{STORIES} stories, {ROUNDS} rounds a race, each stop point died at {deaths}, every fault with every act,"
        f" {kills} of newsletters to 5,000; MASTHEAD_SEED={SEED}"
    )
