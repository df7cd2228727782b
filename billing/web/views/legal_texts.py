"""The staff page of legal documents."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalVersionRow:
    """A version of a document: a text of ours at `address`, or the publisher's own page there."""

    label: str
    number: int
    published_at: datetime
    address: str
    is_own_page: bool
    text_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalTextForm:
    """What was typed."""

    kind: str = ""
    words: str = field(default="", repr=False)
    url: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffLegalPage:
    """`rows`: each document's versions, the newest first. `kinds` are (value, words)."""

    template: ClassVar[str] = "staff/legal.html"
    rows: tuple[LegalVersionRow, ...]
    kinds: tuple[tuple[str, str], ...]
    typed: LegalTextForm
    missing: tuple[str, ...] = ()
    """Documents that were never published."""
    error: str | None = None
