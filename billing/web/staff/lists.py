"""Lists of readers, subscriptions, payments, refunds and documents: filtered by GET, paged by key, sent as a file.

Filters name no reader: a plan, a state, days and amounts. So their addresses may stand in logs and histories (SEC-9)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.readers import rate
from billing.reports import sheets
from billing.rules.money import grouped
from billing.staff import audit, reads
from billing.staff.bulk.choose import READERS_OF
from billing.staff.lists import documents, listing, saved
from billing.staff.lists import names as list_names
from billing.staff.lists.documents import DocumentFilter
from billing.staff.lists.fields import Filter, Names
from billing.staff.lists.kinds import LISTS, ListKind, ListName
from billing.staff.lists.listing import ListPage
from billing.staff.lists.saved import FilterNameTaken, FilterNeedsName, TooManyFilters, UnknownFilter
from billing.staff.roles import Permission
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.list_inputs import inputs
from billing.web.staff.list_tables import TABLES
from billing.web.views.staff_lists import ListLink, ListSums, StaffListPage

router = APIRouter(include_in_schema=False)
PAGES_IN_TEN_MINUTES = 120
"""How many pages of lists a member opens in ten minutes."""
LONGEST_QUERY = 2000


@dataclass(frozen=True, slots=True)
class _ListRequest:
    """What a request asks of a list. `name`: typed for a saved filter; `refusal`: why it wasn't saved."""

    of: ListName
    form: dict[str, str]
    saved_id: str = ""
    name: str | None = None
    refusal: Refusal | None = None

    @property
    def kind(self) -> ListKind:
        return LISTS[self.of]

    def read(self, names: Names) -> tuple[Filter, dict[str, str]]:
        return self.kind.filter.read(self.form, names)


def _address(of: ListName, wanted: Filter, **more: str) -> str:
    query = urlencode({**wanted.write(), **{name: text for name, text in more.items() if text}})
    return f"/staff/{of}?{query}" if query else f"/staff/{of}"


def _page(visit: StaffVisit, asked: _ListRequest) -> Response:
    with visit.begin() as ctx:
        rate.count(ctx, "staff list", visit.member.id, limit=PAGES_IN_TEN_MINUTES, per=timedelta(minutes=10))
        view = _view(visit, ctx, asked)
    return visit.page(view, asked.refusal.status if asked.refusal else 422 if view.is_wrong else 200)


def _view(visit: StaffVisit, ctx: TransactionContext, asked: _ListRequest) -> StaffListPage:
    names = list_names.of_lists(ctx.session)
    wanted, wrong = asked.read(names)
    rows = saved.of_list(ctx.session, asked.of)
    present = next((row for row in rows if row.id == asked.saved_id), None)
    kept = {"saved": present.id} if present else {}
    written = wanted.write()
    view: dict[str, Any] = {
        "list": asked.of.value,
        "title": asked.kind.title,
        "tabs": _tabs(visit, asked.of),
        "inputs": inputs(asked.kind.filter, asked.form, names, wrong),
        "built_in": tuple(
            ListLink(address=_address(asked.of, each), name=name, current=each == wanted and not kept)
            for name, each in asked.kind.built_in(ctx.today).items()
        ),
        "saved": tuple(
            ListLink(
                address=f"/staff/{asked.of}?{urlencode({**row.query, 'saved': row.id})}",
                name=row.name,
                current=row is present and row.query == written,
            )
            for row in rows
        ),
        "columns": TABLES[asked.of].columns,
        "saved_id": present.id if present else "",
        "saved_name": asked.name if asked.name is not None else present.name if present else "",
        "name_error": asked.refusal.detail if asked.refusal else None,
    }
    if wrong:
        return StaffListPage(**view, rows=None)
    return StaffListPage(**view, **_found(visit, ctx, asked, wanted, names, kept))


def _found(
    visit: StaffVisit,
    ctx: TransactionContext,
    asked: _ListRequest,
    wanted: Filter,
    names: Names,
    kept: dict[str, str],
) -> dict[str, Any]:
    table = TABLES[asked.of]
    behind, before = (asked.form.get(name, "") for name in ("behind", "before"))
    found = listing.page(ctx.session, table.listing(ctx, wanted), behind=behind, before=before)
    reads.note_rows(ctx, f"GET /staff/{asked.of}", len(found.rows))
    address = partial(_address, asked.of, wanted, **kept)
    query = urlencode(wanted.write())
    return {
        "rows": tuple(table.row(row) for row in found.rows),
        "words": wanted.words(names),
        "query": query,
        "count": _count(found),
        "sums": _sums(ctx, wanted, found.count),
        "csv": f"/staff/{asked.of}.csv?{query}" if visit.may(asked.kind.exports) else None,
        "act": _act(visit, asked.of, query),
        "behind": address(behind=found.behind) if found.behind else None,
        "before": address(before=found.before) if found.before else None,
    }


def _act(visit: StaffVisit, of: ListName, query: str) -> str | None:
    if of not in READERS_OF or not visit.may(Permission.MANY):
        return None
    return f"/staff/many?{urlencode({'of': of, 'query': query})}"


def _tabs(visit: StaffVisit, of: ListName) -> tuple[ListLink, ...]:
    return tuple(
        ListLink(address=f"/staff/{name}", name=name.value.capitalize(), current=name is of)
        for name, kind in LISTS.items()
        if visit.may(kind.sees)
    )


def _count(found: ListPage[Any]) -> str:
    return f"more than {grouped(found.least)}" if found.count is None else grouped(found.count)


def _sums(ctx: TransactionContext, wanted: Filter, count: int | None) -> ListSums | None:
    """Of documents, where there are few enough to read them all."""
    if not isinstance(wanted, DocumentFilter) or not count:
        return None
    found = documents.sums(ctx, wanted)
    return ListSums(net=found.net, vat=found.vat, gross=found.gross)


def _export(visit: StaffVisit, asked: _ListRequest) -> Response:
    """All that fit, sent while it is read. Audited with the filter."""
    of = asked.of
    with visit.begin() as ctx:
        wanted, wrong = asked.read(list_names.of_lists(ctx.session))
        if not wrong:
            audit.write(ctx, "export_list", after={"list": of.value, "filter": wanted.write()})
    if wrong:
        return _page(visit, asked)
    return stream_csv(f"list-{of}-{visit.today.isoformat()}.csv", _lines(visit, of, wanted))


def _lines(visit: StaffVisit, of: ListName, wanted: Filter) -> Iterator[str]:
    table, sent = TABLES[of], 0
    with visit.services.reports_source().database.transaction() as session:
        rows = listing.stream(session, table.listing(visit.context(session), wanted))
        for line in sheets.lines(table.file_columns, map(table.line, rows)):
            yield line
            sent += 1
    with visit.begin() as ctx:
        reads.note_rows(ctx, f"GET /staff/{of}.csv", sent - 1)


def _save(visit: StaffVisit, asked: _ListRequest, name: str) -> Response:
    """Save the filter under a new name, or change the saved one."""
    try:
        with visit.begin() as ctx:
            wanted, wrong = asked.read(list_names.of_lists(ctx.session))
            if wrong:
                return visit.page(_view(visit, ctx, asked), 422)
            if asked.saved_id:
                row = saved.change(ctx, asked.of, visit.member.id, asked.saved_id, name, wanted)
            else:
                row = saved.save(ctx, asked.of, visit.member.id, name, wanted)
            address = _address(asked.of, wanted, saved=row.id)
    except (FilterNeedsName, FilterNameTaken, TooManyFilters, UnknownFilter) as refusal:
        return _page(visit, replace(asked, name=name, refusal=refusal))
    return visit.go(address, "staff-saved")


def _register(of: ListName) -> None:
    """The routes of one list. Each is a route of its own, because lists differ in who may see them."""
    kind = LISTS[of]

    @router.get(f"/staff/{of}")
    def show(visit: StaffVisit = needs(kind.sees)) -> Response:
        """A page of the list."""
        form = dict(visit.request.query_params)
        return _page(visit, _ListRequest(of, form, saved_id=form.get("saved", "")))

    @router.get(f"/staff/{of}.csv")
    def export(visit: StaffVisit = needs(kind.exports, fresh=True, page=f"/staff/{of}")) -> Response:
        """All that fit, as a file."""
        return _export(visit, _ListRequest(of, dict(visit.request.query_params)))

    @router.post(f"/staff/lists/{of}/save")
    def save(
        query: Annotated[str, Form(max_length=LONGEST_QUERY)] = "",
        name: Annotated[str, Form(max_length=200)] = "",
        saved_id: Annotated[str, Form(max_length=64)] = "",
        visit: StaffVisit = needs(kind.sees, acts=True),
    ) -> Response:
        """Save the filter of the query."""
        return _save(visit, _ListRequest(of, dict(parse_qsl(query)), saved_id), name)

    @router.post(f"/staff/lists/{of}/delete")
    def delete(
        saved_id: Annotated[str, Form(max_length=64)] = "",
        visit: StaffVisit = needs(kind.sees, acts=True),
    ) -> Response:
        """Delete a saved filter for all. Raises UnknownFilter."""
        with visit.begin() as ctx:
            saved.delete(ctx, of, saved_id)
        return visit.go(f"/staff/{of}", "staff-filter-deleted")


for _name in ListName:
    _register(_name)
