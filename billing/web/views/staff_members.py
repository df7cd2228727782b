"""Members of staff, and the form that adds one."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    staff_id: str
    email: str
    role: str
    disabled_at: datetime | None
    enrolled: bool
    signed_in: int
    seen_at: datetime | None
    """When they were seen last, within 90 days."""
    is_this: bool
    needs_second: bool = False
    """Whether a change waits for another admin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMembersPage:
    template: ClassVar[str] = "staff/members.html"
    rows: tuple[MemberRow, ...]
    roles: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    """What waits for another admin."""
    email: str = ""
    reason: str = ""
    error: str | None = None
    row_error: str | None = None
