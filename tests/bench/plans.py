"""Which tables the statements of a request read from end to end, by PostgreSQL's plans for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from billing.platform.db import Database

_PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
_LARGE = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND reltuples >= %s"


class Seen:
    """Statements that were sent, with their values."""

    def __init__(self, url: str, large: frozenset[str]) -> None:
        self._url, self._large = url, large
        self.statements: dict[str, Any] = {}

    def scanned(self) -> list[str]:
        """The large tables that a plan reads from end to end, in order."""
        found = set[str]()
        with psycopg.connect(self._url) as connection:
            for statement, values in self.statements.items():
                plan = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), values).fetchone()
                assert plan is not None
                found.update(_scanned(plan[0][0]["Plan"]))
        return sorted(found & self._large)


class Plans:
    """Watches a database's statements. Tables with at least a twentieth as many rows as there are readers count as large."""

    def __init__(self, database: Database, readers: int) -> None:
        self._engine, self._url = database.engine, database.address
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(_LARGE, [readers / 20]).fetchall()
        self._large = frozenset(row[0] for row in rows)

    @contextmanager
    def watching(self) -> Iterator[Seen]:
        """Collect what is sent meanwhile."""
        seen = Seen(self._url, self._large)

        def sent(
            _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool
        ) -> None:
            if statement.lstrip().upper().startswith(_PLANNED) and not _many:
                seen.statements[statement] = values

        sa.event.listen(self._engine, "before_cursor_execute", sent)
        try:
            yield seen
        finally:
            sa.event.remove(self._engine, "before_cursor_execute", sent)


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", ()):
        yield from _scanned(inner)
