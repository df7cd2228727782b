"""A table that another transaction has locked: each request that needs it waits, and holds its thread and connection."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.world import World


class LockedTable:
    """A locked table; `waiting` counts the sessions that wait for it."""

    def __init__(self, connection: psycopg.Connection, table: str) -> None:
        self.connection = connection
        self.table = table

    @property
    def waiting(self) -> int:
        """The number of sessions that wait for the table."""
        found = self.connection.execute(
            "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [self.table]
        ).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def locked_table(world: World, table: str) -> Iterator[LockedTable]:
    """Lock the table for the length of the block."""
    with psycopg.connect(world.url_of_database) as operator:
        operator.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield LockedTable(operator, table)
        operator.rollback()
