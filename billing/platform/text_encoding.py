"""Text is UTF-8 in the database, as it is everywhere else.

A server that was set up without a locale, as `initdb` does where LANG is unset, gives each database SQL_ASCII: bytes of which it knows
nothing. Source: https://www.postgresql.org/docs/current/multibyte.html."""

import sqlalchemy as sa

from billing.platform.errors import RefusesToStart

ENCODING = "UTF8"
"""PostgreSQL's name of UTF-8."""
REMEDY = f"make one with `createdb --template template0 --encoding {ENCODING}`"
"""Only template0 can be copied with another encoding than its own."""


def refuse_other_encoding(connection: sa.Connection) -> None:
    """Raises RefusesToStart for a database of another encoding."""
    found = connection.execute(sa.text("SHOW server_encoding")).scalar_one()
    if found != ENCODING:
        raise RefusesToStart(
            f"The database's encoding is {found}: {REMEDY}, and name it in BILLING_DATABASE_URL."
        )
