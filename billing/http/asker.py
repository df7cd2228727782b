"""Whom a question about access counts for. Told by the access cache, held to limits behind it."""

from dataclasses import dataclass
from enum import StrEnum

ASKER = "asker"
"""In a request's state: who asks, where that was proved."""


class AskerKind(StrEnum):
    """Who asks; each has places of its own."""

    PROGRAM = "program"
    READER = "reader"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom a question counts for: an API key, a reader, a network."""

    kind: AskerKind
    name: str
