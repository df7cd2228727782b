"""How PostgreSQL finds the rows of each SELECT that the application sends."""

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

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


def whole_tables_read(database: Database, do: Callable[[], object]) -> list[str]:
    """The plans of what `do` asks that read a growing table from end to end, even where an index is preferred at any price."""
    seen = list[tuple[str, Any]]()

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append((statement, values))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        do()
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    assert seen, "nothing was asked"
    with database.transaction() as session:
        connection = session.connection()
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [
            "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
            for statement, values in seen
        ]
    whole = re.compile(rf"Seq Scan on ({'|'.join(GROWING)})(_default)?\b")
    return [plan for plan in plans if whole.search(plan)]
