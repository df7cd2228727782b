"""Which installation a database belongs to. A copy, or a restored backup, charges nobody and sends no mail but links to sign in
with, until an operator adopts it (`billing adopt`). An adopted database, or a standby that took over, may lack the last commits. So it
holds money until the acquirer has said what happened since the last known moment.

PostgreSQL tells a database from its copy by these:
- the cluster's identifier;
- the timeline of its write-ahead log (a restore to a point in time and a standby that took over begin another);
- the numbers of the database and of this table (`pg_restore` and `CREATE DATABASE … TEMPLATE` make new ones).
BILLING_INSTALLATION tells apart what copies a disk as it stands."""

import logging
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel

from billing.platform.db import Database, instant, lock_one
from billing.platform.db_errors import cannot_be_reached
from billing.platform.errors import RefusesToStart, Unavailable
from billing.platform.revisions import refuse_behind
from billing.platform.settings import Settings
from billing.rules.absence import LISTED_WITHIN
from billing.rules.backoff import again_at

log = logging.getLogger(__name__)
FRESH_FOR = timedelta(minutes=15)
"""Maximum age of the last heartbeat at which a standby takes over by itself; later an operator decides."""
SLACK = timedelta(hours=1)
"""How far before the last known moment the questions to the acquirer begin. Clocks differ, and a run writes the moment it began."""
HELD_TOO_LONG = timedelta(hours=1)
"""After so long without a full answer of the acquirer, held money is an alarm."""


class Installation(SQLModel, table=True):
    """The one row that names the environment this database was made for."""

    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("(asks_since IS NULL) = (next_poll_at IS NULL)", name="polled_at_a_moment"),
    )

    id: int = Field(primary_key=True)
    environment: str
    name: str = Field(default="main", sa_column_kwargs={"server_default": "main"})
    """BILLING_INSTALLATION at the time of `claim`."""
    home: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """PostgreSQL's identity of this database when it was claimed or adopted (see HOME)."""
    asks_since: datetime | None = None
    """The acquirer must still be asked what happened since then. While it is set, money is held."""
    next_poll_at: datetime | None = None
    """When the acquirer is asked next."""
    poll_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Failed polls in a row."""
    listed_at: datetime | None = None
    """From then on the acquirer's lists hold all that was done before the adoption; an earlier poll is repeated."""
    held_since: datetime | None = None
    """Since when money is held; valid only while `asks_since` is set."""
    list_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The key of the lists, sealed under the secret key (see `list_key`)."""
    rotated_at: datetime | None = None
    """When `billing keys rotate-secret` first ran under the present secret key; None: there was no other."""
    signs_until: dict[str, str] = Field(
        default_factory=dict, sa_column=sa.Column(JSONB, nullable=False, server_default="{}")
    )
    """Until when reader tokens signed by a replaced secret key are valid, by the key's check value."""


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
"""A condition, after EXISTS: money is held until the acquirer has said what happened."""
# Timelines are compared as text: PostgreSQL names a file of its log by eight hexadecimal digits of the timeline.
_TOOK_OVER = f"""
SELECT (SELECT at FROM worker_heartbeat WHERE id = 1) FROM installation, (SELECT {HOME} AS now) AS here
WHERE id = 1 AND split_part(home, '-', 2) < split_part(now, '-', 2)
  AND split_part(home, '-', 1) = split_part(now, '-', 1)
  AND split_part(home, '-', 3) = split_part(now, '-', 3) AND split_part(home, '-', 4) = split_part(now, '-', 4)
"""  # noqa: S608
"""The last heartbeat, if this is the same database of the same cluster on a later timeline; otherwise no row."""
_LAST_KNOWN = """
SELECT coalesce((SELECT max(at) FROM worker_heartbeat), (SELECT max(at) FROM subscription_change WHERE actor_kind = 'worker'),
                timestamptz 'epoch' + interval '1 day')
"""
"""A worker's last heartbeat, or else its last change: a copy holds all that was committed before it was taken. No worker writes
either in a copy, while readers and webhooks may leave later moments there."""
_HELD_TOO_LONG = "SELECT held_since FROM installation WHERE asks_since IS NOT NULL AND held_since < :latest"
NEXT_DUE = f"SELECT coalesce((SELECT next_poll_at FROM installation), ({_TOOK_OVER}))"  # noqa: S608
"""When the acquirer is to be asked what happened; null when everything is known (see `timetable.Job`)."""


def _home_of(session: Session) -> str:
    return str(session.execute(sa.text(f"SELECT {HOME}")).scalar_one())


def is_home(database: Database) -> bool:
    """Whether this is the database that was claimed or adopted, and neither a copy nor a restored one."""
    with database.transaction() as session:
        return is_home_in(session)


def is_home_in(session: Session) -> bool:
    """As `is_home`, for the database of this session."""
    return bool(_standing(session).at_home)


def _standing(session: Session) -> sa.Row[Any]:
    return session.connection().execute(_STANDING).one()


def refuse_copy(database: Database) -> None:
    """Raises NotAdopted for a copied or restored database. Called before each newsletter and each move of a held clock."""
    if not is_home(database):
        raise NotAdopted


def refuse_held(session: Session) -> None:
    """Raises NotAdopted or AsksAcquirer where money is held. Called each time before money moves."""
    hold = held_by(session)
    if hold is not None:
        raise hold


def held_by(session: Session) -> Unavailable | None:
    """What holds money, and all mail but links to sign in with; None where nothing does."""
    standing = _standing(session)
    if not standing.at_home:
        return NotAdopted()
    return AsksAcquirer() if standing.asks_since is not None else None


def asks_since(session: Session) -> datetime | None:
    """From which moment on the acquirer must still be asked what happened."""
    since: datetime | None = _standing(session).asks_since
    return since


def held_too_long(session: Session, at: datetime) -> datetime | None:
    """Since when money is held, if for longer than HELD_TOO_LONG."""
    return instant(session, _HELD_TOO_LONG, latest=at - HELD_TOO_LONG)


def adopt(session: Session, at: datetime) -> bool:
    """Make this the database that counts. Returns False where it is already.

    Money is held until the acquirer has said what happened. Where it still had to be asked from an earlier moment, that one
    stays."""
    row = lock_one(session, Installation, 1)
    if is_home_in(session):
        return False
    since = (instant(session, _LAST_KNOWN) or at) - SLACK
    held_since = at
    if row.asks_since is not None:
        since, held_since = min(row.asks_since, since), row.held_since or at
    row.home, row.asks_since, row.next_poll_at, row.poll_count = _home_of(session), since, at, 0
    row.listed_at, row.held_since = at + LISTED_WITHIN, held_since
    session.flush()
    return True


def take_over(session: Session, at: datetime) -> datetime | None:
    """Adopt a standby that took over from a failed server. Returns the last heartbeat before, or None where there was no takeover.

    A later timeline alone could be a restore; a fresh heartbeat besides means a takeover."""
    heartbeat = instant(session, _TOOK_OVER)
    if heartbeat is None or heartbeat < at - FRESH_FOR:
        return None
    log.warning(
        "a standby took over: money is held until the acquirer has said what happened since %s", heartbeat
    )
    return heartbeat if adopt(session, at) else None


def all_known(session: Session, since: datetime, at: datetime) -> datetime | None:
    """Record that at `at` the acquirer said everything since `since`, and release money. Returns when to ask once more, if money
    stays held: another moment was set meanwhile, or the acquirer's lists may still lack the latest entries."""
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
    """Postpone the next poll: the acquirer didn't answer everything."""
    row = lock_one(session, Installation, 1)
    if row.asks_since is not None:
        row.poll_count += 1
        row.next_poll_at = again_at(row.poll_count, at)


def claim(session: Session, settings: Settings) -> None:
    """Mark a new database as this environment's; an existing mark stays. Raises RefusesToStart for another's mark."""
    session.execute(
        sa.text(
            "INSERT INTO installation (id, environment, name, home) VALUES (1, :environment, :name, :home)"
            " ON CONFLICT DO NOTHING"
        ),
        {"environment": settings.environment, "name": settings.installation, "home": _home_of(session)},
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
        raise cannot_be_reached(error) from None
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
