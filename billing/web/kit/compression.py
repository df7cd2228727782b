"""Compresses answers with gzip, where no proxy in front does it (BILLING_COMPRESS).

A page that holds a secret beside what a visitor typed gives the secret away by its compressed length, if somebody makes the browser ask
again and again (BREACH, https://breachattack.com). A form's token is the same in each page of one browser, and account pages hold more.
So an answer is compressed only to a request without cookie and authorization: each such page has the token of a new browser, and
belongs to nobody. Files that are the same for everybody are compressed whatever was sent with the request."""

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHARED = (
    "/static/",
    "/brand/",
    "/paywall.js",
    "/robots.txt",
    "/license.xml",
    "/openapi.json",
    "/.well-known/",
)
MACHINES = ("/v1/", "/access/v1/", "/webhooks/")
"""Answers to programs are short, and most don't come this way."""
TEXTS = (
    *("text/", "application/json", "application/xml", "application/atom+xml", "application/rsl+xml"),
    *("application/manifest+json", "image/svg+xml"),
)
LEAST_BYTES = 1000
"""A shorter body fits into the packet of its headers."""
LEVEL = 6
GZIP = 16 + zlib.MAX_WBITS


class CompressionMiddleware:
    """Compresses what may be; see the module for what may not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its answer compressed or as it is."""
        if scope["type"] == "http" and is_harmless(scope):
            await self.app(scope, receive, _Compressed(send))
        else:
            await self.app(scope, receive, send)


def is_harmless(scope: Scope) -> bool:
    """Whether the answer to this request may be compressed: the browser can read it, and it holds no secret."""
    headers = Headers(scope=scope)
    path: str = scope["path"]
    if path.startswith(MACHINES) or "range" in headers or not _takes_gzip(headers):
        return False
    return path.startswith(SHARED) or ("cookie" not in headers and "authorization" not in headers)


def _takes_gzip(headers: Headers) -> bool:
    """Whether Accept-Encoding names gzip, without refusing it (RFC 9110, 12.5.3)."""
    for part in headers.get("accept-encoding", "").split(","):
        name, _, quality = part.partition(";")
        if name.strip().lower() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class _Compressed:
    """Sends an answer on, compressed if it is a text and long enough. One in a single piece keeps a length."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.packer: zlib._Compress | None = None
        self.start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": list(message["headers"])}
            if self._compresses(message):
                self.packer, self.start = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP), message
                return
        elif message["type"] == "http.response.body" and self.packer is not None:
            packed, is_last = self.packer.compress(message.get("body", b"")), not message.get("more_body")
            if is_last:
                packed += self.packer.flush()
            if self.start is not None:
                start, self.start = self.start, None
                if is_last:
                    start["headers"].append((b"content-length", str(len(packed)).encode()))
                await self.send(start)
            message = {**message, "body": packed}
        await self.send(message)

    def _compresses(self, start: Message) -> bool:
        """Whether to compress this answer; then its headers say so."""
        headers = MutableHeaders(raw=start["headers"])
        if not headers.get("content-type", "").startswith(TEXTS) or "content-encoding" in headers:
            return False
        headers.add_vary_header("Accept-Encoding")
        if start["status"] != 200 or int(headers.get("content-length", LEAST_BYTES)) < LEAST_BYTES:
            return False
        headers["Content-Encoding"] = "gzip"
        del headers["Content-Length"]
        etag = headers.get("etag", "")
        if etag and not etag.startswith("W/"):
            headers["ETag"] = f"W/{etag}"  # the bytes are others, the content is the same
        return True
