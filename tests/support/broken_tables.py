"""Break a table for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.world import World

TRIGGER = """
CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'this commit fails' USING ERRCODE = '23514'; END $$;
CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_late();
"""
UNDO = "DROP TRIGGER refuse_late ON {table}; DROP FUNCTION refuse_late();"


@contextmanager
def every_commit_fails(world: World, table: str) -> Iterator[None]:
    """Every transaction that writes to this table fails, but only at its commit."""
    with world.services.database.engine.begin() as connection:
        connection.exec_driver_sql(TRIGGER.format(table=table))
    try:
        yield
    finally:
        with world.services.database.engine.begin() as connection:
            connection.exec_driver_sql(UNDO.format(table=table))


@contextmanager
def refused_rows(world: World, table: str, check: str) -> Iterator[None]:
    """Rows written in the block must satisfy this SQL condition."""
    with world.services.database.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK ({check}) NOT VALID")
    try:
        yield
    finally:
        with world.services.database.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT broken")


@contextmanager
def missing_table(world: World, table: str) -> Iterator[None]:
    """The table is missing."""
    with world.services.database.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with world.services.database.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table}_away RENAME TO {table}")
