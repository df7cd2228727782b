"""The staff page of reads: who read how many readers' data."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """Reads of readers' data in the hour that began at `hour`: by whom, of what, how many calls, how many readers."""

    hour: datetime
    by: str
    what: str
    calls: int
    readers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReadsPage:
    """What was read, newest first; `who` is the filter."""

    template: ClassVar[str] = "staff/reads.html"
    rows: tuple[ReadRow, ...]
    who: str = ""
