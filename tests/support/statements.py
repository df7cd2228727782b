"""What the running application asks of its database: each statement, in the order in which it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from billing.platform.db import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are sent through this engine in the block, by any thread."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
