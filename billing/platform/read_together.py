"""Several queries in one statement. What a page shows is read so: as a statement of its own, each would take as long as rendering."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import psycopg
from sqlmodel import Session, UTCDateTime

Query = sa.Select[*tuple[Any, ...]]
Rows = list[tuple[Any, ...]]
_DIALECT = psycopg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]


def read_together(session: Session, *queries: Query, **parameters: Any) -> list[Rows]:
    """The rows of each query.

    A query names columns, not tables, and is made once, with its module. A list is a parameter of `= ANY`. The rows travel as
    JSON, and come back as what the columns hold."""
    statement, constants, readers = _compiled(queries)
    session.flush()  # as a statement of the ORM does first
    found = session.connection().exec_driver_sql(statement, constants | parameters).one()
    return [read(rows or ()) for read, rows in zip(readers, found, strict=True)]


def read_rows(session: Session, query: Query, **parameters: Any) -> Rows:
    """The rows of one query, as `read_together`."""
    (rows,) = read_together(session, query, **parameters)
    return rows


_Reader = Callable[[Any], Rows]


@cache
def _compiled(queries: tuple[Query, ...]) -> tuple[str, dict[str, Any], tuple[_Reader, ...]]:
    """The statement for the driver, the values of its constants, and a reader of each query's rows. Made once: compiling a
    statement takes longer than running it."""
    subqueries = [query.subquery() for query in queries]
    in_json = [
        sa.select(func.jsonb_agg(func.jsonb_build_array(*rows.c))).scalar_subquery() for rows in subqueries
    ]
    compiled = sa.select(*in_json).compile(dialect=_DIALECT)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return str(compiled), constants, tuple(_reader(rows) for rows in subqueries)


def _reader(subquery: sa.Subquery) -> _Reader:
    """Makes tuples of a query's rows in JSON, with the types of its columns."""
    converters = [
        (place, convert) for place, column in enumerate(subquery.c) if (convert := _converter(column.type))
    ]

    def read(rows: list[list[Any]]) -> Rows:
        for row in rows:
            for place, convert in converters:
                if row[place] is not None:
                    row[place] = convert(row[place])
        return [tuple(row) for row in rows]

    return read


def _converter(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes a value of this type from JSON; None where JSON has the type itself."""
    if isinstance(kind, sa.Enum):
        return kind.enum_class
    if isinstance(kind, UTCDateTime):
        return _instant
    return date.fromisoformat if isinstance(kind, sa.Date) else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
