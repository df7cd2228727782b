"""The web server's bounds: how long a head, how many connections, how much at once, how slow. Uvicorn's protocol over httptools has
none for a head (https://github.com/encode/uvicorn/blob/master/uvicorn/protocols/http/httptools_impl.py), so an endless header would
take all memory, and a slow one a connection for ever."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from billing.web.kit.closing import ClosingTransport
from billing.web.kit.overload import RequestTooLarge, large_head

log = logging.getLogger("billing.requests")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one process takes. Bytes and seconds; nginx's own bounds are of the same size (large_client_header_buffers,
    client_header_timeout)."""

    url: int = 8 * 1024
    head: int = 32 * 1024
    """The request line and all headers, trailers of a chunked body too."""
    headers: int = 100
    message: int = 1024 * 1024
    """A whole request on the wire. `front` bounds bodies; this is for what is no body, such as the extensions of chunks."""
    pipelined: int = 16
    """Requests that wait for the answer to an earlier one on their connection."""
    connections: int = 800
    """Below the 1024 files that a process may commonly have open."""
    from_one_address: int | None = 400
    """None behind a proxy, whose address all connections have."""
    head_seconds: float = 15
    """From the opening of a connection, or a request's first byte, to the end of its head."""
    message_seconds: float = 60
    """From there to the end of its body."""
    unread_seconds: float = 60
    """For which a client may leave an answer unread, also after the server has closed the connection."""
    linger_seconds: float = 2
    """For which the rest of a body that nobody wants may still come, after the answer, and a refusal may be left unread."""


class Connections:
    """The open connections of one server."""

    def __init__(self) -> None:
        self.count = 0
        self.of_address: Counter[str] = Counter()
        self.silent: dict[BoundedProtocol, None] = {}
        """Those that wait for a request, for the rest of its head, or for the client to read the last; the longest silent first."""


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol within limits. Refusals are problems as elsewhere, and end the connection."""

    def __init__(self, *given: Any, limits: HttpLimits, connections: Connections, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits, self._all = limits, connections
        self._address = ""
        self._admitted = False
        self._timer: asyncio.TimerHandle | None = None
        """Ends a request that comes too slowly; none while a whole one is answered."""
        self._unread: asyncio.TimerHandle | None = None
        self._in_message = self._in_head = False
        self._head_bytes = self._message_bytes = 0
        """Of the request that is coming in, without what came with its first byte."""
        self._too_much: RequestTooLarge | None = None
        self._running: RequestResponseCycle | None = None
        """Whose answer is under way; `cycle` is the newest request's."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection. A full server lets the longest silent one go; where there is none, it refuses the new one."""
        super().connection_made(cast("asyncio.Transport", ClosingTransport(transport, self._closes)))
        self._address = self.client[0] if self.client else ""
        most = self._limits.from_one_address
        has_its_part = most is not None and self._all.of_address[self._address] >= most
        full = self._all.count >= self._limits.connections
        if full and not has_its_part and self._all.silent:
            next(iter(self._all.silent)).end()
            full = False  # as the other is gone at the loop's next turn
        if full or has_its_part:
            self._refuse(
                RequestTooLarge(503, "too_many_connections", "Too many connections are open. Try again soon.")
            )
            return
        self._admitted = True
        self._all.count += 1
        self._all.of_address[self._address] += 1
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more. No other place does: what is open is counted, and has a timer or an answer under way."""
        self._cancel_timers()
        self._unset_keepalive_if_required()
        if self._admitted:
            self._all.count -= 1
            self._all.of_address[self._address] -= 1
            if not self._all.of_address[self._address]:
                del self._all.of_address[self._address]
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = (
                True  # Uvicorn tells the newest request only, and its writes would fail
            )
            self._running.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """The client sends no more. The event loop closes the connection now, and with no bound."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse what came, within the bounds."""
        if self.transport.is_closing():
            return  # what was read before the end was decided
        if self._in_message:
            self._message_bytes += len(data)
            if self._message_bytes > self._limits.message:
                self.end()
                return
        if self._in_head:
            room = max(self._limits.head - self._head_bytes, 0)
            self._head_bytes += len(data)
            super().data_received(data[:room])
            if self._in_head and len(data) > room:
                self._refuse(large_head(self._limits.headers, self._limits.head))
            data = data[room:]
        if data and not self.transport.is_closing():
            super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_message and len(self.headers) > self._limits.headers:
            self._refuse(large_head(self._limits.headers, self._limits.head))  # trailers are headers too
        elif (self._in_message or self._rests) and self._timer is None:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Say why the parser ended: a bound was passed, or it isn't HTTP."""
        self._refuse(self._too_much or RequestTooLarge(400, "malformed", msg))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_message = self._in_head = True
        self._head_bytes = self._message_bytes = 0

    def on_headers_complete(self) -> None:
        """The head is whole: the application may begin, if the head is within bounds."""
        self._all.silent.pop(self, None)
        if len(self.url) > self._limits.url:
            self._stop(RequestTooLarge(414, "address_too_long", "The address is longer than we read."))
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self._limits.head or len(self.headers) > self._limits.headers:
            self._stop(large_head(self._limits.headers, self._limits.head))
        if len(self.pipeline) >= self._limits.pipelined:
            self._stop(
                RequestTooLarge(400, "pipelined", "Too many requests wait for the answer to an earlier one.")
            )
        self._in_head = False
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_message = False
        self._cancel_timer()
        super().on_message_complete()
        if self._answered:  # before its body's end
            self._rest()

    def on_response_complete(self) -> None:
        """The answer is given. The rest of a body that was not read may still come for a moment."""
        if self.pipeline:
            self._running = self.pipeline[-1][0]
        super().on_response_complete()
        if not self._answered or self.transport.is_closing():
            return
        if not self._in_message:
            self._all.silent[self] = None
        elif not self._in_head:
            self._unset_keepalive_if_required()
            self._arm(self._limits.linger_seconds, self.end)

    def pause_writing(self) -> None:
        """The client doesn't read what we answer."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._limits.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads on."""
        super().resume_writing()
        self._cancel_unread()

    def timeout_keep_alive_handler(self) -> None:
        """The connection isn't used."""
        self.end()

    def end(self) -> None:
        """Close the connection. What the client has not read by now is lost."""
        self._cancel_timers()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    @property
    def _answered(self) -> bool:
        """Whether each request whose head has come has its answer."""
        return self.cycle is not None and self.cycle.response_complete and not self.pipeline

    @property
    def _rests(self) -> bool:
        """Whether there is no request, and nothing that ends the wait for one: as after a line break that begins none."""
        return self.timeout_keep_alive_task is None and self._answered and not self._in_message

    def _rest(self) -> None:
        self._all.silent[self] = None
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _await_head(self) -> None:
        if self._in_head or not self._in_message:
            self._all.silent[self] = None
        self._arm(self._limits.head_seconds, self._is_late)

    def _is_late(self) -> None:
        if self._in_message and not self._in_head:
            self._arm(self._limits.message_seconds, self._refuse_slow)
        elif self._in_message:
            self._refuse_slow()
        else:
            self.end()

    def _refuse_slow(self) -> None:
        self._refuse(RequestTooLarge(408, "too_slow", "The request didn't arrive in time."))

    def _refuse(self, reason: RequestTooLarge) -> None:
        """Say why, where no other answer is under way, and end the connection."""
        self._cancel_timers()
        log.warning("refused %s %s", reason.status, reason.code)
        of_head = self._in_message and bool(self.url) and self.parser.get_method() == b"HEAD"
        own = self._in_message and not self._in_head and not self.pipeline
        if self.cycle is None or self._answered:
            self.transport.write(reason.as_bytes(with_body=not of_head))
        elif own and not self.cycle.response_started:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.transport.write(reason.as_bytes(with_body=not of_head))
        self.transport.close()
        self._let_read(self._limits.linger_seconds)

    def _closes(self) -> None:
        """The transport was told to close, by Uvicorn or by us."""
        self._let_read(self._limits.unread_seconds)

    def _let_read(self, seconds: float) -> None:
        """The client may read what is written, for so long; a closed transport itself would wait for ever."""
        if not self.transport.get_write_buffer_size():
            return
        if self._admitted:
            self._all.silent[self] = None
        self._arm(seconds, self.transport.abort)

    def _stop(self, reason: RequestTooLarge) -> NoReturn:
        self._too_much = reason
        raise reason

    def _arm(self, seconds: float, then: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cancel_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cancel_timers(self) -> None:
        self._cancel_timer()
        self._cancel_unread()
        self._all.silent.pop(self, None)


def bounded(limits: HttpLimits) -> Callable[..., BoundedProtocol]:
    """Makes the protocols of one server."""
    return partial(BoundedProtocol, limits=limits, connections=Connections())
