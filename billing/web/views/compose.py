"""Staff pages on which editors write, schedule and watch issues of newsletters."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """An article whose card can be inserted into the text."""

    article_id: str
    title: str
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePage:
    """The editor, with the saved or the typed text. `problems` block the sending of the saved text; `sizes` are (what, size) in
    words."""

    template: ClassVar[str] = "staff/compose.html"
    issue_id: str
    newsletter: str
    people: int
    version: int
    subject: str
    preheader: str
    source: str
    scheduled_at: datetime | None
    suggested: str
    zone: str
    picks: tuple[Pick, ...]
    problems: tuple[str, ...]
    sizes: tuple[tuple[str, str], ...]
    variant: str = "reader"
    """Whose variant the preview shows, and a test mail has."""
    held_reason: str | None = None
    note: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    address: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueProgressPage:
    """A started issue. `rows` are (outcome, count) and add up to `recipients`."""

    template: ClassVar[str] = "staff/issue.html"
    issue_id: str
    newsletter: str
    subject: str
    state: str
    state_words: str
    started_at: datetime
    finished_at: datetime | None
    recipients: int
    settled: int
    rows: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, int], ...]
    variants: tuple[tuple[str, int], ...]
    held: tuple[HeldRow, ...]
    held_count: int
    held_reason: str | None
    resume_at: datetime | None
    is_final: bool = False
    """Whether the counts stand for good, as who got it is kept for 60 to 90 days."""
