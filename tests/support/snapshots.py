"""Snapshots of a test's database, restored in milliseconds."""

import psycopg

from billing import tables
from billing.access_cache.change_listener import CHANNEL

END_WORKERS = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
SCHEMA = """
WITH ours AS (SELECT c.oid FROM pg_class c LEFT JOIN pg_index ON indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = indrelid
              WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND NOT coalesce(t.relispartition, false))
SELECT (SELECT sum(c.oid::bigint) FROM pg_constraint c JOIN ours ON ours.oid = conrelid),
       (SELECT sum(t.oid::bigint * ascii(tgenabled::text)) FROM pg_trigger t JOIN ours ON ours.oid = tgrelid),
       (SELECT sum(attrelid::bigint * attnum) FROM pg_attribute JOIN ours ON ours.oid = attrelid WHERE NOT attisdropped),
       (SELECT sum(oid::bigint) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
"""A checksum for each kind of object that DDL could change. Not of partitions, which come and go with the months: those that a
test leaves behind serve the next one as well."""
WORKER = "masthead worker under test"
"""The application name of worker processes that tests start."""


def end_workers(line: psycopg.Connection) -> None:
    """End the sessions of killed workers. Their last statement may still run and hold locks."""
    line.execute(END_WORKERS, [WORKER])


class Snapshots:
    """The rows of all tables, kept under names."""

    def __init__(self, url: str) -> None:
        self._line = psycopg.connect(url, autocommit=True)
        self._tables = list(tables.metadata.tables)
        self._way_back: dict[str, bytes] = {}
        self._schema = self._schema_checksums()

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def keep(self, name: str) -> None:
        """Keep all rows. A snapshot of the same name is replaced."""
        self._do(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        self._do(f'CREATE SCHEMA "{name}"')
        full = [table for table in self._tables if self._holds_rows(table)]
        for table in full:
            self._do(f'CREATE TABLE "{name}"."{table}" AS TABLE public."{table}"')
        self._way_back[name] = self._statements(name, full)

    def restore(self, name: str) -> None:
        """Restore all rows, and invalidate the access cache of every process."""
        end_workers(self._line)
        self._line.execute(self._way_back[name])

    def __contains__(self, name: str) -> bool:
        return name in self._way_back

    def assert_same_schema(self) -> None:
        """Fail if constraints, triggers, columns or functions differ from those at the start."""
        assert self._schema_checksums() == self._schema, "the test changed the schema and must change it back"

    def _schema_checksums(self) -> object:
        return self._line.execute(SCHEMA).fetchone()

    def _statements(self, name: str, full: list[str]) -> bytes:
        """The statements that restore a snapshot. Triggers are off, since they forbid deleting ledger rows; so one NOTIFY invalidates
        everything, in place of one for each row."""
        emptied = [f'DELETE FROM public."{table}"' for table in self._tables]
        filled = [
            f'INSERT INTO public."{table}" ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM "{name}"."{table}"'
            for table in full
            for columns in [self._columns(table)]
        ]
        begin, end = "SET LOCAL session_replication_role = replica", f"NOTIFY {CHANNEL}, 'all'"
        return "; ".join(["BEGIN", begin, *emptied, *filled, end, "COMMIT"]).encode()

    def _holds_rows(self, table: str) -> bool:
        return self._line.execute(f'SELECT 1 FROM public."{table}" LIMIT 1'.encode()).fetchone() is not None

    def _columns(self, table: str) -> str:
        found = self._line.execute(
            "SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        ).fetchall()
        return ", ".join(row[0] for row in found)

    def _do(self, statement: str) -> None:
        self._line.execute(statement.encode())
