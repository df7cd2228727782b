"""One host name for the demo: cookies and mailed links belong to the public address, so a request to `localhost` is redirected there.

Other names are refused. Otherwise a stranger's name that resolves to this machine (DNS rebinding) would let the stranger's pages read
the mailbox, with every sign-in link."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.web.kit.problems import problem

LOOPBACK_NAMES = ("localhost", "[::1]", "127.0.0.1")
REFUSED = "The demo answers by the names of this machine only: 127.0.0.1 and localhost."


class CanonicalHost:
    """Redirects requests to other loopback names to the public address, and refuses all other names. Plain ASGI."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self.public_url = public_url
        self.host = urlsplit(public_url).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a redirect or a refusal, or forward the request."""
        hosts = Headers(scope=scope).getlist("host") if scope["type"] == "http" else [self.host]
        if hosts == [self.host]:
            await self.app(scope, receive, send)
        elif len(hosts) != 1 or not is_loopback(hosts[0]):
            await problem(421, "wrong_host", REFUSED)(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            query = scope["query_string"].decode("latin-1")
            path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
            await RedirectResponse(self.public_url + path, 307)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether a Host header is a loopback name, with any port."""
    name, colon, port = host.rpartition(":")
    with_port = colon and port.isascii() and port.isdigit()
    return (name if with_port else host).lower() in LOOPBACK_NAMES
