"""Restores a backup into an empty database. It charges nobody until `billing adopt` (see `platform/installation`).

The send logs are not put back. Their worker went on after they were copied, so a mail that they don't name may have been sent."""

from pathlib import Path

import psycopg
import sqlalchemy as sa

from billing.backups.manifest import DATABASE, Manifest, verify
from billing.backups.programs import RESTORE, Programs, server_version
from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.platform.list_key import key_check, key_that_opens, tokens_of
from billing.platform.pooling import refuse_transaction_pooling
from billing.platform.revisions import is_ahead, missing, present_in
from billing.platform.settings import Settings
from billing.platform.text_encoding import refuse_other_encoding

_HOLDS = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
LIMIT 1
"""
"""A table, view or sequence that no extension has brought along."""


def check(source: Path, settings: Settings, programs: Programs) -> Manifest:
    """Check a backup against its checksums, these settings and this release; nothing is changed. Raises RefusesToStart."""
    manifest = verify(source)
    theirs, ours = (
        (manifest.environment, manifest.installation),
        (settings.environment, settings.installation),
    )
    if theirs != ours:
        raise RefusesToStart(
            f"The backup is of the installation {theirs[1]} ({theirs[0]}), and the settings name {ours[1]} ({ours[0]})."
        )
    if manifest.key_check not in {key_check(key) for key in tokens_of(settings).keys}:
        raise RefusesToStart(
            f"The backup is opened by the secret key with the check value {manifest.key_check}; BILLING_SECRET_KEY has"
            f" {key_check(settings.secret_key.get_secret_value())}. Set the right key, or add it to BILLING_PREVIOUS_SECRET_KEYS."
        )
    if is_ahead(set(manifest.revisions)):
        raise RefusesToStart(
            f"The backup was made by Masthead {manifest.masthead}, at migration {', '.join(manifest.revisions)}, which this release"
            " doesn't know. Install that release or a later one."
        )
    found = programs.version(RESTORE)
    if found < manifest.pg_dump:
        raise RefusesToStart(
            f"pg_restore is of version {found}, and the backup was written by version {manifest.pg_dump}. Name the folder of a newer"
            " one with --programs."
        )
    return manifest


def restore(source: Path, database: Database, manifest: Manifest, programs: Programs) -> set[str]:
    """Restore a backup that `check` has passed. Returns the migrations that the database lacks now. Raises RefusesToStart.

    One process restores in one transaction, so a failure leaves the database empty. Several processes leave a part behind."""
    refuse_transaction_pooling(database)
    if (server := server_version(database)) < manifest.postgresql:
        raise RefusesToStart(
            f"The server is of version {server}, and the backup of one of version {manifest.postgresql}. Restore it into that"
            " version or a later one."
        )
    _refuse_unfit(database)
    programs.run(
        RESTORE,
        database,
        "--exit-on-error",
        *(["--single-transaction"] if programs.jobs == 1 else []),
        "--no-owner",
        "--no-privileges",
        str(source / DATABASE),
    )
    with psycopg.connect(database.address, autocommit=True) as connection:
        connection.execute("ANALYZE")  # a restore brings no statistics, and plans without them are slow
    with database.transaction() as session:
        return missing(present_in(session.connection()))


def check_key(database: Database, settings: Settings) -> None:
    """Raises WrongSecretKey where no configured secret key opens the restored database."""
    with database.transaction() as session:
        key_that_opens(session, settings)


def _refuse_unfit(database: Database) -> None:
    with database.transaction() as session:
        refuse_other_encoding(session.connection())
        held = session.execute(sa.text(_HOLDS)).scalar_one_or_none()
    if held is not None:
        raise RefusesToStart(
            f"The database isn't empty: it holds {held}. Make a new one (`createdb`), and name it in BILLING_DATABASE_URL."
        )
