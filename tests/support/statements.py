"""Record the SQL statements and transactions of the application, in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any

import sqlalchemy as sa

from billing.platform.clock import HELD_NOW
from billing.platform.db import Database
from billing.web.kit.lanes import LOOP_THREADS


def _is_beside() -> bool:
    """Whether it is sent at a moment of its own: to read the brand, say, or the clock after an answer, to note when a key was used."""
    return current_thread().name.startswith(LOOP_THREADS)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that are sent through this engine during the block, by any thread that works for a request or a job."""
    sent: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not _is_beside():
            sent.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", record)


@contextmanager
def transactions(database: Database) -> Iterator[list[list[str]]]:
    """Collect the statements of each transaction during the block, which must be the only request or job meanwhile.

    Those that read the held clock are left out: no live installation has one."""
    begun: list[list[str]] = []
    kept: list[list[str]] = []

    def begin(_: Any) -> None:
        if not _is_beside():
            begun.append([])

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not _is_beside():
            begun[-1].append(" ".join(statement.split()))

    sa.event.listen(database.engine, "begin", begin)
    sa.event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield kept
    finally:
        sa.event.remove(database.engine, "begin", begin)
        sa.event.remove(database.engine, "before_cursor_execute", record)
        kept += [sent for sent in begun if sent != [HELD_NOW]]
