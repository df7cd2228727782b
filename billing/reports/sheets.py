"""Tables as CSV for spreadsheets, line by line, so that a year of them needs no more memory than a day."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """What a csv.writer writes to: it keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a file, the head first. No cell begins as a formula, whoever wrote the words in it."""
    line = _Line()
    writer = csv.writer(line)
    for row in _with_head(columns, rows):
        writer.writerow([tame(cell) for cell in row])
        yield line.text


def _with_head(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    yield columns
    yield from rows


def tame(cell: object) -> object:
    """A cell as it may stand in a spreadsheet: words that would be a formula get an apostrophe; numbers stay numbers."""
    text = cell.isoformat() if isinstance(cell, date | datetime) else cell
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
