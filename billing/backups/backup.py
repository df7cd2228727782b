"""Makes a backup: a folder with what `pg_dump` writes, the send logs, and a manifest.

It gets its name last, by one rename. So a folder of that name is whole, whatever died on the way."""

import os
import re
import shutil
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from billing.backups.manifest import DATABASE, JOURNAL, NAME, FileSum, Manifest, measure
from billing.backups.programs import DUMP, Programs, server_version
from billing.platform.claims import only_one
from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.platform.list_key import key_that_opens
from billing.platform.revisions import present_in
from billing.platform.settings import Settings

TURN = "backup"
UNFINISHED = ".unfinished-"


def back_up(
    database: Database, settings: Settings, at: datetime, journal: Path, target: Path, programs: Programs
) -> tuple[Path, Manifest]:
    """Make a backup below `target`, and return its folder. `journal` is the folder of the send logs. Raises RefusesToStart."""
    server, dump = server_version(database), programs.version(DUMP)
    if dump < server:
        raise RefusesToStart(
            f"pg_dump is of version {dump} and the server of version {server}, which it can't read. Name the folder of a newer one"
            " with --programs."
        )
    folder = target / f"{settings.installation}-{at:%Y%m%dT%H%M%SZ}"
    if folder.exists():
        raise RefusesToStart(f"{folder} exists already.")
    with only_one(database, TURN) as ours:
        if not ours:
            raise RefusesToStart("Another `billing backup` is at work on this database.")
        draft = _new_draft(folder)
        try:
            _copy_journal(journal, draft / JOURNAL)
            programs.run(
                DUMP,
                database,
                "--format=directory",
                f"--file={draft / DATABASE}",
                "--no-owner",
                "--no-privileges",
            )
            manifest = _describe(database, settings, at, (server, dump), measure(draft))
            _finish(draft, manifest, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder, manifest


def _new_draft(folder: Path) -> Path:
    """An empty folder beside the future one, closed to other users. Drafts of this installation that died are removed."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    installation = folder.name.rpartition("-")[0]
    for old in folder.parent.iterdir():
        if old.name.startswith(UNFINISHED) and _is_of(installation, old.name.removeprefix(UNFINISHED)):
            shutil.rmtree(old)
    draft = folder.with_name(UNFINISHED + folder.name)
    draft.mkdir(mode=0o700)
    return draft


def _copy_journal(journal: Path, to: Path) -> None:
    """Copy the send logs before the database is read: a log is deleted as soon as its run is settled."""
    to.mkdir()
    for path in journal.glob("*.journal"):
        try:
            shutil.copyfile(path, to / path.name)
        except FileNotFoundError:
            continue  # settled meanwhile


def _describe(
    database: Database,
    settings: Settings,
    at: datetime,
    versions: tuple[int, int],
    files: dict[str, FileSum],
) -> Manifest:
    server, dump = versions
    with database.transaction() as session:
        return Manifest(
            masthead=version("masthead"),
            environment=settings.environment,
            installation=settings.installation,
            revisions=tuple(sorted(present_in(session.connection()))),
            taken_at=at,
            postgresql=server,
            pg_dump=dump,
            key_check=key_that_opens(session, settings),
            files=files,
        )


def _finish(draft: Path, manifest: Manifest, folder: Path) -> None:
    """Write the manifest and give the backup its name, each once all before it is on the disk."""
    for path in (draft / JOURNAL).iterdir():
        _sync(path)
    (draft / NAME).write_text(manifest.model_dump_json(indent=2) + "\n")
    for path in (draft / NAME, draft / JOURNAL, draft):
        _sync(path)
    draft.rename(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def remove_older(target: Path, installation: str, keep: int) -> list[Path]:
    """Remove all backups of this installation below `target` but the latest `keep`, and return their folders."""
    removed = sorted(whole(target, installation))[:-keep]
    for folder in removed:
        going = folder.with_name(UNFINISHED + folder.name)
        folder.rename(going)  # a half-removed one must not be taken for whole
        shutil.rmtree(going)
    return removed


def whole(target: Path, installation: str) -> Iterable[Path]:
    """The backups of this installation below `target`."""
    return (path for path in target.iterdir() if _is_of(installation, path.name))


def _is_of(installation: str, name: str) -> bool:
    return re.fullmatch(rf"{re.escape(installation)}-\d{{8}}T\d{{6}}Z", name) is not None
