"""CORS with cookies: pages of the origins in BILLING_SITES may ask about their readers.

Plain ASGI, outside everything else, and absent if no site is named. The cookies are SameSite=Lax: a browser sends them from
`www.paper.example` to `accounts.paper.example`, and never from another site."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.http.at_once import SEND_READY

PATHS = ("/v1/access/", "/v1/audio/")
EXACT = ("/v1/access", "/v1/access-token")
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
    "Cache-Control": "private, no-store",
}


class Sites:
    """Tells browsers that these origins may read the answers to their reader."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app = app
        self.origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer a preflight here."""
        path: str = scope["path"] if scope["type"] == "http" else ""
        if path not in EXACT and not path.startswith(PATHS):
            await self.app(scope, receive, send)
            return
        scope.pop(SEND_READY, None)  # a ready answer would pass by the headers that are added here
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        cors = {"Vary": "Origin"}
        if origin in self.origins:
            cors |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=ALLOWED | cors)(scope, receive, send)
                return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(cors)
            await send(message)

        await self.app(scope, receive, answer)
