"""Several queries in one statement. What a page shows is read so: as a statement of its own, each would take as long as rendering."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB, psycopg
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import AutoString, Session, SQLModel, UTCDateTime

Entity = TypeVar("Entity", bound=SQLModel)
Query = sa.Select[*tuple[Any, ...]]
Rows = list[tuple[Any, ...]]
_Converters = list[tuple[str, Callable[[Any], Any]]]
_AS_IN_JSON = (sa.String, AutoString, sa.Integer, sa.Boolean, sa.JSON)
_PARAMETER = re.compile(r"%\((\w+)\)s")
_DIALECT = psycopg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]


def read_together(session: Session, *queries: Query, **parameters: Any) -> list[Rows]:
    """The rows of each query.

    A query is made once, with its module, and names what it computes. A list is a parameter of `= ANY`. The rows travel as JSON,
    and come back as what the columns hold."""
    statement, readers = _compiled(queries)
    session.flush()  # as a statement of the ORM does first
    found = session.connection().exec_driver_sql(statement, parameters).one()
    return [read(rows or ()) for read, rows in zip(readers, found, strict=True)]


def read_rows(session: Session, query: Query, **parameters: Any) -> Rows:
    """The rows of one query, as `read_together`."""
    (rows,) = read_together(session, query, **parameters)
    return rows


def whole(table: type[SQLModel]) -> sa.ColumnElement[Any]:
    """A column of a query: whole rows of a table, for `entity`."""
    return func.to_jsonb(_columns(table).table_valued(), type_=JSONB)


def entity(table: type[Entity], values: dict[str, Any]) -> Entity:
    """The entity of a value of `whole`, in no session; one to which it is added takes it for loaded.

    Made as the ORM makes what it loads: without the constructor, which takes ten times as long."""
    _convert(values, _converters(table))
    made: Entity = sa.inspect(table).class_manager.new_instance()
    made.__dict__.update(values)
    make_transient_to_detached(made)
    return made


def _columns(table: type[SQLModel]) -> sa.Table:
    found: sa.Table = table.__table__  # type: ignore[attr-defined]
    return found


@cache
def _converters(table: type[SQLModel]) -> _Converters:
    return _converters_of(_columns(table).c)


_Reader = Callable[[Any], Rows]


@cache
def _compiled(queries: tuple[Query, ...]) -> tuple[str, tuple[_Reader, ...]]:
    """The statement for the driver, and a reader of each query's rows. Made once: compiling a statement takes longer than running
    it. Constants are written out, as each parameter costs the driver a conversion every time."""
    subqueries = [query.subquery() for query in queries]
    # `json`, as `jsonb` would sort the columns by name
    in_json = [sa.select(func.json_agg(rows.table_valued())).scalar_subquery() for rows in subqueries]
    compiled = sa.select(*in_json).compile(dialect=_DIALECT)

    def written(parameter: re.Match[str]) -> str:
        bound = compiled.binds[parameter[1]]
        return parameter[0] if bound.value is None else compiled.render_literal_value(bound.value, bound.type)

    return _PARAMETER.sub(written, str(compiled)), tuple(_reader(rows) for rows in subqueries)


def _reader(subquery: sa.Subquery) -> _Reader:
    """Makes tuples of a query's rows in JSON, with the types of its columns."""
    converters = _converters_of(subquery.c)

    def read(rows: list[dict[str, Any]]) -> Rows:
        for row in rows:
            _convert(row, converters)
        return [tuple(row.values()) for row in rows]

    return read


def _convert(row: dict[str, Any], converters: _Converters) -> None:
    for name, convert in converters:
        if row[name] is not None:
            row[name] = convert(row[name])


def _converters_of(columns: Iterable[sa.ColumnElement[Any]]) -> _Converters:
    named = [(column.key or "", _converter(column.type)) for column in columns]
    return [(name, convert) for name, convert in named if convert is not None]


def _converter(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes a value of this type from JSON; None where JSON has the type itself. Raises TypeError."""
    if isinstance(kind, sa.Enum):
        return kind.enum_class
    if isinstance(kind, UTCDateTime):
        return _instant
    if isinstance(kind, sa.Date):
        return date.fromisoformat
    if not isinstance(kind, _AS_IN_JSON):
        raise TypeError(f"a value of {kind!r} doesn't come back from JSON")
    return None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
