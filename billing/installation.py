"""Which installation a database belongs to. A copy or a restored backup says so, and is not charged from by mistake."""

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from billing.db import Database
from billing.errors import RefusesToStart
from billing.settings import Settings


class Installation(SQLModel, table=True):
    """The one row that names the environment this database was made for."""

    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    environment: str


def claim(session: Session, settings: Settings) -> None:
    """Mark a fresh database as this environment's; one that has its mark keeps it."""
    session.execute(
        sa.text("INSERT INTO installation (id, environment) VALUES (1, :environment) ON CONFLICT DO NOTHING"),
        {"environment": settings.environment},
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


def _first_line(error: sa.exc.OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0]
