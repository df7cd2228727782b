"""What a statement of a migration locks, for how long, and whether the release before can work on its result.

Sources: https://www.postgresql.org/docs/current/explicit-locking.html and the notes of
https://www.postgresql.org/docs/current/sql-altertable.html."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum


class Lock(IntEnum):
    """PostgreSQL's locks on tables, the weakest first."""

    NONE = 0
    """It touches only what the migration made itself."""
    ROW_EXCLUSIVE = 1
    SHARE_UPDATE_EXCLUSIVE = 2
    SHARE = 3
    SHARE_ROW_EXCLUSIVE = 4
    ACCESS_EXCLUSIVE = 5
    UNKNOWN = 6
    """No rule knows the statement."""


class Cost(IntEnum):
    """How long the lock is held."""

    BRIEF = 0
    READS = 1
    """As long as it takes to read the whole table."""
    REWRITES = 2
    """As long as it takes to write the whole table again."""


DURATION = {
    Cost.BRIEF: "for a moment",
    Cost.READS: "while the whole table is read",
    Cost.REWRITES: "while the whole table is written again",
}


@dataclass(frozen=True)
class Step:
    """One statement of a migration."""

    statement: str
    tables: tuple[str, ...]
    """The tables that it locks and that others may use; empty where there is none, or it isn't known."""
    lock: Lock
    cost: Cost = Cost.BRIEF
    breaks: bool = False
    """Whether the release before can't work on the result."""

    @property
    def is_slow(self) -> bool:
        """Whether others wait longer than for a moment."""
        waits = self.lock not in (Lock.NONE, Lock.SHARE_UPDATE_EXCLUSIVE)
        return waits and self.cost > Cost.BRIEF

    @property
    def words(self) -> str:
        """The statement in one line, without most of its detail."""
        line = " ".join(self.statement.split())
        return line if len(line) <= 100 else line[:99] + "…"


def _rule(
    pattern: str, lock: Lock, cost: Cost = Cost.BRIEF, *, breaks: bool = False
) -> tuple[re.Pattern[str], Lock, Cost, bool]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL), lock, cost, breaks


_ALTER = r"^ALTER TABLE .*?\b"
_RULES = (
    _rule(r"^CREATE (?:OR REPLACE )?(?:TABLE|SEQUENCE|FUNCTION|TYPE|SCHEMA|VIEW)\b", Lock.NONE),
    _rule(r"^CREATE TABLE .*\bREFERENCES\b", Lock.SHARE_ROW_EXCLUSIVE),
    _rule(r"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)", Lock.SHARE, Cost.READS),
    _rule(r"^CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b", Lock.SHARE_UPDATE_EXCLUSIVE, Cost.READS),
    _rule(r"^DROP INDEX (?!CONCURRENTLY)", Lock.ACCESS_EXCLUSIVE),
    _rule(r"^DROP INDEX CONCURRENTLY\b", Lock.SHARE_UPDATE_EXCLUSIVE),
    _rule(_ALTER + r"ADD COLUMN\b", Lock.ACCESS_EXCLUSIVE),
    # a default that differs from row to row is written into each
    _rule(
        _ALTER + r"ADD COLUMN\b.*\bDEFAULT (?!now\(\))[\w.]+\(",
        Lock.ACCESS_EXCLUSIVE,
        Cost.REWRITES,
    ),
    _rule(_ALTER + r"ADD COLUMN\b.*(?:\bSERIAL\b|\bGENERATED\b)", Lock.ACCESS_EXCLUSIVE, Cost.REWRITES),
    _rule(
        _ALTER + r"ADD COLUMN\b(?!.*\b(?:DEFAULT|GENERATED)\b).*\bNOT NULL\b",
        Lock.ACCESS_EXCLUSIVE,
        breaks=True,
    ),
    _rule(_ALTER + r"ADD CONSTRAINT\b.*\bFOREIGN KEY\b(?!.*NOT VALID)", Lock.SHARE_ROW_EXCLUSIVE, Cost.READS),
    _rule(_ALTER + r"ADD CONSTRAINT\b.*\bFOREIGN KEY\b.*NOT VALID", Lock.SHARE_ROW_EXCLUSIVE),
    _rule(_ALTER + r"ADD CONSTRAINT\b.*\bCHECK\b(?!.*NOT VALID)", Lock.ACCESS_EXCLUSIVE, Cost.READS),
    _rule(_ALTER + r"ADD CONSTRAINT\b.*\bCHECK\b.*NOT VALID", Lock.ACCESS_EXCLUSIVE),
    _rule(
        _ALTER + r"ADD CONSTRAINT\b.*\b(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*USING INDEX)",
        Lock.ACCESS_EXCLUSIVE,
        Cost.READS,
    ),
    _rule(_ALTER + r"ADD CONSTRAINT\b.*\b(?:UNIQUE|PRIMARY KEY)\b.*USING INDEX", Lock.ACCESS_EXCLUSIVE),
    _rule(_ALTER + r"VALIDATE CONSTRAINT\b", Lock.SHARE_UPDATE_EXCLUSIVE, Cost.READS),
    _rule(
        _ALTER + r"ALTER COLUMN \S+ (?:SET DATA )?TYPE\b", Lock.ACCESS_EXCLUSIVE, Cost.REWRITES, breaks=True
    ),
    # brief only where a valid CHECK says the same: a migration before it must have made and validated one
    _rule(_ALTER + r"ALTER COLUMN \S+ SET NOT NULL\b", Lock.ACCESS_EXCLUSIVE, breaks=True),
    _rule(_ALTER + r"ALTER COLUMN \S+ (?:SET DEFAULT|DROP NOT NULL)\b", Lock.ACCESS_EXCLUSIVE),
    _rule(_ALTER + r"ALTER COLUMN \S+ DROP DEFAULT\b", Lock.ACCESS_EXCLUSIVE, breaks=True),
    _rule(_ALTER + r"DROP CONSTRAINT\b", Lock.ACCESS_EXCLUSIVE),
    _rule(_ALTER + r"(?:DROP COLUMN|RENAME)\b", Lock.ACCESS_EXCLUSIVE, breaks=True),
    _rule(r"^DROP (?:TABLE|VIEW|SEQUENCE|FUNCTION|TYPE|SCHEMA)\b", Lock.ACCESS_EXCLUSIVE, breaks=True),
    _rule(r"^CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER\b", Lock.SHARE_ROW_EXCLUSIVE),
    _rule(r"^DROP TRIGGER\b", Lock.ACCESS_EXCLUSIVE),
    _rule(r"^INSERT INTO\b", Lock.ROW_EXCLUSIVE),
    _rule(r"^(?:UPDATE|DELETE FROM)\b", Lock.ROW_EXCLUSIVE, Cost.READS),
    _rule(r"^COMMENT ON\b", Lock.SHARE_UPDATE_EXCLUSIVE),
)
_TABLE = re.compile(
    r"^(?:(?:ALTER|DROP) TABLE (?:IF EXISTS )?(?:ONLY )?|INSERT INTO |UPDATE |DELETE FROM "
    r"|DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?|(?:CREATE|DROP)\b.*?\b(?:INDEX|TRIGGER)\b.*? ON (?:ONLY )?)"
    r'"?([\w.]+)"?',
    re.IGNORECASE | re.DOTALL,
)
_REFERENCED = re.compile(r'\bREFERENCES "?([\w.]+)"?', re.IGNORECASE)
_MADE = re.compile(r'^CREATE TABLE (?:IF NOT EXISTS )?"?([\w.]+)"?', re.IGNORECASE)
_REFERS = re.compile(r"^(?:CREATE|ALTER) TABLE\b", re.IGNORECASE)


def made_by(statements: list[str]) -> set[str]:
    """The tables that these statements make."""
    return {found[1] for statement in statements if (found := _MADE.match(statement))}


def steps_of(statements: list[str], unused: AbstractSet[str] = frozenset()) -> list[Step]:
    """The steps of one migration. Nobody waits for a lock on a table that it makes itself, nor on an `unused` one."""
    return [_step(statement, made_by(statements) | unused) for statement in statements]


def _step(statement: str, unused: AbstractSet[str]) -> Step:
    named = _named(statement)
    tables = tuple(table for table in named if table not in unused)
    if named and not tables:
        return Step(statement, (), Lock.NONE)
    found = [rest for pattern, *rest in _RULES if pattern.match(statement)]
    if not found:
        return Step(statement, tables, Lock.UNKNOWN)
    lock, cost, _ = max(found, key=lambda each: (each[1], each[0]))
    if named and named[0] in unused:
        cost = Cost.BRIEF  # what it would read is the unused table
    return Step(statement, tables, Lock(lock), Cost(cost), any(breaks for *_, breaks in found))


def _named(statement: str) -> list[str]:
    """The tables that a statement locks: its own, and those that a foreign key refers to."""
    own = _TABLE.match(statement)
    referenced = _REFERENCED.findall(statement) if _REFERS.match(statement) else []
    return list(dict.fromkeys([*([own[1]] if own else []), *referenced]))
