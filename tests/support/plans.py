"""How PostgreSQL would find the rows of each SELECT in a large database."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.db import Database

GROWING = (
    *(
        "reader",
        "subscription",
        "subscription_change",
        "payment",
        "payment_method",
        "invoice",
        "attempt",
        "refund",
    ),
    *(
        "message",
        "delivery",
        "signup",
        "signup_change",
        "consent",
        "reader_session",
        "reader_note",
        "audit_line",
    ),
    *(
        "reader_request",
        "dispute",
        "invoice_recipient",
        "invoice_correction",
        "reader_merge",
        "address_change",
    ),
    *("ledger_transaction", "ledger_entry", "balance_movement", "payout", "deferral"),
    *("card_setup", "complimentary_grant", "passkey", "staff_case", "article"),
)
"""Tables with rows of every reader, or of years."""
_WHOLE = re.compile(rf"Seq Scan on ({'|'.join(GROWING)})(_default)?\b")


def add_many(session: Session, inserts: Mapping[str, str], **values: object) -> None:
    """Add a crowd to tables, each with the INSERT of its rows, in a world of one's own. Among few rows PostgreSQL may take any index, as its
    statistics happen to be. Foreign keys and triggers are off until the transaction ends."""
    session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    for table, insert in inserts.items():
        session.execute(sa.text(insert), values)
        session.execute(sa.text(f"ANALYZE {table}"))


def plan_of(session: Session, statement: sa.TextClause, values: Mapping[str, Any]) -> str:
    """The plan of one statement, as if a whole table were read only for want of an index."""
    session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    return "\n".join(session.execute(sa.text(f"EXPLAIN {statement.text}"), values).scalars())


@contextmanager
def plans_of(session: Session, about: str = "") -> Iterator[list[str]]:
    """The plan of each SELECT of the block that names `about`, as if a whole table were read only for want of an index."""
    plans: list[str] = []
    with _selects(session.connection()) as seen:
        yield plans
    asked = [(statement, values) for statement, values in seen if about in statement]
    plans += _explained(session, asked)


def whole_tables_read(database: Database, do: Callable[[], object]) -> list[str]:
    """The plans of what `do` asks that read a growing table from end to end, even where an index is preferred at any price."""
    with _selects(database.engine) as seen:
        do()
    assert seen, "nothing was asked"
    with database.transaction() as session:
        return read_whole(_explained(session, seen))


def read_whole(plans: list[str]) -> list[str]:
    """Those plans that read a growing table from end to end."""
    return [plan for plan in plans if _WHOLE.search(plan)]


@contextmanager
def _selects(source: sa.Connection | sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    seen = list[tuple[str, Any]]()

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append((statement, values))

    sa.event.listen(source, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(source, "before_cursor_execute", note)


def _explained(session: Session, seen: list[tuple[str, Any]]) -> list[str]:
    connection = session.connection()
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return [
        "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
        for statement, values in seen
    ]
