"""What every request passes before it reaches a page: its id, its size, the headers of its answer. Plain ASGI."""

import logging
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.container import Services
from billing.http.client_ip import client_ip
from billing.http.headers import machine_headers, security_headers
from billing.http.limits import MOST_BYTES, MOST_WEBHOOK_BYTES
from billing.platform.logs import REQUEST, RequestOrigin, of_request
from billing.web.api.paywall import ADDRESS as PAYWALL
from billing.web.kit.problems import TOLD, problem, where

MACHINES = ("/v1/", "/access/v1/", "/webhooks/")
"""What programs ask. No document, so what governs documents is left out: it would be most of an answer of thirty microseconds."""
PRIVATE = {"Cache-Control": "private, no-store"}
"""What isn't a file for everybody is nobody's to keep, unless its page says otherwise: no page has to say this."""
AUTHZEN = "/access/v1/"
log = logging.getLogger("billing.requests")


class Front:
    """Gives each request an id, refuses bodies that are too large, and sets the security headers (SEC-5)."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        self.headers = security_headers(services.settings, services.gateway.page_origin)
        self.machine_headers = machine_headers(services.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, between two thin walls."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given_id(scope) or secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        REQUEST.set(RequestOrigin(request_id, lambda: client_ip(Request(scope), self.services)))
        shared = scope["path"].startswith("/static/") or scope["path"] == PAYWALL
        headers = self.machine_headers if scope["path"].startswith(MACHINES) else self.headers
        answer = _Answer(send, headers, request_id, shared=shared)
        most = MOST_WEBHOOK_BYTES if scope["path"].startswith("/webhooks/") else MOST_BYTES
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            log.warning("refused 413 too_large %s %s %s", scope["method"], where(scope), of_request())
            await problem(413, "too_large", _too_large(most))(scope, receive, answer)
        elif not _readable(scope):
            log.warning("refused 400 malformed %s %s %s", scope["method"], where(scope), of_request())
            await problem(400, "malformed", "The address holds a NUL.")(scope, receive, answer)
        else:
            await self._pass_on(scope, _Body(receive, most), answer)

    async def _pass_on(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self.app(scope, receive, answer)
        except Exception:
            if not scope["state"].get(TOLD):
                raise
            # logged and answered already; raised again, it would be logged twice and cut the connection


def _readable(scope: Scope) -> bool:
    """No text with a NUL in it names anything, and PostgreSQL keeps none."""
    query: bytes = scope["query_string"]
    return "\0" not in scope["path"] and b"\0" not in query and b"%00" not in query


def _given_id(scope: Scope) -> str | None:
    """AuthZEN lets whoever enforces name the request; what could be anything else than a name is not repeated."""
    if not scope["path"].startswith(AUTHZEN):
        return None
    given = Headers(scope=scope).get("x-request-id", "")
    fine = 0 < len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum()
    return given if fine else None


def _too_large(most: int) -> str:
    return f"The body is larger than the {most // 1024} kB we read."


class _Body:
    """Counts what comes in: a body without a length is measured as it arrives."""

    def __init__(self, receive: Receive, most: int) -> None:
        self.receive = receive
        self.most = most
        self.left = most

    async def __call__(self) -> Message:
        message = await self.receive()
        if message["type"] == "http.request":
            self.left -= len(message.get("body", b""))
            if self.left < 0:
                # Starlette's own exception: whoever reads the body, in whichever layer, passes this one on
                raise HTTPException(413, _too_large(self.most))
        return message


class _Answer:
    """Adds the headers. What is `shared` is for caches to keep, except where it refuses."""

    def __init__(self, send: Send, headers: dict[str, str], request_id: str, *, shared: bool) -> None:
        self.send = send
        self.headers = headers
        self.request_id = request_id
        self.shared = shared

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kept = self.shared and message["status"] < 400
            for name, value in (self.headers if kept else self.headers | PRIVATE).items():
                headers.setdefault(name, value)
            headers["X-Request-ID"] = self.request_id
        await self.send(message)
