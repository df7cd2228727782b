"""Pages of a list by key, its rows one by one for a file, and their number up to a bound.

A key is the place of a row in the list's order: a page goes on behind it, or ends before it. So a page costs the same wherever it is,
and rows that come or go meanwhile move no others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.storable import storable
from billing.staff.lists.fields import YEARS

PAGE = 50
MOST_COUNTED = 1000
_AT_ONCE = 500
Row = TypeVar("Row")


class NoSuchKey(ValueError):
    """The text names no place in the order."""


def moment(text: str) -> datetime:
    """The instant of a key. Raises NoSuchKey."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NoSuchKey from None
    if found.tzinfo is None or found.year not in YEARS:
        raise NoSuchKey
    return found


def civil_day(text: str) -> date:
    """The day of a key. Raises NoSuchKey."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoSuchKey from None


def number(text: str) -> int:
    """The number of a key. Raises NoSuchKey."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NoSuchKey
    return int(text)


def opaque(text: str) -> str:
    """The id of a key. Raises NoSuchKey."""
    if not storable(text):
        raise NoSuchKey
    return text


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: by `place`, then by the unique `id`. An index has both. Without a place the id alone decides."""

    id: Any
    newest_first: bool = True
    place: Any = None
    read: Callable[[str], Any] = opaque
    """The place from its text."""
    read_id: Callable[[str], Any] = opaque

    @property
    def columns(self) -> list[sa.ColumnElement[Any]]:
        """For the query: `id`, and `place` where there is one."""
        place = [] if self.place is None else [self.place.label("place")]
        return [self.id.label("id"), *place]

    @property
    def sorts(self) -> list[Any]:
        """What sorts the query."""
        return [self.id] if self.place is None else [self.place, self.id]

    def of(self, rows: Any) -> list[Any]:
        """The same of a subquery's columns."""
        return [rows.c.id] if self.place is None else [rows.c.place, rows.c.id]

    def by(self, columns: list[Any], *, backwards: bool = False) -> list[Any]:
        """What to sort by."""
        return [column.desc() if self.newest_first is not backwards else column.asc() for column in columns]

    def beyond(self, key: str, *, backwards: bool) -> sa.ColumnElement[bool]:
        """Rows behind the key, or before it. Raises NoSuchKey."""
        ends = [self.read_id(key)] if self.place is None else self._ends(key)
        typed = zip(ends, self.sorts, strict=True)
        here = sa.tuple_(*self.sorts)
        there = sa.tuple_(*(sa.bindparam(None, end, column.type) for end, column in typed))
        return here < there if self.newest_first is not backwards else here > there

    def _ends(self, key: str) -> list[Any]:
        place, _, row_id = key.rpartition("~")
        return [self.read(place), self.read_id(row_id)]

    def key(self, row: Any) -> str:
        """The key of a row of the query."""
        return str(row.id) if self.place is None else f"{_text(row.place)}~{row.id}"


def _text(place: Any) -> str:
    return place.isoformat() if isinstance(place, date | datetime) else str(place)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """A filtered list. `fits` selects the columns of `order`; `whole` selects those of a subquery of it, and all that a row shows;
    `make` makes a row of these. `others`: more queries of the same columns, where rows come from several tables. `is_counted`: False where
    counting would read a table whole."""

    fits: sa.Select[*tuple[Any, ...]]
    order: Order
    whole: Callable[[sa.Subquery], sa.Select[*tuple[Any, ...]]]
    make: Callable[[Any], Row]
    others: tuple[tuple[sa.Select[*tuple[Any, ...]], Order], ...] = ()
    is_counted: bool = True

    @property
    def parts(self) -> list[tuple[sa.Select[*tuple[Any, ...]], Order]]:
        """Each query with its order."""
        return [(self.fits, self.order), *self.others]


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Row]):
    """One page, with the keys of its neighbours; None where there is none. `count`: of all, or None for more than `least`."""

    rows: tuple[Row, ...]
    count: int | None
    least: int
    behind: str | None
    before: str | None


def page(session: Session, listing: Listing[Row], *, behind: str = "", before: str = "") -> ListPage[Row]:
    """The rows behind a key, or before one; without any, the first ones. A key that names no place is left out."""
    backwards = bool(before) and not behind
    try:
        found = _some(session, listing, behind or before, backwards=backwards)
    except NoSuchKey:
        behind, before, backwards = "", "", False
        found = _some(session, listing, "", backwards=False)
    more, found = len(found) > PAGE, found[:PAGE]
    counted, least = len(found), PAGE
    if listing.is_counted:
        counted, least = count(session, listing), MOST_COUNTED
    elif more or behind or before:
        counted = PAGE + 1
    if backwards:
        found.reverse()
    key = listing.order.key
    return ListPage(
        rows=tuple(listing.make(row) for row in found),
        count=counted if counted <= least else None,
        least=least,
        behind=key(found[-1]) if found and (more or backwards) else None,
        before=key(found[0]) if found and (more if backwards else bool(behind)) else None,
    )


def _some(session: Session, listing: Listing[Row], key: str, *, backwards: bool) -> list[Any]:
    parts: list[sa.Select[*tuple[Any, ...]]] = []
    for query, order in listing.parts:
        beyond = [order.beyond(key, backwards=backwards)] if key else []
        sorts = order.by(order.sorts, backwards=backwards)
        parts.append(query.where(*beyond).order_by(*sorts).limit(PAGE + 1))
    listed, order = _together(parts), listing.order
    sorts = order.by(order.of(listed), backwards=backwards)
    return list(session.execute(listing.whole(listed).order_by(*sorts).limit(PAGE + 1)))


def _together(parts: list[sa.Select[*tuple[Any, ...]]]) -> sa.Subquery:
    """The rows of all parts."""
    if len(parts) == 1:
        return parts[0].subquery("listed")
    # each in brackets, as it has its own order and limit
    return sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery("listed")


def count(session: Session, listing: Listing[Row]) -> int:
    """How many rows there are; of more than `MOST_COUNTED`, that number and one."""
    # in the order of the page, so that the same index stops the count early
    some = _together(
        [query.order_by(*order.by(order.sorts)).limit(MOST_COUNTED + 1) for query, order in listing.parts]
    )
    counted = sa.select(sa.func.count()).select_from(some)
    return min(int(session.execute(counted).scalar_one()), MOST_COUNTED + 1)


def stream(session: Session, listing: Listing[Row]) -> Iterator[Row]:
    """All rows in their order, a few hundred at a time."""
    order, listed = listing.order, _together([query for query, _ in listing.parts])
    whole = listing.whole(listed).order_by(*order.by(order.of(listed)))
    for row in session.execute(whole, execution_options={"yield_per": _AT_ONCE}):
        yield listing.make(row)
