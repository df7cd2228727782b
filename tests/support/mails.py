"""Find a mail by its subject."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Titled(Protocol):
    """A mail of any class."""

    @property
    def subject(self) -> str:
        """The mail's subject."""
        ...


Found = TypeVar("Found", bound=Titled)


def about(letters: Sequence[Found], subject: str) -> Found:
    """The newest mail whose subject contains these words. `letters` are oldest first; the order within one instant is arbitrary."""
    found = [letter for letter in letters if subject in letter.subject]
    assert found, (subject, [letter.subject for letter in letters])
    return found[-1]
