"""Disputes won and lost, by month and by card scheme, against the schemes' thresholds."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.reports import dispute_counts
from billing.reports.dispute_counts import ALARM, EXCESSIVE, DisputeCount
from billing.rules.money import Money
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.dispute_counts import DisputeCountRow, StaffDisputeCountsPage
from emails.card_schemes import scheme_name

router = APIRouter(include_in_schema=False)


@router.get("/staff/disputes")
def disputes_won_and_lost(visit: Annotated[StaffVisit, needs(Permission.CASES)]) -> Response:
    """Six months, the present one first."""
    with visit.read() as ctx:
        found = dispute_counts.count(ctx.session, ctx.today, ctx.site.zone)
    view = StaffDisputeCountsPage(
        months=tuple(
            _row(f"{row.month:%B %Y}", row, charges=row.charges, rate=row.rate) for row in found.months
        ),
        schemes=tuple(_row(scheme_name(name), row) for name, row in found.schemes.items()),
        alarm=_percent(ALARM),
        excessive=_percent(EXCESSIVE),
    )
    return visit.page(view)


def _row(
    name: str, counted: DisputeCount, *, charges: int | None = None, rate: float | None = None
) -> DisputeCountRow:
    return DisputeCountRow(
        name=name,
        opened=counted.opened,
        inquiries=counted.inquiries,
        won=counted.won,
        lost=counted.lost,
        undecided=counted.undecided,
        share_won=None if counted.share_won is None else f"{counted.share_won:.0%}",
        amount_lost=Money(counted.cents_lost),
        charges=charges,
        rate=None if rate is None else _percent(rate),
        at_risk=rate is not None and rate >= ALARM,
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"
