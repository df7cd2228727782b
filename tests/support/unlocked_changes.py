"""Detect rows that a transaction changes without having locked them: of two concurrent changes one would be lost.

A race would show this only by luck; here every test that makes such a change shows it."""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, object_session
from sqlmodel import SQLModel

LOCKED_FIRST = {
    **{
        table: {table}
        for table in (
            "charging_pause", "delivery", "dispute", "gift", "inbound_event", "issue", "public_window", "payment_method", "plan",
            "refund", "signup", "staff_case", "subscription",
        )
    },
    "attempt": {"attempt", "subscription"},
    "invoice": {"subscription"},
}  # fmt: skip
"""Tables whose rows people, workers and Stripe's events change concurrently, with the tables of which a row must be locked. Inserting
a row counts as locking."""
_LOCKING = re.compile(r"\bFOR (?:NO KEY )?UPDATE(?: OF (\w+))?")
_TABLES = re.compile(r"\b(?:FROM|JOIN) (\w+)")
_LOCKED, _JUDGE = "tables with locked rows", "the UnlockedChanges"


class UnlockedChanges:
    """Records what the sessions of watched engines changed without a lock."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def watch(self, engine: sa.Engine) -> None:
        """Watch all sessions of this engine."""
        sa.event.listen(engine, "begin", self._begin)
        sa.event.listen(engine, "before_cursor_execute", _note_locks)

    def judge(self) -> None:
        """Fail if there were any such changes."""
        found, self._found = self._found, set()
        assert not found, f"changed without a lock: {', '.join(sorted(found))}"

    def note(self, change: str) -> None:
        """Record one."""
        self._found.add(change)

    def _begin(self, connection: sa.Connection) -> None:
        connection.info.update({_LOCKED: set(), _JUDGE: self})


def _note_locks(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if locking := _LOCKING.search(statement):
        connection.info[_LOCKED] |= {locking[1]} if locking[1] else set(_TABLES.findall(statement))


def _added(_mapper: Mapper[Any], connection: sa.Connection, row: SQLModel) -> None:
    if _JUDGE in connection.info:
        connection.info[_LOCKED].add(str(row.__tablename__))


def _changed(_mapper: Mapper[Any], connection: sa.Connection, row: SQLModel) -> None:
    table, session = str(row.__tablename__), object_session(row)
    if _JUDGE not in connection.info or session is None or not session.is_modified(row):
        return
    guards = LOCKED_FIRST.get(table)
    if guards and not guards & connection.info[_LOCKED]:
        columns = [attribute.key for attribute in sa.inspect(row).attrs if attribute.history.has_changes()]
        connection.info[_JUDGE].note(f"{table}.{'/'.join(columns)}")


sa.event.listen(SQLModel, "before_insert", _added, propagate=True)
sa.event.listen(SQLModel, "before_update", _changed, propagate=True)
