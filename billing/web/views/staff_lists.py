"""Lists for staff: readers, subscriptions, payments, refunds, tax invoices and credit notes."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCell:
    """One value of a row: words, or one of the others. `label` names it where a row is a card; `tax` is said behind an amount."""

    label: str = ""
    text: str = ""
    note: str = ""
    money: Money | None = None
    tax: str = ""
    day: date | None = None
    moment: datetime | None = None
    bad: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.text and self.money is None and self.day is None and self.moment is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRowView:
    """A row; its first cell links to the reader's page."""

    reader_id: str
    name: str
    note: str
    cells: tuple[ListCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInput:
    """One input of the filter's form. `kind`: `choice`, `flag`, or a type of `<input>`."""

    name: str
    label: str
    kind: str
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLink:
    """A link; `current` where it is this page."""

    address: str
    name: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSums:
    """What all rows come to."""

    net: Money
    vat: Money
    gross: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffListPage:
    """One page of a list. `rows` is None where the filter is wrong. `words`: the filter, or nothing; `query`: the same for forms.

    `saved_id` and `saved_name`: the saved filter that this one is, or came from. `csv`: None for a member who may not export."""

    template: ClassVar[str] = "staff/list.html"
    list: str
    title: str
    tabs: tuple[ListLink, ...]
    inputs: tuple[ListInput, ...]
    built_in: tuple[ListLink, ...]
    saved: tuple[ListLink, ...]
    columns: tuple[str, ...]
    rows: tuple[ListRowView, ...] | None
    words: str = ""
    query: str = ""
    count: str = ""
    sums: ListSums | None = None
    csv: str | None = None
    act: str | None = None
    """Where a member who may act on many acts on all who fit."""
    before: str | None = None
    behind: str | None = None
    saved_id: str = ""
    saved_name: str = ""
    name_error: str | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether an input is wrong."""
        return any(each.error for each in self.inputs)
