"""What every request passes before it reaches a page: request id, size limit, security headers. Plain ASGI."""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.container import Services
from billing.http.at_once import SEND_READY, Header, SendReady, header_lines, wire_head
from billing.http.client_ip import client_ip
from billing.http.headers import machine_headers, raw_headers, security_headers
from billing.http.limits import MOST_BYTES, MOST_WEBHOOK_BYTES
from billing.http.traces import trace_of
from billing.platform.db import PARTS
from billing.platform.logs import REQUEST, RequestOrigin, of_request
from billing.web.api.paywall import ADDRESS as PAYWALL
from billing.web.kit import request_spans
from billing.web.kit.http_metrics import HttpMetrics, route_of
from billing.web.kit.lanes import PROBES
from billing.web.kit.problems import ANSWERED, problem, where
from emails.languages import Text, say

MACHINES = ("/v1/", "/access/v1/", "/webhooks/")
"""Answers to programs are no documents, so headers for documents are left out: they would be most of an answer that takes 30 µs."""
PRIVATE = b"cache-control", b"private, no-store"
"""The default for everything but shared files: no cache may keep it. A page may set another value."""
AUTHZEN = "/access/v1/"
log = logging.getLogger("billing.requests")


@dataclass(frozen=True, slots=True)
class AddedHeaders:
    """Headers that every answer gets, unless it has a value of its own. `lines`: the same in HTTP/1.1, made once for all answers."""

    headers: tuple[Header, ...]
    names: frozenset[bytes]
    lines: bytes

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "AddedHeaders":
        """These headers, and that no cache may keep the answer."""
        raw = *raw_headers(headers), PRIVATE
        return cls(raw, frozenset(name for name, _ in raw), header_lines(raw))


class RequestMiddleware:
    """Gives each request an id, refuses large bodies, sets the security headers (SEC-5), counts and traces it."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        self.headers = AddedHeaders.of(security_headers(services.settings, services.gateway.page_origin))
        self.machine_headers = AddedHeaders.of(machine_headers(services.settings))
        self.metrics = HttpMetrics()
        self._seconds = services.monotonic.seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, pass it on, and complete its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = self._seconds()
        request_id = self._given_id(scope) or secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        span = request_spans.begin(self.services.tracer, scope)
        REQUEST.set(
            RequestOrigin(
                request_id,
                lambda: client_ip(Request(scope), self.services),
                lambda: span.trace_id or trace_of(scope),
            )
        )
        path: str = scope["path"]
        added = self.machine_headers if path.startswith(MACHINES) else self.headers
        is_shared = path.startswith("/static/") or path == PAYWALL

        def count(status: int) -> None:
            seconds = self._seconds() - began
            self.metrics.answered(scope, status, seconds)
            request_spans.end(span, scope, status)
            if self.services.settings.access_log and path not in PROBES:
                _log_answer(scope, status, seconds)

        answer = _Answer(send, added, request_id, scope.get(SEND_READY), count, shared=is_shared)
        try:
            await self._pass_on(scope, receive, answer)
        finally:
            answer.end()

    async def _pass_on(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """Refuse what can't be read, and pass on the rest."""
        most = MOST_WEBHOOK_BYTES if scope["path"].startswith("/webhooks/") else MOST_BYTES
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            log.warning("refused 413 too_large %s %s %s", scope["method"], where(scope), of_request())
            await problem(413, "too_large", _too_large(most))(scope, receive, answer)
        elif not _readable(scope):
            log.warning("refused 400 malformed %s %s %s", scope["method"], where(scope), of_request())
            await problem(400, "malformed", "The address holds a NUL.")(scope, receive, answer)
        else:
            try:
                await self.app(scope, _Body(receive, most), answer)
            except Exception:
                # an answered one, raised again, would be logged twice and cut the connection
                if not scope["state"].get(ANSWERED):
                    raise

    def _given_id(self, scope: Scope) -> str | None:
        """The request id that the proxy sets, or that an AuthZEN caller may choose; None if it is no plain name."""
        if not (self.services.settings.take_request_id or scope["path"].startswith(AUTHZEN)):
            return None
        given = Headers(scope=scope).get("x-request-id", "")
        is_name = 0 < len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum()
        return given if is_name else None


def _log_answer(scope: Scope, status: int, seconds: float) -> None:
    """The access line. It names the route only: a path would say what was read."""
    method, route, milliseconds = scope["method"], route_of(scope), round(seconds * 1000)
    parts = {"status": status, "method": method, "route": route, "milliseconds": milliseconds}
    log.info(
        "answered %s %s %s in %s ms %s",
        status,
        method,
        route,
        milliseconds,
        of_request(),
        extra={PARTS: parts},
    )


def _readable(scope: Scope) -> bool:
    """PostgreSQL stores no NUL, so an address with one names nothing."""
    query: bytes = scope["query_string"]
    return "\0" not in scope["path"] and b"\0" not in query and b"%00" not in query


def _too_large(most: int) -> Text:
    return say("The body is larger than the %(size)s kB we read.", size=most // 1024)


class _Body:
    """Counts a body as it arrives, since it may come without a length."""

    def __init__(self, receive: Receive, most: int) -> None:
        self.receive = receive
        self.most = most
        self.left = most

    async def __call__(self) -> Message:
        message = await self.receive()
        if message["type"] == "http.request":
            self.left -= len(message.get("body", b""))
            if self.left < 0:
                # Starlette's own exception: every layer that reads a body passes it on
                raise HTTPException(413, _too_large(self.most))
        return message


class _Answer:
    """Adds the headers. Caches may keep a `shared` answer, unless it is an error.

    An answer in one piece is sent ready, where the server takes it. Sent as messages, each of its many headers would be
    searched twice."""

    def __init__(
        self,
        send: Send,
        added: AddedHeaders,
        request_id: str,
        send_ready: SendReady | None,
        count: Callable[[int], None],
        *,
        shared: bool,
    ) -> None:
        self.send = send
        self.added = added
        self.request_id = b"x-request-id", request_id.encode()
        self.send_ready = send_ready
        self.shared = shared
        self.start: Message | None = None
        self._count = count
        self._is_counted = False
        self._status = 0

    def end(self) -> None:
        """Call `count` with the status, once; it is 0 where the client left before the answer began."""
        if not self._is_counted:
            self._is_counted = True
            self._count(self._status)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.end()  # before it leaves: whoever has the answer finds it counted and logged
        if message["type"] == "http.response.start":
            self._status = message["status"]
            names = {name for name, _ in message["headers"]}
            if self.send_ready is not None and b"content-length" in names and b"connection" not in names:
                self.start = message
                return
            message = self._complete(message)
        elif self.start is not None:
            start, self.start = self.start, None
            if self._is_sent(start, message):
                return
            await self.send(self._complete(start))
        await self.send(message)

    def _complete(self, start: Message) -> Message:
        """The start of an answer with all headers."""
        return {**start, "headers": [*start["headers"], *self._added_to(start), self.request_id]}

    def _added_to(self, start: Message) -> Iterable[Header]:
        """The headers to add."""
        names = {name for name, _ in start["headers"]}
        if self._is_cacheable(start):
            names.add(PRIVATE[0])
        return (header for header in self.added.headers if header[0] not in names)

    def _is_cacheable(self, start: Message) -> bool:
        return self.shared and start["status"] < 400

    def _is_sent(self, start: Message, message: Message) -> bool:
        """Whether the answer was sent ready, as it is one piece."""
        if self.send_ready is None or message["type"] != "http.response.body" or message.get("more_body"):
            return False
        headers = start["headers"]
        has_own = self._is_cacheable(start) or not self.added.names.isdisjoint(name for name, _ in headers)
        added = header_lines(self._added_to(start)) if has_own else self.added.lines
        head = wire_head(start["status"], (*headers, self.request_id)) + added
        return self.send_ready((head, message.get("body", b"")))
