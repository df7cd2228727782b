"""The staff page of all issues of newsletters."""

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
    """By its state: when it starts, was started, or was changed last."""
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
