"""Compares the migrations in this code with those that a database has had."""

import logging
import re
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.errors import RefusesToStart

_PACKAGED = Path(__file__).parents[1] / "migrations"
FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "alembic"
"""The repository keeps migrations in the folder `alembic`. An installed package has them inside (see setup.py)."""
_LINE = re.compile(r"^(revision|down_revision) = (.*)$", re.MULTILINE)
log = logging.getLogger(__name__)


@cache
def known() -> dict[str, frozenset[str]]:
    """Every migration in the code with its parents. Read as text, because Alembic would import each file."""
    found = {}
    for path in (FOLDER / "versions").glob("*.py"):
        lines = dict(_LINE.findall(path.read_text("utf-8")))
        [revision] = re.findall(r"\w+", lines["revision"])
        found[revision] = frozenset(re.findall(r'"(\w+)"', lines["down_revision"]))
    return found


def missing(present: set[str]) -> set[str]:
    """The migrations in the code that a database at these revisions hasn't had. Empty for a database that is ahead, whose
    history this code can't know."""
    if is_ahead(present):
        return set()
    applied, parents = set[str](), present
    while parents:
        applied |= parents
        parents = set().union(*(known()[revision] for revision in parents))
    return set(known()) - applied


def is_ahead(present: set[str]) -> bool:
    """Whether a database at these revisions has had migrations that this code doesn't know."""
    return not present <= set(known())


def refuse_before_first_release(connection: sa.Connection) -> None:
    """Raises RefusesToStart for a database that was migrated before the first release. Those revisions had the same numbers as
    today's, so the check looks for a table that only a released database has."""
    if connection.execute(sa.text("SELECT to_regclass('worker_heartbeat') IS NULL")).scalar_one():
        raise RefusesToStart(
            "This database was made before the first release, and no migration leads on from it. Make a new database, and run"
            " `billing migrate` on it."
        )


def present_in(connection: sa.Connection) -> set[str]:
    """The revisions that a database is at. Raises ProgrammingError where it was never migrated."""
    return set(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())


def refuse_behind(session: Session) -> None:
    """Raises RefusesToStart where the database lacks migrations that this code needs. A database that is ahead only causes a
    warning: during a release the old code runs beside the new."""
    present = present_in(session.connection())
    if present:
        refuse_before_first_release(session.connection())
    at = ", ".join(sorted(present)) or "nothing"
    if lacking := missing(present):
        raise RefusesToStart(
            f"The database is behind this code: it is at migration {at}, and lacks {', '.join(sorted(lacking))}."
            " Run `billing migrate` first."
        )
    if is_ahead(present):
        log.warning(
            "the database is ahead of this code: it is at migration %s, and this code knows them up to %s; start its release soon",
            at,
            max(known()),
        )
