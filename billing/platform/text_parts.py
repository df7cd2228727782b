"""Conditions that find parts of a text: an index of its runs of three letters finds candidates (`trigrams`, in the migration)."""

from collections.abc import Sequence

import sqlalchemy as sa

INDEXED = 3
"""Letters of the shortest part that the index knows."""


def in_index(column: sa.ColumnExpressionArgument[str | None], word: str) -> sa.ColumnElement[bool]:
    """Whether the text has all runs of three letters of the word, in any order. Never true for a shorter word."""
    return sa.func.trigrams(column).op("@>", return_type=sa.Boolean())(sa.func.trigrams(word))


def has(column: sa.ColumnExpressionArgument[str | None], word: str) -> sa.ColumnElement[bool]:
    """Whether the word is a part of the text, in upper or lower case."""
    return sa.func.lower(column).contains(word.lower(), autoescape=True)


def indexed(words: Sequence[str]) -> list[str]:
    """The words that are long enough for the index."""
    return [word for word in words if len(word) >= INDEXED]


def has_all(
    column: sa.ColumnExpressionArgument[str | None], words: Sequence[str]
) -> list[sa.ColumnElement[bool]]:
    """The conditions that every word is a part of the text; the index serves them if one of the words is long enough."""
    return [*(in_index(column, word) for word in indexed(words)), *(has(column, word) for word in words)]
