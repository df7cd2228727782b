"""Backups of a world, and their restore into another database."""

from pathlib import Path

from click.testing import Result

from billing.backups.backup import whole
from billing.dev.postgres.binaries import INSTALLATION
from tests.support.cli import run_on
from tests.support.world import World

PROGRAMS = INSTALLATION / "bin"
"""The folder of `pg_dump` and `pg_restore` of the server's own version."""


def try_backup(world: World, target: Path, *options: str, **variables: str) -> Result:
    """Run `billing backup`, which may be refused."""
    return run_on(world, "backup", str(target), "--programs", str(PROGRAMS), *options, stdin=b"", **variables)


def back_up(world: World, target: Path, *options: str) -> Path:
    """Run `billing backup` and return the new folder."""
    done = try_backup(world, target, *options)
    assert done.exit_code == 0, done.output
    return latest(target)


def latest(target: Path) -> Path:
    """The latest backup below this folder."""
    return max(whole(target, "main"))


def try_restore(world: World, source: Path, url: str, *options: str, **variables: str) -> Result:
    """Run `billing restore` into the database at `url`; it may be refused."""
    given = {"BILLING_DATABASE_URL": url} | variables
    return run_on(world, "restore", str(source), "--programs", str(PROGRAMS), *options, stdin=b"", **given)


def restore_and_move(world: World, source: Path, url: str) -> str:
    """Restore into the database at `url`, and let the world work on that. The clock stays. Return what the command said."""
    done = try_restore(world, source, url)
    assert done.exit_code == 0, done.output
    now = world.now
    world.url_of_database = url
    world.restart()
    world.execute("UPDATE held_time SET now = :now", now=now)
    return done.output
