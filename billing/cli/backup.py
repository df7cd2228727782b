"""Commands for backups: make one, and restore one into an empty database."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.words import in_words, settings

if TYPE_CHECKING:
    from billing.backups.programs import Programs
    from billing.platform.settings import Settings

_PROGRAMS = click.option(
    "--programs",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of pg_dump and pg_restore; else they are found on PATH.",
)
_JOBS = click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Tables that are read or written at once.",
)


@billing.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Then remove all of this installation's backups but the latest so many.",
)
@_JOBS
@_PROGRAMS
def backup(target: Path, keep: int | None, jobs: int, folder: Path | None) -> None:
    """Make a backup in a new folder below TARGET: the database, the logs of sent newsletters, checksums.

    The installation works on meanwhile. A folder that is there is whole: it gets its name at the end. The secret key is not in
    it; without that key a restored database is of no use. Nor is anything encrypted: it holds readers' addresses."""
    from billing.backups.backup import back_up, remove_older

    services = opened()
    made, manifest = back_up(
        services.database,
        services.settings,
        services.clock.now(),
        services.newsletter_sender.send_logs,
        target,
        _programs(services.settings, folder, jobs),
    )
    click.echo(
        f"{made}: {manifest.size / 1e6:.1f} MB in {len(manifest.files)} files, at migration {', '.join(manifest.revisions)}."
    )
    click.echo(
        f"The secret key isn't in it. Keep the one with the check value {manifest.key_check} elsewhere, as long as the backup."
    )
    for removed in remove_older(target, manifest.installation, keep) if keep else ():
        click.echo(f"Removed: {removed}")


@billing.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--verify",
    is_flag=True,
    help="Only check it: its checksums, its secret key, its release. Needs no database.",
)
@_JOBS
@_PROGRAMS
def restore(source: Path, verify: bool, jobs: int, folder: Path | None) -> None:
    """Restore the backup in the folder SOURCE into the empty database of BILLING_DATABASE_URL.

    A database that holds any table is refused. The restored one charges nobody, and sends no mail but links to sign in with,
    until `billing adopt`."""
    from billing.backups import restore as backups
    from billing.platform.db import Database

    read = settings()
    programs = _programs(read, folder, jobs)
    manifest = backups.check(source, read, programs)
    taken = in_words(manifest.taken_at, read.zone)
    if verify:
        click.echo(
            f"Whole: the backup of {manifest.installation}, {taken}. The secret key in the settings opens it."
        )
        return
    database = Database(read.database_url)
    lacking = backups.restore(source, database, manifest, programs)
    backups.check_key(database, read)
    database.close()
    click.echo(f"Restored as it was on {taken}. The secret key in the settings opens it.")
    if lacking:
        click.echo(f"It lacks the migrations {', '.join(sorted(lacking))}: say `billing migrate`.")
    click.echo("Nobody is charged until `billing adopt`. Stop what works on the other database before that.")


def _programs(read: "Settings", folder: Path | None, jobs: int) -> "Programs":
    """The demo has those of its own PostgreSQL."""
    from billing.backups.programs import Programs
    from billing.platform.settings import Environment

    if folder is None and read.environment is Environment.DEMO:
        from billing.dev.postgres.binaries import INSTALLATION

        folder = INSTALLATION / "bin"
    return Programs(folder, jobs)
