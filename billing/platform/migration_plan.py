"""What `billing migrate` would run, read from the migrations' SQL; nothing is executed."""

import re
from dataclasses import dataclass
from typing import TextIO, cast

import sqlalchemy as sa
from alembic.config import Config

from alembic import command
from billing.platform import revisions
from billing.platform.migration_steps import Step, made_by, steps_of

_BEGINS = re.compile(r"-- Running upgrade (\w*) -> (\w+)")
_OF_ALEMBIC = re.compile(
    r"^(?:BEGIN|COMMIT|--.*|CREATE TABLE alembic_version\b.*|(?:UPDATE|INSERT INTO|DELETE FROM) alembic_version\b.*)$",
    re.DOTALL,
)
_CONTRACTS = re.compile(r'^contracts_since = "([^"]+)"$', re.MULTILINE)
_TITLE = re.compile(r'^"""(.+)$', re.MULTILINE)


@dataclass(frozen=True)
class PlannedMigration:
    """A migration that would run."""

    revision: str
    title: str
    contracts_since: str | None
    """The release since which no code needs what this migration removes. None: it only expands."""
    steps: tuple[Step, ...]


class _Output:
    """Alembic writes each statement by one call. Its text as a whole couldn't be split: functions hold semicolons too."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def write(self, text: str) -> int:
        """Take a statement, or the comment that begins a migration."""
        if begins := _BEGINS.match(text):
            self.found[begins[2]] = []
        statement = text.strip().removesuffix(";").strip()
        if statement and not _OF_ALEMBIC.match(statement):
            self.found[next(reversed(self.found))].append(statement)
        return len(text)

    def flush(self) -> None:
        """Nothing waits to be written."""


def plan(present: set[str]) -> list[PlannedMigration]:
    """The migrations that a database at these revisions lacks, in their order. Empty for one that is ahead."""
    if not revisions.missing(present):
        return []
    output = _Output()
    config = Config(output_buffer=cast(TextIO, output))
    config.set_main_option("script_location", str(revisions.FOLDER))
    [start] = present or {"base"}
    command.upgrade(config, f"{start}:head", sql=True)
    planned, unused = [], set[str]()
    for revision, statements in output.found.items():
        planned.append(_planned(revision, steps_of(statements, unused)))
        unused = made_by(statements) | {table for table in unused if _continues(statements, table)}
    return planned


def _continues(statements: list[str], table: str) -> bool:
    """Whether a migration goes on with a table that the one before it made: with a foreign key, which locks a second table."""
    return any(statement.startswith(f"ALTER TABLE {table} ") for statement in statements)


def _planned(revision: str, steps: list[Step]) -> PlannedMigration:
    [path] = (revisions.FOLDER / "versions").glob(f"{revision}_*.py")
    text = path.read_text("utf-8")
    title, contracts = _TITLE.search(text), _CONTRACTS.search(text)
    return PlannedMigration(
        revision,
        title[1].strip('"') if title else path.stem,
        contracts[1] if contracts else None,
        tuple(steps),
    )


def sizes(connection: sa.Connection, tables: set[str]) -> dict[str, str]:
    """The size of each table that exists, with its indexes, in words."""
    query = sa.text(
        "SELECT name, pg_size_pretty(pg_total_relation_size(to_regclass(name))) FROM unnest(CAST(:names AS text[])) AS name"
        " WHERE to_regclass(name) IS NOT NULL"
    )
    return {str(name): str(size) for name, size in connection.execute(query, {"names": sorted(tables)})}
