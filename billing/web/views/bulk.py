"""Staff pages of acts on many readers."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.bulk_action import WORKED_ON, BulkState
from billing.rules.money import Money
from billing.web.views.staff_act import ActField


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRow:
    """An act on many, in the list."""

    action_id: str
    what: str
    made_by: str
    made_at: datetime
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffManyPage:
    """The acts on many, newest first. `kinds`: those that the member may begin, as (value, words); `older` is the next page.

    `of`: the list whose filter chooses readers, with `more` for the addresses of the forms."""

    template: ClassVar[str] = "staff/many.html"
    kinds: tuple[tuple[str, str], ...]
    of: str = ""
    more: str = ""
    rows: tuple[BulkRow, ...] = ()
    older: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffManyNewPage:
    """Choose readers, and what to do for each. `unknown`: pasted entries that fit no reader.

    `of` and `query`: the list and the filter that choose readers, in words `fits`; otherwise a list is pasted."""

    template: ClassVar[str] = "staff/many_new.html"
    kind: str
    title: str
    who: str = ""
    of: str = ""
    query: str = ""
    fits: str = ""
    fields: tuple[ActField, ...] = ()
    unknown: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCount:
    """Lines in one state: the state's value and words, how many, and what they give."""

    value: str
    words: str
    lines: int
    amount: Money | None = None
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkLineRow:
    """One line: whose it is, what it gives, and what it does or why it was refused."""

    reader_id: str
    email: str
    state: str
    words: str
    amount: Money | None = None
    days: int = 0
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffBulkPage:
    """One act on many: its preview, its progress, its result. `acts`: the forms that it offers now. `reader_reads`: whether the
    reader reads the reason too. `changed`: how many readers of the preview have changed since it was made, the last at
    `changed_at`."""

    template: ClassVar[str] = "staff/many_one.html"
    action_id: str
    title: str
    made_by: str
    made_at: datetime
    chosen: str
    summary: tuple[str, ...]
    state: BulkState
    counts: tuple[BulkCount, ...]
    total: int
    finished: int
    changed: int = 0
    changed_at: datetime | None = None
    may_start: bool = False
    acts: tuple[str, ...] = ()
    second: bool = False
    reader_reads: bool = False
    reason: str = ""
    letter: tuple[str, ...] = ()
    approval_until: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stopped_because: str = ""
    reasons: tuple[tuple[str, int], ...] = ()
    show: str = ""
    rows: tuple[BulkLineRow, ...] = ()
    more: str | None = None
    error: str | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether a worker goes on with it, so that the page can be looked at again."""
        return self.state in WORKED_ON
