"""Hypothesis strategies that draw quickly."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

Choice = TypeVar("Choice")


def chosen(options: Sequence[Choice], times: int) -> st.SearchStrategy[list[Choice]]:
    """So many of the options. All are drawn at once, as bytes: sixty draws of one each take 5 ms."""
    return st.binary(min_size=times, max_size=times).map(
        lambda drawn: [options[byte % len(options)] for byte in drawn]
    )
