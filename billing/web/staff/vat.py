"""The forms of VAT on the page of plans: a rate to come is added, or withdrawn before it begins."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.typed import read_day
from billing.rules.tax import NotAPercentage, VatRate, basis_points_in
from billing.staff import vat
from billing.web.staff.plans import Acting, Short, Words, save

router = APIRouter(include_in_schema=False)
ROOM = "/staff/vat"


class BadPercentage(Invalid):
    """A rate is a percentage like 15 or 15.5, from 0 to 100."""

    code = "bad_percentage"


@router.post(ROOM)
def add(visit: Acting, percent: Short = "", first_day: Short = "", reason: Words = "") -> Response:
    """Charge another rate from a day on, tomorrow or later."""

    def do(ctx: TransactionContext) -> None:
        try:
            rate = VatRate(basis_points_in(percent), read_day(first_day))
        except NotAPercentage:
            raise BadPercentage from None
        vat.add_rate(ctx, rate, reason=reason)

    return save(visit, "", "vat", {"percent": percent, "first_day": first_day, "reason": reason}, do)


@router.post(f"{ROOM}/{{first_day}}/withdraw")
def withdraw(visit: Acting, first_day: str, reason: Words = "") -> Response:
    """Take back a rate that hasn't begun."""
    return save(
        visit,
        "",
        f"vat-{first_day}",
        {"reason": reason},
        lambda ctx: vat.withdraw_rate(ctx, read_day(first_day), reason=reason),
    )
