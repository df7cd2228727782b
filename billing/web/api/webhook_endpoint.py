"""The webhooks of acquirers: verified, stored and answered here, settled later by the worker."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from billing.acquirer.port import Gateway
from billing.container import Services
from billing.web.api.webhook_batcher import WebhookBatcher


class _AsItComes(APIRoute):
    """A route that gets the bare request. FastAPI would parse a JSON body, but the signature covers the raw bytes."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The endpoint itself."""
        handler: Callable[[Request], Awaitable[Response]] = self.endpoint
        return handler


def router(services: Services) -> APIRouter:
    """One route for each acquirer; another name is an unknown page."""
    made = APIRouter(route_class=_AsItComes)
    for gateway in services.acquirers:
        made.add_api_route(
            f"/webhooks/{gateway.name}",
            _endpoint(services, gateway),
            methods=["POST"],
            name=f"{gateway.name}_event",
            tags=[gateway.display_name],
            summary=f"{gateway.display_name}'s events",
        )
    return made


def _endpoint(services: Services, gateway: Gateway) -> Callable[[Request], Awaitable[JSONResponse]]:
    batcher = WebhookBatcher(services.database, gateway, services.clock)

    async def webhook(request: Request) -> JSONResponse:
        """Needs the acquirer's signature over the raw body. 200 when the event is kept, also when it was kept before."""
        new = await batcher.store(await request.body(), request.headers)
        return JSONResponse({"received": True, "new": new})

    return webhook
