"""`/v1/clock`: only where the clock is held."""

from datetime import timedelta
from typing import Any, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from billing.dev.time_travel import FARTHEST, NotHeld, advance
from billing.http import shapes
from billing.web.api.caller import Readers
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway

router = APIRouter(tags=["Clock"])


class AdvanceBody(shapes.Body):
    """By so many seconds, or to an instant."""

    seconds: int | None = Field(default=None, strict=True, ge=0, le=int(FARTHEST.total_seconds()))
    to: shapes.Instant | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.seconds is None) == (self.to is None):
            raise ValueError("give `seconds` or `to`, one of them")
        return self


@router.post("/v1/clock/advance", summary="Move the held clock")
@may_call_gateway
def move(body: AdvanceBody, caller: Readers) -> GatewayCall:
    """Answers when all that fell due in between has been done, in its order."""

    def do() -> tuple[int, Any]:
        if not caller.services.settings.held:
            raise NotHeld
        to = body.to or timedelta(seconds=body.seconds or 0)
        return 200, {"now": shapes.instant(advance(caller.services, to))}

    return GatewayCall(caller, lambda: caller.once(body.model_dump(mode="json"), do))
