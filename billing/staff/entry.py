"""What a line of the timeline is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntryKind(StrEnum):
    """What sort of thing happened; the words of the filter."""

    STATE = "subscription"
    CHARGE = "charges"
    REFUND = "refunds"
    DISPUTE = "disputes"
    MAIL = "mails"
    CONSENT = "consents"
    ACT = "staff"
    NOTE = "notes"
    REQUEST = "requests"
    SIGN_IN = "sign-ins"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: when, what, by whom, why, and its evidence. `ref` is the row's id."""

    at: datetime
    kind: EntryKind
    what: str
    ref: str
    by: str = ""
    reason: str = ""
    facts: tuple[tuple[str, str], ...] = ()


def present(*facts: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Those facts of which there is something to say."""
    return tuple((name, value) for name, value in facts if value)
