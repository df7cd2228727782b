"""The database's address. Only libpq parses it, so that several hosts (`postgresql://u@a:5432,b:5432/db`) mean the same everywhere.

Source: https://www.postgresql.org/docs/current/libpq-connect.html, "Connection Strings" and "Specifying Multiple Hosts"."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from billing.platform.errors import RefusesToStart
from billing.platform.text_encoding import ENCODING

TIMEOUTS: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server that vanishes silently (power, a firewall) is noticed after some ten seconds; by default after two hours. Until its host is back,
each new connection waits `connect_timeout` seconds for it before it tries the next one of the address."""


NO_SECRETS = ("host", "hostaddr", "port", "dbname", "service", "sslmode", "target_session_attrs")
"""The parameters of an address that anybody who works here may see."""


def as_libpq(url: str) -> str:
    """The address without the driver that SQLAlchemy's addresses may name, as in `postgresql+psycopg://`."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{mark}{rest}"


def parameters(address: str) -> dict[str, str]:
    """The parameters of a libpq address. Raises RefusesToStart without repeating it, because it may hold a password."""
    try:
        found = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise RefusesToStart(
            "BILLING_DATABASE_URL is not an address of PostgreSQL like postgresql://name@host/database."
        ) from None
    return {name: str(value) for name, value in found.items() if value is not None}


def address_words(url: str) -> str:
    """Where an address leads, without user and password. Raises RefusesToStart."""
    found = parameters(as_libpq(url))
    # for several hosts without ports, the port is "," alone
    given = (f"{name} {found[name]}" for name in NO_SECRETS if found.get(name, "").strip(","))
    return ", ".join(given) or "as libpq has it"


def connection_parameters(address: str, name: str) -> dict[str, Any]:
    """An address's parameters for `connect`. Where it doesn't say otherwise: TIMEOUTS, and `name` in the server's list of connections.
    Always: text in UTF-8. Raises RefusesToStart."""
    # never the server's or the machine's encoding: psycopg gives text of SQL_ASCII as bytes
    return (
        TIMEOUTS | {"fallback_application_name": name} | parameters(address) | {"client_encoding": ENCODING}
    )
