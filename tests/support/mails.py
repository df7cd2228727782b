"""Finding a mail among those that came."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Titled(Protocol):
    """Whatever has a subject."""

    @property
    def subject(self) -> str:
        """Its words."""
        ...


Found = TypeVar("Found", bound=Titled)


def about(letters: Sequence[Found], subject: str) -> Found:
    """The newest of them, which come oldest first, with these words in its subject; two of one instant come in any order."""
    found = [letter for letter in letters if subject in letter.subject]
    assert found, (subject, [letter.subject for letter in letters])
    return found[-1]
