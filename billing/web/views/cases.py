"""Staff pages about what only a person can explain: cases, and the disputes behind some of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case. `kind` is in words, and so is `stands`, where it has come to; at `answered_at` somebody answered the bank. `ours` and `theirs` are the amounts in our books and the acquirer's; None where there is none."""

    case_id: str
    kind: str
    what: str
    opened_at: datetime
    act_by: datetime | None = None
    stands: str = ""
    answered_at: datetime | None = None
    answered_by: str | None = None
    reader_id: str | None = None
    email: str | None = None
    ours: Money | None = None
    theirs: Money | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCasesPage:
    """A page of open cases, earliest deadline first. `compared` says up to which day the books were compared; `more` is the address
    of the next page."""

    template: ClassVar[str] = "staff/cases.html"
    rows: tuple[CaseRow, ...]
    compared: str
    more: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffClosedCasesPage:
    """A page of closed cases, the last closed first. `more` is the address of the next page."""

    template: ClassVar[str] = "staff/closed_cases.html"
    rows: tuple[CaseRow, ...]
    more: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceGroup:
    """One part of the evidence: rows of (name, value)."""

    title: str
    rows: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLink:
    """A page of ours, and what is done there. `quiet`: nothing needs to be done now."""

    address: str
    words: str
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCasePage:
    """One case with its evidence. `link` leads to the page where it can be settled."""

    template: ClassVar[str] = "staff/case.html"
    row: CaseRow
    groups: tuple[EvidenceGroup, ...]
    link: CaseLink | None
    draft: str = ""
    error: str | None = None
