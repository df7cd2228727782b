"""`/v1/readers/{id}/forecast`: what a reader will be charged if nobody does anything."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from billing.http import shapes
from billing.readers.register import by_id
from billing.rules.periods import add_months
from billing.subscriptions.find import live_of
from billing.subscriptions.forecast import forecast
from billing.web.api.caller import ReadsReaders

router = APIRouter(tags=["Readers"])
LONGEST_MONTHS = 60


@router.get("/v1/readers/{reader_id}/forecast", summary="What will this reader be charged?")
def look_ahead(
    reader_id: str, caller: ReadsReaders, months: Annotated[int, Query(ge=1, le=LONGEST_MONTHS)] = 12
) -> JSONResponse:
    """Each charge of the months to come, and their sum. Empty where nothing is charged any more."""
    site = caller.services.site
    until = add_months(site.today(caller.at), months)
    with caller.services.database.begin(site, caller.at, caller.actor) as ctx:
        held = live_of(ctx.session, by_id(ctx.session, reader_id).id)
        charges = forecast(ctx, held, until=until) if held else []
        caller.reads(ctx.session, reader_id)
    total = sum(one.amount.amount for one in charges)
    return JSONResponse(
        {
            "reader": reader_id,
            "subscription": held.id if held else None,
            "until": until.isoformat(),
            "charges": [
                {"at": shapes.instant(one.at), "amount": shapes.money(one.amount.amount), "plan": one.plan_id}
                for one in charges
            ],
            "total": shapes.money(total),
        }
    )
