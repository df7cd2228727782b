"""Tables as CSV for spreadsheets, line by line: a year of them needs no more memory than a day."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file for csv.writer, whose `writerow` returns what `write` returns."""

    def write(self, text: str) -> str:
        return text


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a file, the head first. No cell begins as a formula, whatever a reader wrote in it."""
    writer = csv.writer(_Echo())
    for row in chain([columns], rows):
        yield writer.writerow([tame(cell) for cell in row])


def tame(cell: object) -> object:
    """A cell for a spreadsheet: text that would be a formula gets an apostrophe; numbers stay numbers."""
    text = cell.isoformat() if isinstance(cell, date | datetime) else cell
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
