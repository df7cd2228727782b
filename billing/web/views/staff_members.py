"""Members of staff, and the form that adds one."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedChange:
    """A change of a member that was refused. `form` is the last part of its form's address: role, reset or disable."""

    staff_id: str
    form: str
    error: str
    role: str = ""
    reason: str = ""


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
    refused: RefusedChange | None = None

    @property
    def chosen(self) -> str:
        """The role that its form shows: the one that was refused, or the member's."""
        return (self.refused.role if self.refused else "") or self.role

    def reason_for(self, form: str) -> str:
        """The reason that was typed into one of its forms and refused."""
        return self.refused.reason if self.refused is not None and self.refused.form == form else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMembersPage:
    """`email`, `role`, `reason` and `error` are those of the form at the foot."""

    template: ClassVar[str] = "staff/members.html"
    rows: tuple[MemberRow, ...]
    roles: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    """What waits for another admin."""
    email: str = ""
    role: str = ""
    reason: str = ""
    error: str | None = None
