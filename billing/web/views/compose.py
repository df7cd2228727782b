"""The pages on which editors write, schedule and watch issues of newsletters."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRow:
    issue_id: str
    newsletter: str
    subject: str
    state: str
    at: datetime
    """When it starts, was started or was changed last, as fits its state."""
    changed_by: str
    recipients: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    newsletter_id: str
    name: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuesPage:
    template: ClassVar[str] = "staff/issues.html"
    issues: tuple[IssueRow, ...]
    lists: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """An article to put a card of into the text."""

    article_id: str
    title: str
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePage:
    """What was typed, kept or not; `problems` keep the kept text from being sent, `sizes` are for people."""

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
    held_reason: str | None = None
    note: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    address: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueProgressPage:
    """A started issue. `rows` are (what, how many) and add up to `recipients`."""

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
