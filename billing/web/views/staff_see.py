"""Staff's page that asks why a member wants to see an account as its reader sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSeePage:
    """`ends_at`: until when the account is open to this member, who has said why; None before."""

    template: ClassVar[str] = "staff/see.html"
    reader_id: str
    email: str
    ends_at: datetime | None
    minutes: int
    error: str | None = None
