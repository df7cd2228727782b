"""Pages on the publisher's other hosts may ask for their readers: CORS with cookies, for the origins in BILLING_SITES alone.

Plain ASGI, outside everything else, and only there where a site is named. Whether a browser sends its cookies along is
another matter: they are SameSite=Lax, so it does from `www.paper.example` to `accounts.paper.example`, and never from
another site."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS = ("/v1/access/", "/v1/audio/")
EXACT = ("/v1/access", "/v1/access-token")
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
    "Cache-Control": "private, no-store",
}


class Sites:
    """Tells browsers that these origins may read what is answered to their reader."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app = app
        self.origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer what a browser asks beforehand."""
        if scope["type"] != "http" or not _for_sites(scope["path"]):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        told = {"Vary": "Origin"}
        if origin in self.origins:
            told |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=ALLOWED | told)(scope, receive, send)
                return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                for name, value in told.items():
                    said[name] = value
            await send(message)

        await self.app(scope, receive, answer)


def _for_sites(path: str) -> bool:
    return path in EXACT or path.startswith(PATHS)
