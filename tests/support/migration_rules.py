"""The rules for a migration, as far as they can be checked by reading it (see CONTRIBUTING.md, "A migration")."""

import re
from collections.abc import Iterator

from billing.platform import revisions
from billing.platform.migration_plan import PlannedMigration
from billing.platform.migration_steps import Lock, Step

_CONCURRENT = re.compile(r"(CREATE|DROP) (?:UNIQUE )?INDEX CONCURRENTLY (IF EXISTS )?(\S+)", re.IGNORECASE)


def faults(migration: PlannedMigration) -> list[str]:
    """What is wrong with a migration, in words."""
    return [*_of_steps(migration), *_of_indexes(migration.steps), *_of_text(migration)]


def _of_steps(migration: PlannedMigration) -> Iterator[str]:
    for step in migration.steps:
        if step.lock is Lock.UNKNOWN:
            yield f"no rule knows `{step.words}`: add one to billing/platform/migration_steps.py"
        if step.is_slow:
            yield f"others wait for `{step.words}`"
        if step.breaks and migration.contracts_since is None:
            yield f"the release before can't work on the result of `{step.words}`: a release later, marked `contracts_since`"
    blocked = {
        table for step in migration.steps if step.lock > Lock.SHARE_UPDATE_EXCLUSIVE for table in step.tables
    }
    if len(blocked) > 1:
        yield f"it locks {' and '.join(sorted(blocked))}, and a request that uses both would deadlock with it: one table each"
    if migration.contracts_since and not any(step.breaks for step in migration.steps):
        yield "marked `contracts_since`, and removes nothing"


def _of_indexes(steps: tuple[Step, ...]) -> Iterator[str]:
    found = [match for step in steps if (match := _CONCURRENT.match(step.statement))]
    made = [match[3] for match in found if match[1].upper() == "CREATE"]
    dropped = [match[3] for match in found if match[1].upper() == "DROP" and match[2]]
    if made and (len(made) > 1 or len(steps) > len(found)):
        yield "an index made concurrently is alone in its migration: what is committed before it would be done again"
    for name in made:
        if name not in dropped:
            yield f"{name} must be dropped first, if it exists: a try that met a lock leaves an invalid one"


def _of_text(migration: PlannedMigration) -> Iterator[str]:
    [path] = (revisions.FOLDER / "versions").glob(f"{migration.revision}_*.py")
    text = path.read_text("utf-8")
    if "get_bind" in text:
        yield "it reads the database, so nobody can see before what it would do: use SQL"
    if not re.search(r"^def downgrade\(\) -> None:\n +raise ", text, re.MULTILINE):
        yield "its downgrade must raise: there is no way back by migrations"
