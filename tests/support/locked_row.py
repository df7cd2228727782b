"""A row that an operator's open transaction has locked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg

from billing.container import Services
from billing.platform.db import Database
from billing.platform.time_limits import TimeLimits, Work
from tests.support.world import World

QUICK = TimeLimits(statement=60, lock=0.05, idle=60)
"""Limits in real seconds: waiting for a lock fails at once."""
OPERATOR = "an operator's terminal"


@contextmanager
def locked_row(world: World, table: str, row_id: str) -> Iterator[psycopg.Connection]:
    """Lock the row for the length of the block, or until the yielded connection is rolled back."""
    with psycopg.connect(world.url_of_database, application_name=OPERATOR) as operator:
        operator.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE".encode(), [row_id])
        yield operator
        operator.rollback()


@contextmanager
def hurried(world: World) -> Iterator[Services]:
    """The world's services with the QUICK limits."""
    limits = dict.fromkeys(Work, QUICK)
    database = Database(world.url_of_database, limits=limits)
    try:
        yield replace(world.services, database=database)
    finally:
        database.close()
