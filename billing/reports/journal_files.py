"""The condensed journal as files that a bookkeeper opens or imports: plain CSV, and the layouts of Xero and of Sage."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from billing.platform.settings import Settings
from billing.reports import sheets
from billing.reports.book_words import account_title
from billing.reports.condensed import JournalEntry, JournalUnit
from billing.rules.account_codes import read_codes
from billing.rules.money import BASE_CURRENCY, major

MOST_LINES = 300
"""Lines that Xero takes in one file of manual journals, without the head (help.xero.com, "Enter multiple manual journals using an
import template"). Sage's 0.5 MB hold more."""
Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """The publisher's chart of accounts: the code of each account, and the name of Xero's tax rate without VAT."""

    codes: Mapping[str, str]
    xero_tax_rate: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the installation's settings give them."""
        return cls(read_codes(settings.account_codes), settings.xero_tax_rate)


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to write entries: the columns, the rows of one entry, and how many rows a file may have (None: any number)."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Callable[[JournalEntry, JournalSettings], Iterator[Row]]
    most_lines: int | None = None
    one_currency: bool = False
    """Whether it takes our own currency only: the file has no column for another."""


def _plain(entry: JournalEntry, settings: JournalSettings) -> Iterator[Row]:
    for line in entry.lines:
        code = settings.codes[line.account]
        amounts = sheets.sides(line.amount, entry.currency)
        title = account_title(line.account)
        yield entry.on, entry.words, code, line.account.value, *amounts, entry.currency, title


_NO_TRACKING = ("",) * 4
"""Name and option of each of Xero's two tracking categories."""


def _xero(entry: JournalEntry, settings: JournalSettings) -> Iterator[Row]:
    for line in entry.lines:
        code = settings.codes[line.account]
        day, amount = f"{entry.on:%d/%m/%Y}", major(line.amount)
        yield (
            entry.words,
            day,
            account_title(line.account),
            code,
            settings.xero_tax_rate,
            amount,
            *_NO_TRACKING,
        )


def _sage(entry: JournalEntry, settings: JournalSettings) -> Iterator[Row]:
    reference = f"{entry.on:%Y%m%d}-{entry.kind}"
    for line in entry.lines:
        code = settings.codes[line.account]
        amounts = sheets.sides(line.amount, entry.currency)
        yield reference, f"{entry.on:%d/%m/%Y}", entry.words, code, account_title(line.account), *amounts


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "condensed-journal",
            "Condensed journal",
            (
                *("date", "entry", "account code", "account"),
                *("debit, in its currency", "credit, in its currency", "currency", "account in words"),
            ),
            _plain,
        ),
        Layout(
            "journal-for-xero",
            "Manual journals for Xero",
            (
                *("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"),
                *("TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2"),
            ),
            _xero,
            most_lines=MOST_LINES,
            one_currency=True,
        ),
        Layout(
            "journal-for-sage",
            "Journals for Sage",
            ("Reference", "Date", "Description", "Ledger Account Number", "Details", "Debit", "Credit"),
            _sage,
            most_lines=MOST_LINES,
            one_currency=True,
        ),
    )
}
"""Every layout, by name."""


def stem(layout: Layout, by: JournalUnit, first: date, last: date, today: date) -> str:
    """The one name of a layout's file, on the page and by command, without its ending: `condensed-journal-by-day-2027-03`."""
    return sheets.file_stem(f"{layout.name}-by-{by.value}", first, last, today)


def named(stem: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """Name and text of each file of one layout, the name without its ending: numbered where there are several."""
    if len(texts) == 1:
        return [(stem, texts[0])]
    return [(f"{stem}-{number}", text) for number, text in enumerate(texts, 1)]


def files(layout: Layout, entries: Iterable[JournalEntry], settings: JournalSettings) -> Iterator[str]:
    """The text of each file of the layout, at least one. An entry is never parted, since each file must balance by itself."""
    rows: list[Row] = []
    for entry in entries:
        if layout.one_currency and entry.currency != BASE_CURRENCY:
            continue
        more = list(layout.rows(entry, settings))
        if layout.most_lines and rows and len(rows) + len(more) > layout.most_lines:
            yield _text(layout, rows)
            rows = []
        rows += more
    yield _text(layout, rows)


def _text(layout: Layout, rows: Sequence[Row]) -> str:
    return "".join(sheets.lines(layout.columns, rows))
