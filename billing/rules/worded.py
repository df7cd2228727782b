"""Enums whose members carry words for people, as `__doc__`."""

from enum import StrEnum
from typing import Self


class WordedEnum(StrEnum):
    """Members are written `NAME = "value", "words"`; as text each is its value alone."""

    def __new__(cls, value: str, words: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.__doc__ = words
        return member

    @property
    def words(self) -> str:
        """What the member means, in words."""
        return str(self.__doc__)
