"""Hypothesis strategies that draw quickly."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

Choice = TypeVar("Choice")


def chosen(options: Sequence[Choice], times: int) -> st.SearchStrategy[list[Choice]]:
    """Draw `times` of the options at once, as bytes. Sixty single draws would take 5 ms."""
    return st.binary(min_size=times, max_size=times).map(
        lambda drawn: [options[byte % len(options)] for byte in drawn]
    )
