"""How PostgreSQL would find the rows of queries in a large database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session


@contextmanager
def plans_of(session: Session, about: str = "") -> Iterator[list[str]]:
    """The plan of each SELECT of the block that names `about`, as if a whole table were read only for want of an index."""
    connection, seen = session.connection(), list[tuple[str, Any]]()

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip().startswith("SELECT") and about in statement:
            seen.append((statement, values))

    sa.event.listen(connection, "before_cursor_execute", note)
    plans: list[str] = []
    yield plans
    sa.event.remove(connection, "before_cursor_execute", note)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    for statement, values in seen:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        plans.append("\n".join(str(row[0]) for row in rows))
