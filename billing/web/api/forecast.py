"""`/v1/readers/{id}/forecast`: what a reader will be charged if nothing changes."""

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
    with caller.begin() as ctx:
        until = add_months(ctx.today, months)
        subscription = live_of(ctx.session, by_id(ctx.session, reader_id).id)
        charges = forecast(ctx, subscription, until=until) if subscription else []
        caller.count_read(ctx, reader_id)
    return JSONResponse(
        {
            "reader": reader_id,
            "subscription": subscription.id if subscription else None,
            "until": until.isoformat(),
            "charges": [
                {
                    "at": shapes.instant(charge.at),
                    "amount": shapes.money(charge.amount.amount),
                    "plan": charge.plan_id,
                }
                for charge in charges
            ],
            "total": shapes.money(sum(charge.amount.amount for charge in charges)),
        }
    )
