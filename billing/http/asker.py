"""Whom an access request counts for. The access cache finds it out; the limits behind it use it."""

from dataclasses import dataclass
from enum import StrEnum

ASKER = "asker"
"""The key in a request's state; absent where the asker isn't verified."""


TOO_MANY = "too many"
"""In place of an asker: the request is answered with 503, because too many wait for the database."""


class AskerKind(StrEnum):
    """Who asks; each has places of its own."""

    PROGRAM = "program"
    READER = "reader"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Asker:
    """An API key, a reader or a network."""

    kind: AskerKind
    name: str
