"""The web server's limits: size of a head, connections, pipelining, slowness. Uvicorn's httptools protocol has none for a head
(https://github.com/encode/uvicorn/blob/master/uvicorn/protocols/http/httptools_impl.py): an endless header would take all memory, and
a slow one would hold a connection for ever."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from billing.web.kit.closing import ClosingTransport
from billing.web.kit.overload import WireRefusal, large_head

log = logging.getLogger("billing.requests")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one process accepts, in bytes and seconds. nginx has limits of the same size (large_client_header_buffers,
    client_header_timeout)."""

    url: int = 8 * 1024
    head: int = 32 * 1024
    """The request line and all headers, trailers of a chunked body too."""
    headers: int = 100
    message: int = 1024 * 1024
    """A whole request on the wire. `middleware` limits bodies; this limits what is no body, such as chunk extensions."""
    pipelined: int = 16
    """Requests that wait for an earlier one on their connection."""
    connections: int = 800
    """Below the 1024 files that a process may commonly have open."""
    from_one_address: int | None = 400
    """None behind a proxy: all connections have its address."""
    head_seconds: float = 15
    """From the opening of a connection, or the first byte of a request, to the end of its head."""
    message_seconds: float = 60
    """From there to the end of its body."""
    unread_seconds: float = 60
    """How long a client may leave an answer unread, also after the server has closed the connection."""
    linger_seconds: float = 2
    """How long, after the answer, the unread rest of a body may still arrive, and a refusal may stay unread."""


class Connections:
    """The open connections of one server."""

    def __init__(self) -> None:
        self.count = 0
        self.of_address: Counter[str] = Counter()
        self.silent: dict[BoundedProtocol, None] = {}
        """Those that wait for a request, for the rest of a head, or for the client to read; the longest silent first."""


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with limits. A refusal is a problem+json answer and ends the connection."""

    def __init__(self, *given: Any, limits: HttpLimits, connections: Connections, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits, self._all = limits, connections
        self._address = ""
        self._admitted = False
        self._timer: asyncio.TimerHandle | None = None
        """Ends a request that arrives too slowly; None while a complete one is answered."""
        self._unread: asyncio.TimerHandle | None = None
        self._in_message = self._in_head = False
        self._head_bytes = self._message_bytes = 0
        """Of the request that is arriving, without the chunk that held its first byte."""
        self._too_much: WireRefusal | None = None
        self._running: RequestResponseCycle | None = None
        """The request whose answer is under way; `cycle` is the newest request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection. A full server closes the longest silent one, or, without one, refuses the new one."""
        super().connection_made(cast("asyncio.Transport", ClosingTransport(transport, self._on_close)))
        self._address = self.client[0] if self.client else ""
        most = self._limits.from_one_address
        address_is_full = most is not None and self._all.of_address[self._address] >= most
        is_full = self._all.count >= self._limits.connections
        if is_full and not address_is_full and self._all.silent:
            next(iter(self._all.silent)).end()
            is_full = False  # `count` falls only at the loop's next turn
        if is_full or address_is_full:
            self._refuse(
                WireRefusal(503, "too_many_connections", "Too many connections are open. Try again soon.")
            )
            return
        self._admitted = True
        self._all.count += 1
        self._all.of_address[self._address] += 1
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection. Only this place does, so every open connection is counted."""
        self._cancel_timers()
        self._unset_keepalive_if_required()
        if self._admitted:
            self._all.count -= 1
            self._all.of_address[self._address] -= 1
            if not self._all.of_address[self._address]:
                del self._all.of_address[self._address]
        if self._running is not None and not self._running.response_complete:
            # Uvicorn does this for the newest request only; the running one's writes would fail
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """The client sends no more. Left to itself, the event loop would close the connection without a time limit."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, within the limits."""
        if self.transport.is_closing():
            return  # read before the connection was ended
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
        elif (self._in_message or self._is_unguarded) and self._timer is None:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Say why the parser stopped: a limit was passed, or it isn't HTTP."""
        self._refuse(self._too_much or WireRefusal(400, "malformed", msg))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_message = self._in_head = True
        self._head_bytes = self._message_bytes = 0

    def on_headers_complete(self) -> None:
        """The head is complete: start the application, if the head is within the limits."""
        self._all.silent.pop(self, None)
        if len(self.url) > self._limits.url:
            self._stop(WireRefusal(414, "address_too_long", "The address is longer than we read."))
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self._limits.head or len(self.headers) > self._limits.headers:
            self._stop(large_head(self._limits.headers, self._limits.head))
        if len(self.pipeline) >= self._limits.pipelined:
            self._stop(
                WireRefusal(400, "pipelined", "Too many requests wait for the answer to an earlier one.")
            )
        self._in_head = False
        self._start()

    def _start(self) -> None:
        """Start the application for the request whose head is complete."""
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._in_message = False
        self._cancel_timer()
        super().on_message_complete()
        if self._answered:  # before its body ended
            self._await_next()

    def on_response_complete(self) -> None:
        """The answer is sent. The unread rest of a body may still arrive for a moment."""
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
        """The client stopped reading: abort after a while."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._limits.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads on."""
        super().resume_writing()
        self._cancel_unread()

    def timeout_keep_alive_handler(self) -> None:
        """The connection was unused for too long."""
        self.end()

    def end(self) -> None:
        """Close the connection. What the client hasn't read by now is lost."""
        self._cancel_timers()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    @property
    def _answered(self) -> bool:
        """Whether every request whose head has arrived is answered."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    @property
    def _is_unguarded(self) -> bool:
        """Whether no request is there and no timer ends the wait for one, as after a stray line break."""
        return self.timeout_keep_alive_task is None and self._answered and not self._in_message

    def _await_next(self) -> None:
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
        self._refuse(WireRefusal(408, "too_slow", "The request didn't arrive in time."))

    def _refuse(self, reason: WireRefusal) -> None:
        """End the connection, with the reason if no other answer is under way."""
        self._cancel_timers()
        log.warning("refused %s %s", reason.status, reason.code)
        is_head = self._in_message and bool(self.url) and self.parser.get_method() == b"HEAD"
        answer = reason.as_bytes(with_body=not is_head)
        is_running_alone = self._in_message and not self._in_head and not self.pipeline
        if self._answered:
            self.transport.write(answer)
        elif is_running_alone and not self.cycle.response_started:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.transport.write(answer)
        self.transport.close()
        self._let_read(self._limits.linger_seconds)

    def _on_close(self) -> None:
        """Uvicorn or this class called the transport's `close`."""
        self._let_read(self._limits.unread_seconds)

    def _let_read(self, seconds: float) -> None:
        """Give the client this long to read what is written. A closed transport would wait for ever."""
        if not self.transport.get_write_buffer_size():
            return
        if self._admitted:
            self._all.silent[self] = None
        self._arm(seconds, self.transport.abort)

    def _stop(self, reason: WireRefusal) -> NoReturn:
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
