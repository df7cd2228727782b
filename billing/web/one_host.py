"""One name for the demo: cookies and mailed links belong to the public address, so whoever comes by `localhost` goes there."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OTHER_NAMES = ("localhost", "[::1]", "127.0.0.1")


class OneHost:
    """Sends browsers that came by another name of this machine on to the public address. Plain ASGI."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self.public_url = public_url
        self.host = urlsplit(public_url).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a redirect, or pass the request on."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            host = Headers(scope=scope).get("host", "")
            if host != self.host and host.rpartition(":")[0] in OTHER_NAMES:
                query = scope["query_string"].decode("latin-1")
                path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
                await RedirectResponse(self.public_url + path, 307)(scope, receive, send)
                return
        await self.app(scope, receive, send)
