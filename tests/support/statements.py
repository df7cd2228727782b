"""Record the SQL statements that the application sends, in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from billing.platform.db import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that any thread sends through this engine during the block."""
    sent: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", record)
