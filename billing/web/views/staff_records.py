"""The audit."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    id: int
    at: datetime
    by: str
    act: str
    refused: bool
    reader_id: str | None
    subject: str | None
    reason: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAuditPage:
    """`acts` are (act, in words); `older` and `csv` are the addresses of the next page and of the export."""

    template: ClassVar[str] = "staff/audit.html"
    rows: tuple[AuditRow, ...]
    acts: tuple[tuple[str, str], ...]
    words: str
    who: str
    reader: str
    act: str
    since: str
    until: str
    refused: bool
    csv: str
    older: str | None
    error: str | None = None
