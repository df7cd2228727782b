"""Which installation a database belongs to. A copy, or a restored backup, charges nobody and sends no mail until an
operator says that it is the one (`billing adopt`).

PostgreSQL itself tells one database from its copy: the cluster's identifier, the line of its write-ahead log (a restore to
a point in time, or a standby that took over, begins another), and the numbers of the database and of this table (made anew
by `pg_restore` and by `CREATE DATABASE … TEMPLATE`). What copies a disk as it stands is told apart by BILLING_INSTALLATION."""

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from billing.db import Database
from billing.errors import RefusesToStart, Unavailable
from billing.settings import Settings


class Installation(SQLModel, table=True):
    """The one row that names the environment this database was made for."""

    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    environment: str
    name: str = Field(default="main", sa_column_kwargs={"server_default": "main"})
    """BILLING_INSTALLATION, when it was marked."""
    home: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """By what PostgreSQL knew this database when it was marked or adopted."""


class NotAdopted(Unavailable):
    """This database is a copy, or was restored: nobody is charged and no mail is sent. If it is the one that counts, say `billing adopt`."""

    code = "not_adopted"


HOME = (
    "concat_ws('-', (SELECT system_identifier FROM pg_control_system()),"
    " left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),"
    " (SELECT oid FROM pg_database WHERE datname = current_database()), 'installation'::regclass::oid)"
)


_AT_HOME = sa.text(f"SELECT home = {HOME} FROM installation WHERE id = 1")  # noqa: S608


def home_of(session: Session) -> str:
    """By what PostgreSQL knows the database that we are in."""
    return str(session.execute(sa.text(f"SELECT {HOME}")).scalar_one())


def is_home(database: Database) -> bool:
    """Whether this is the very database that was marked or adopted, and neither a copy nor a restored one."""
    with database.transaction() as session:
        return _is_home(session)


def _is_home(session: Session) -> bool:
    return session.connection().execute(_AT_HOME).scalar_one_or_none() is True


def refuse_copy(database: Database) -> None:
    """Raises NotAdopted for a copied or restored database. Asked before money or mail moves, each time."""
    if not is_home(database):
        raise NotAdopted


def adopt(session: Session) -> bool:
    """Say that this is the database that counts; whether that was news."""
    row = session.get_one(Installation, 1)
    if _is_home(session):
        return False
    row.home = home_of(session)
    session.add(row)
    session.flush()
    return True


def claim(session: Session, settings: Settings) -> None:
    """Mark a fresh database as this environment's; one that has its mark keeps it."""
    session.execute(
        sa.text(
            "INSERT INTO installation (id, environment, name, home) VALUES (1, :environment, :name, :home)"
            " ON CONFLICT DO NOTHING"
        ),
        {"environment": settings.environment, "name": settings.installation, "home": home_of(session)},
    )


def refuse_foreign(database: Database, settings: Settings) -> None:
    """Raises RefusesToStart for a database that can't be reached, isn't migrated, or belongs to another environment."""
    try:
        with database.transaction() as session:
            row = session.get(Installation, 1)
    except sa.exc.OperationalError as error:
        raise RefusesToStart(
            f"The database can't be reached ({_first_line(error)}). Check BILLING_DATABASE_URL."
        ) from None
    except sa.exc.ProgrammingError:
        raise RefusesToStart("The database has no tables yet. Run `billing migrate` first.") from None
    if row is None:
        raise RefusesToStart("The database isn't marked as anybody's. Run `billing migrate` first.")
    if row.environment != settings.environment:
        raise RefusesToStart(
            f"This database belongs to the {row.environment} environment, and BILLING_ENVIRONMENT is {settings.environment}."
        )
    if row.name != settings.installation:
        raise RefusesToStart(
            f"This database belongs to the installation {row.name}, and BILLING_INSTALLATION is {settings.installation}."
        )


def _first_line(error: sa.exc.OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0]
