"""The bookkeeper's files of a world, as `billing export` writes them."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

from billing.platform.actors import Command
from billing.reports import exports
from billing.reports.journal_files import JournalSettings
from tests.support.world import World


def write_books(world: World, folder: Path, first: date, last: date) -> list[Path]:
    """Write the files of these days; their paths."""
    journals = JournalSettings.of(world.settings)
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        return exports.write(ctx, folder, first, last, journals)


def book_text(world: World, name: str, first: date, last: date) -> str:
    """The text of one file of these days."""
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        return "".join(exports.SHEETS[name].lines(ctx, first, last))


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
