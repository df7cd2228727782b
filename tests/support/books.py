"""The bookkeeper's files of a world, as `billing export` writes them."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

from billing.reports import exports
from billing.reports.journal_files import JournalSettings
from tests.support.world import World


def write_books(world: World, folder: Path, first: date, last: date) -> list[Path]:
    """Write the files of these days; their paths."""
    today = world.services.site.today(world.now)
    journals = JournalSettings.of(world.settings)
    return exports.write(world.services.database, folder, first, last, today, journals)


def read_book(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of one file of a folder, by its name without the days."""
    [path] = folder.glob(f"{name}-20*.csv")
    return rows_of(path.read_text(encoding="utf-8"))


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a file by column."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def cents(words: str) -> int:
    """An amount of a file, in cents; an empty cell is nothing."""
    return int(Decimal(words or "0") * 100)
