"""Complimentary days for an address without an account."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInvitePage:
    """The form, and what it would do, in words. Without `version` it can't be done as typed; `error` says why."""

    template: ClassVar[str] = "staff/invite.html"
    email: str = ""
    days: str = "7"
    reason: str = ""
    words: tuple[str, ...] = ()
    button: str = ""
    version: str = ""
    error: str | None = None
