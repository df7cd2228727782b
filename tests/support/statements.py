"""Record the SQL statements and transactions of the application, in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from billing.platform.clock import HELD_NOW
from billing.platform.db import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that any thread sends through this engine during the block.

    Those that read the held clock are left out: no live installation has one, and the access cache reads it after an answer."""
    sent: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != HELD_NOW:
            sent.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", record)


@contextmanager
def transactions(database: Database) -> Iterator[list[list[str]]]:
    """Collect the statements of each transaction during the block, which must be the only work meanwhile.

    Those that read the held clock are left out: no live installation has one."""
    begun: list[list[str]] = []
    kept: list[list[str]] = []

    def begin(_: Any) -> None:
        begun.append([])

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        begun[-1].append(" ".join(statement.split()))

    sa.event.listen(database.engine, "begin", begin)
    sa.event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield kept
    finally:
        sa.event.remove(database.engine, "begin", begin)
        sa.event.remove(database.engine, "before_cursor_execute", record)
        kept += [sent for sent in begun if sent != [HELD_NOW]]
