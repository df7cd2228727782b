"""Shows what `billing migrate` would run."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from billing.platform.migration_plan import PlannedMigration
    from billing.platform.migration_steps import Step
    from billing.platform.settings import Settings


def show(read: "Settings") -> None:
    """Print the plan for the database in the settings, which stays as it is. Raises RefusesToStart."""
    import sqlalchemy as sa

    from billing.platform.db import Database
    from billing.platform.db_errors import cannot_be_reached
    from billing.platform.migrate import revisions_of
    from billing.platform.migration_plan import plan, sizes

    database = Database(read.database_url)
    try:
        with database.engine.connect() as connection:
            planned = plan(revisions_of(connection))
            tables = sizes(
                connection, {table for each in planned for step in each.steps for table in step.tables}
            )
    except sa.exc.OperationalError as error:
        raise cannot_be_reached(error) from None
    finally:
        database.close()
    for migration in planned:
        for line in _lines(migration, tables):
            click.echo(line)
    count = {0: "No migration", 1: "One migration"}.get(len(planned), f"{len(planned)} migrations")
    click.echo(f"{count} would run. Nothing was changed.")


def _lines(migration: "PlannedMigration", tables: Mapping[str, str]) -> Iterator[str]:
    from billing.platform.migration_steps import Lock

    yield f"{migration.revision}: {migration.title}"
    if migration.contracts_since:
        yield (
            f"  It removes what no release since {migration.contracts_since} needs: stop every process of an earlier one first."
        )
    for step in migration.steps:
        if step.lock is not Lock.NONE:
            yield f"  {step.words}"
            yield f"      {_effect(step, tables)}"
    if new := sum(step.lock is Lock.NONE for step in migration.steps):
        yield f"  Statements on what it makes itself, for which nobody waits: {new}"


def _effect(step: "Step", tables: Mapping[str, str]) -> str:
    from billing.platform.migration_steps import DURATION, Lock

    if step.lock is Lock.UNKNOWN:
        return "What it locks isn't known here: read it."
    names = ", ".join(f"{name} ({tables[name]})" for name in step.tables if name in tables)
    on = f" on {names}" if names else ""
    waits = ". Others wait for it" if step.is_slow else ""
    breaks = ". The release before can't work on the result" if step.breaks else ""
    return f"locks {step.lock.name.replace('_', ' ')}{on}, {DURATION[step.cost]}{waits}{breaks}"
