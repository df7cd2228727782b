"""What is next for a reader in twelve months, and under the acts that staff weigh, before any is done."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from billing.readers.register import by_id
from billing.rules.pause import MOST_BY_STAFF
from billing.rules.periods import add_months
from billing.staff import audit
from billing.staff.next_year import MONTHS, Prospect, prospects
from billing.staff.roles import Permission
from billing.web.staff.act_forms import NotDays, read_days
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_next import NextColumn, StaffNextPage

router = APIRouter(include_in_schema=False)
TWO_WEEKS = 14


@router.get("/staff/readers/{reader_id}/next")
def page(
    visit: Annotated[StaffVisit, needs(Permission.READ)],
    reader_id: str,
    months: Annotated[int, Query(ge=1, le=MOST_BY_STAFF)] = 1,
    days: Annotated[str, Query(max_length=20)] = str(TWO_WEEKS),
) -> Response:
    """Side by side; nothing is done. The visit is audited, once an hour."""
    given, error = TWO_WEEKS, None
    try:
        given = read_days(days)
    except NotDays as refusal:
        error = refusal.detail
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        audit.note_page_opened(ctx, reader_id)
        found = prospects(ctx, reader_id, months=months, days=given)
        until = add_months(ctx.today, MONTHS)
    view = StaffNextPage(
        reader_id=reader.id,
        email=reader.email,
        until=until,
        columns=tuple(_column(visit, reader_id, one) for one in found),
        months=months,
        most_months=MOST_BY_STAFF,
        days=days,
        error=error,
    )
    return visit.page(view, 422 if error else 200)


def _column(visit: StaffVisit, reader_id: str, one: Prospect) -> NextColumn:
    may = one.what is not None and one.refusal is None and visit.may(one.what)
    return NextColumn(
        title=one.title,
        words=one.words,
        charges=tuple((charge.on, charge.amount) for charge in one.charges),
        total=one.total,
        refusal=one.refusal,
        act=f"/staff/readers/{reader_id}/{one.slug}" if may else None,
    )
