"""Save filters of lists under names that colleagues share, change and delete them. Each act is audited."""

from typing import Any

from sqlmodel import Session, func, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names, lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.platform.storable import storable
from billing.staff import audit
from billing.staff.lists.fields import Filter
from billing.staff.lists.kinds import ListName
from billing.staff.lists.models import SavedFilter

LONGEST_NAME = 60
MOST_OF_A_LIST = 50


class FilterNeedsName(Invalid):
    """Give the filter a name of at most 60 characters, without a mail address."""

    code = "filter_needs_name"


class FilterNameTaken(Conflict):
    """A filter of this list has that name already. Choose another, or change that one."""

    code = "filter_name_taken"


class TooManyFilters(Conflict):
    """This list has fifty saved filters already. Delete one that nobody uses."""

    code = "too_many_filters"


class UnknownFilter(NotFound):
    """There is no such saved filter any more. A colleague may have deleted it."""

    code = "unknown_filter"


def of_list(session: Session, name: ListName) -> list[SavedFilter]:
    """Those of a list, by name."""
    return list(
        session.exec(
            select(SavedFilter).where(SavedFilter.list == name).order_by(func.lower(SavedFilter.name))
        )
    )


def save(ctx: TransactionContext, of: ListName, staff_id: str, name: str, wanted: Filter) -> SavedFilter:
    """Save a filter under a new name. Raises FilterNeedsName, FilterNameTaken, TooManyFilters."""
    name = _checked(name)
    lock_names(ctx.session, f"saved filters of {of}")
    others = of_list(ctx.session, of)
    _mind_names(others, name)
    if len(others) >= MOST_OF_A_LIST:
        raise TooManyFilters
    row = SavedFilter(
        id=ids.new("flt", ctx.at),
        list=of,
        name=name,
        query=wanted.write(),
        saved_by=staff_id,
        saved_at=ctx.at,
    )
    ctx.session.add(row)
    audit.write(ctx, "save_filter", subject=row.id, after=_facts(row))
    return row


def change(
    ctx: TransactionContext, of: ListName, staff_id: str, filter_id: str, name: str, wanted: Filter
) -> SavedFilter:
    """Give a saved filter this name and these values. Raises UnknownFilter, FilterNeedsName, FilterNameTaken."""
    name = _checked(name)
    lock_names(ctx.session, f"saved filters of {of}")
    row = _locked(ctx.session, of, filter_id)
    _mind_names([other for other in of_list(ctx.session, of) if other.id != row.id], name)
    before = _facts(row)
    row.name, row.query, row.saved_by, row.saved_at = name, wanted.write(), staff_id, ctx.at
    audit.write(ctx, "change_filter", subject=row.id, before=before, after=_facts(row))
    return row


def delete(ctx: TransactionContext, of: ListName, filter_id: str) -> None:
    """Delete it, for all. Raises UnknownFilter."""
    row = _locked(ctx.session, of, filter_id)
    audit.write(ctx, "delete_filter", subject=row.id, before=_facts(row))
    ctx.session.delete(row)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not storable(name) or "@" in name:
        raise FilterNeedsName
    return name


def _mind_names(others: list[SavedFilter], name: str) -> None:
    if name.casefold() in {other.name.casefold() for other in others}:
        raise FilterNameTaken


def _locked(session: Session, of: ListName, filter_id: str) -> SavedFilter:
    row = lock_row(session, SavedFilter, filter_id) if storable(filter_id) else None
    if row is None or row.list != of:
        raise UnknownFilter
    return row


def _facts(row: SavedFilter) -> dict[str, Any]:
    return {"list": row.list, "name": row.name, "filter": dict(row.query)}
