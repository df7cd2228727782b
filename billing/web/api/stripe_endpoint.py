"""What Stripe sends. Verified, stored, answered; settled later by the worker."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from billing.web.api.webhook_batcher import Intake


class _AsItComes(APIRoute):
    """A route that takes the request as it is: nothing in it is read but its bytes and one header."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The endpoint itself."""
        handler: Callable[[Request], Awaitable[Response]] = self.endpoint
        return handler


router = APIRouter(tags=["Stripe"], route_class=_AsItComes)


@router.post("/webhooks/stripe", summary="Stripe's events")
async def stripe_event(request: Request) -> JSONResponse:
    """Needs `Stripe-Signature` over the raw body. 200 when the event is kept, also when it was kept before."""
    intake: Intake = request.app.state.intake
    new = await intake.keep(await request.body(), request.headers.get("stripe-signature", ""))
    return JSONResponse({"received": True, "new": new})
