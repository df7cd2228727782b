"""The size of the proofs: minutes in `make prove`, which CI runs; hours in `make prove-all`, for a night or a release."""

import os

import pytest

AT_LENGTH = os.environ.get("MASTHEAD_PROVE") == "all"
SEED = int(os.environ.get("MASTHEAD_SEED", "0"))
"""The seed of all random draws in the proofs. CI takes it from the commit's hash."""
STORIES = int(os.environ.get("MASTHEAD_STORIES", "2000" if AT_LENGTH else "300"))
ROUNDS = int(os.environ.get("MASTHEAD_ROUNDS", "500" if AT_LENGTH else "50"))
"""Rounds of each race."""
EVERY_DEATH = AT_LENGTH
"""Whether each stop point is died at in every crash case that passes it, or only in one."""


def sized(*, at_length: int, usual: int) -> int:
    """Choose a number: `at_length` in `make prove-all`, else `usual`."""
    return at_length if AT_LENGTH else usual


only_at_length = pytest.mark.skipif(not AT_LENGTH, reason="only in `make prove-all`")


def in_words() -> str:
    """Describe what a run covers."""
    deaths = "in every crash case that passes it" if EVERY_DEATH else "in one crash case"
    kills = "three kills" if AT_LENGTH else "one kill"
    return (
        f"{STORIES} stories, {ROUNDS} rounds a race, each stop point died at {deaths}, every fault with every act,"
        f" {kills} of newsletters to 5,000; MASTHEAD_SEED={SEED}"
    )
