"""Which installation a database belongs to. A copy, or a restored backup, charges nobody and sends no mail but links to sign in
with, until an operator says that it is the one (`billing adopt`). One that was adopted, or that took over from a server that failed, holds
money until the acquirer has said what happened since its last known moment: the last commits may be missing in it.

PostgreSQL itself tells one database from its copy: the cluster's identifier, the line of its write-ahead log (a restore to
a point in time, or a standby that took over, begins another), and the numbers of the database and of this table (made anew
by `pg_restore` and by `CREATE DATABASE … TEMPLATE`). What copies a disk as it stands is told apart by BILLING_INSTALLATION."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel

from billing.platform.db import Database, first_line, instant, lock_one
from billing.platform.errors import RefusesToStart, Unavailable
from billing.platform.revisions import refuse_behind
from billing.platform.settings import Settings
from billing.rules.absence import LISTED_WITHIN
from billing.rules.backoff import again_at

log = logging.getLogger(__name__)
FRESH_FOR = timedelta(minutes=15)
"""A worker's last heartbeat is no older than this when a standby takes over: what takes longer, an operator decides."""
SLACK = timedelta(hours=1)
"""How far back from the last known moment the acquirer is asked: clocks differ, and a run writes the moment at which it began."""
HELD_TOO_LONG = timedelta(hours=1)
"""For so long the acquirer is asked again and again before that is an alarm."""


class Installation(SQLModel, table=True):
    """The one row that names the environment this database was made for."""

    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("(asks_since IS NULL) = (next_poll_at IS NULL)", name="polled_at_a_moment"),
    )

    id: int = Field(primary_key=True)
    environment: str
    name: str = Field(default="main", sa_column_kwargs={"server_default": "main"})
    """BILLING_INSTALLATION, when it was marked."""
    home: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """By what PostgreSQL knew this database when it was marked or adopted."""
    asks_since: datetime | None = None
    """From which moment on the acquirer is to be asked what happened. While it stands here money is held."""
    next_poll_at: datetime | None = None
    """When it is asked next."""
    poll_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often it could not be asked to the end."""
    listed_at: datetime | None = None
    """When the acquirer's lists hold all that was done before this database was adopted; what was asked earlier is asked once more."""
    held_since: datetime | None = None
    """Since when money is held for that; it means something only while `asks_since` stands here."""
    list_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The key of the lists, sealed under the secret key (see `list_key`)."""
    rotated_at: datetime | None = None
    """When `billing keys rotate-secret` first ran under the present secret key; empty: there was no other."""
    signs_until: dict[str, str] = Field(
        default_factory=dict, sa_column=sa.Column(JSONB, nullable=False, server_default="{}")
    )
    """Until when reader tokens are believed that a replaced secret key signed, by its check value."""


class NotAdopted(Unavailable):
    """This database is a copy, or was restored: nobody is charged, and no mail is sent but links to sign in with. If it is the one that counts, say `billing adopt`."""

    code = "not_adopted"


class AsksAcquirer(Unavailable):
    """Payments stand still until the acquirer has said what happened since the last known moment. Please try again in a minute."""

    code = "asks_acquirer"


HOME = (
    "concat_ws('-', (SELECT system_identifier FROM pg_control_system()),"
    " left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),"
    " (SELECT oid FROM pg_database WHERE datname = current_database()), 'installation'::regclass::oid)"
)


_STANDING = sa.text(f"SELECT home = {HOME} AS at_home, asks_since FROM installation WHERE id = 1")  # noqa: S608
ASKING = "SELECT FROM installation WHERE asks_since IS NOT NULL"
"""A condition, after EXISTS: money is held because the acquirer is still to be asked what happened."""
_TOOK_OVER = f"""
SELECT (SELECT at FROM worker_heartbeat WHERE id = 1) FROM installation, (SELECT {HOME} AS now) AS here
WHERE id = 1 AND split_part(home, '-', 2) < split_part(now, '-', 2)
  AND split_part(home, '-', 1) = split_part(now, '-', 1)
  AND split_part(home, '-', 3) = split_part(now, '-', 3) AND split_part(home, '-', 4) = split_part(now, '-', 4)
"""  # noqa: S608
"""The last heartbeat in the same database of the same cluster on a later timeline; nothing in any other."""
_LAST_KNOWN = """
SELECT coalesce((SELECT max(at) FROM worker_heartbeat), (SELECT max(at) FROM subscription_change WHERE actor_kind = 'worker'),
                timestamptz 'epoch' + interval '1 day')
"""
"""A worker's last heartbeat, or else its last deed: all that was committed before a copy was taken is in the copy. Neither is
written in a copy, while readers and webhooks may leave later moments there."""
NEXT_DUE = f"SELECT coalesce((SELECT next_poll_at FROM installation), ({_TOOK_OVER}))"  # noqa: S608
"""When the acquirer is to be asked what happened; null where it is all known (see `timetable.Job`)."""


def home_of(session: Session) -> str:
    """By what PostgreSQL knows the database that we are in."""
    return str(session.execute(sa.text(f"SELECT {HOME}")).scalar_one())


def is_home(database: Database) -> bool:
    """Whether this is the very database that was marked or adopted, and neither a copy nor a restored one."""
    with database.transaction() as session:
        return is_home_in(session)


def is_home_in(session: Session) -> bool:
    """The same, of the database that we are in."""
    return _standing(session).at_home


@dataclass(frozen=True, slots=True)
class _Standing:
    at_home: bool
    asks_since: datetime | None


def _standing(session: Session) -> _Standing:
    row = session.connection().execute(_STANDING).one_or_none()
    return _Standing(row is not None and row.at_home is True, row.asks_since if row else None)


def refuse_copy(database: Database) -> None:
    """Raises NotAdopted for a copied or restored database. Asked before newsletters go out, each time, and before a held clock moves."""
    if not is_home(database):
        raise NotAdopted


def refuse_held(session: Session) -> None:
    """Raises what holds money: NotAdopted, or AsksAcquirer. Asked before money moves, each time."""
    holds = held_by(session)
    if holds is not None:
        raise holds


def held_by(session: Session) -> Unavailable | None:
    """What holds money, and all mail but links to sign in with; None where all goes on."""
    standing = _standing(session)
    if not standing.at_home:
        return NotAdopted()
    return AsksAcquirer() if standing.asks_since is not None else None


def asks_since(session: Session) -> datetime | None:
    """From which moment on the acquirer is still to be asked what happened."""
    return _standing(session).asks_since


def held_too_long(session: Session, at: datetime) -> datetime | None:
    """Since when money is held because the acquirer is still to be asked what happened, if that is an alarm."""
    return instant(session, _HELD_TOO_LONG, latest=at - HELD_TOO_LONG)


_HELD_TOO_LONG = "SELECT held_since FROM installation WHERE asks_since IS NOT NULL AND held_since < :latest"


def adopt(session: Session, at: datetime) -> bool:
    """Say that this is the database that counts; whether that was news. Money is held until the acquirer was asked, from the earlier
    moment on where it was still to be asked from another one."""
    row = lock_one(session, Installation, 1)
    if is_home_in(session):
        return False
    since = (instant(session, _LAST_KNOWN) or at) - SLACK
    held_since = at
    if row.asks_since is not None:
        since, held_since = min(row.asks_since, since), row.held_since or at
    row.home, row.asks_since, row.next_poll_at, row.poll_count = home_of(session), since, at, 0
    row.listed_at, row.held_since = at + LISTED_WITHIN, held_since
    session.flush()
    return True


def take_over(session: Session, at: datetime) -> datetime | None:
    """Adopt a standby that took over from a server that failed; the last heartbeat before, or None where this is none. It is told
    from a restore by what PostgreSQL says of it, all as before but for a later timeline, and by that heartbeat, which is fresh."""
    heartbeat = instant(session, _TOOK_OVER)
    if heartbeat is None or heartbeat < at - FRESH_FOR:
        return None
    log.warning(
        "a standby took over: money is held until the acquirer has said what happened since %s", heartbeat
    )
    return heartbeat if adopt(session, at) else None


def all_known(session: Session, since: datetime, at: datetime) -> datetime | None:
    """The acquirer said at the instant `at` what happened since that moment. Money goes on, unless it is to be asked from another one by
    now, or its lists may have lacked the last of it: then this is when it is asked once more."""
    row = lock_one(session, Installation, 1)
    if row.asks_since != since:
        return row.next_poll_at
    again_at = row.listed_at if row.listed_at is not None and at < row.listed_at else None
    row.next_poll_at, row.poll_count = again_at, 0
    if again_at is None:
        row.asks_since = row.listed_at = row.held_since = None
    session.flush()
    return again_at


def ask_again(session: Session, at: datetime) -> None:
    """The acquirer could not be asked to the end: again in a while."""
    row = lock_one(session, Installation, 1)
    if row.asks_since is not None:
        row.poll_count += 1
        row.next_poll_at = again_at(row.poll_count, at)


def claim(session: Session, settings: Settings) -> None:
    """Mark a fresh database as this environment's; one that has its mark keeps it. Raises RefusesToStart for another's."""
    session.execute(
        sa.text(
            "INSERT INTO installation (id, environment, name, home) VALUES (1, :environment, :name, :home)"
            " ON CONFLICT DO NOTHING"
        ),
        {"environment": settings.environment, "name": settings.installation, "home": home_of(session)},
    )
    _refuse_other(session.get_one(Installation, 1, populate_existing=True), settings)


def refuse_foreign(database: Database, settings: Settings) -> None:
    """Raises RefusesToStart for a database that can't be reached, isn't migrated as far as this code needs, or belongs to
    another environment."""
    try:
        with database.transaction() as session:
            refuse_behind(session)
            row = session.get(Installation, 1)
    except sa.exc.OperationalError as error:
        raise RefusesToStart(
            f"The database can't be reached ({first_line(error)}). Check BILLING_DATABASE_URL."
        ) from None
    except sa.exc.ProgrammingError:
        raise RefusesToStart("The database has no tables yet. Run `billing migrate` first.") from None
    if row is None:
        raise RefusesToStart("The database isn't marked as anybody's. Run `billing migrate` first.")
    _refuse_other(row, settings)


def _refuse_other(row: Installation, settings: Settings) -> None:
    if row.environment != settings.environment:
        raise RefusesToStart(
            f"This database belongs to the {row.environment} environment, and BILLING_ENVIRONMENT is {settings.environment}."
        )
    if row.name != settings.installation:
        raise RefusesToStart(
            f"This database belongs to the installation {row.name}, and BILLING_INSTALLATION is {settings.installation}."
        )
