"""The web server's part in ready answers: writes them past ASGI (see `http/at_once`), where the bounds of `bounded_http` allow it."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from weakref import ref

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from billing.http.at_once import SEND_READY, AnswersAtOnce, Ready
from billing.web.kit.bounded_http import BoundedProtocol, Connections, HttpLimits

MOST_HELD_BACK = 16 * 1024
"""Bytes of a body that is waited for. A longer one is read by the application while it arrives."""


class ReadyProtocol(BoundedProtocol):
    """Asks an application for a ready answer, and calls it for all other requests."""

    def __init__(self, *given: Any, application: AnswersAtOnce, **named: Any) -> None:
        super().__init__(*given, **named)
        self._application = application
        self._held_back: bytes | None = None
        """What has come of the body of a request that may be answered at once, when it is complete; None for any other."""

    def on_body(self, body: bytes) -> None:
        """A part of a body arrived."""
        if self._held_back is not None and len(self._held_back) + len(body) <= MOST_HELD_BACK:
            self._held_back += body
            return
        self._call()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self._held_back is not None and self._answer_at_once(self._held_back):
            self._held_back = None
            self._in_message = False
            self._cancel_timer()
            self._await_next()
            return
        self._call()
        super().on_message_complete()

    def _start(self) -> None:
        if self._may_be_answered_at_once():
            self._held_back = b""
        else:
            self._call_application()

    def _call(self) -> None:
        """Call the application with what was held back, if anything was."""
        if self._held_back is None:
            return
        body, self._held_back = self._held_back, None
        self._call_application()
        if body:
            super().on_body(body)

    def _call_application(self) -> None:
        super()._start()
        # a ready answer is written with its body, which Uvicorn leaves out for HEAD
        if self.scope["method"] != "HEAD":
            # By a weak reference: the cycle holds the scope, and the two would wait for the garbage collector with all they hold.
            cast("dict[str, Any]", self.scope)[SEND_READY] = partial(self._send_ready, ref(self.cycle))

    def _may_be_answered_at_once(self) -> bool:
        addresses = self._application.addresses.get(self.parser.get_method())
        return (
            addresses is not None
            and addresses.fullmatch(self.url) is not None
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.expect_100_continue
            and self._answered
            and not self.flow.write_paused
        )

    def _answer_at_once(self, body: bytes) -> bool:
        """Whether the application had the answer; then it is written."""
        scope = cast("dict[str, Any]", self.scope)
        path, _, query = self.url.partition(b"?")
        method = self.parser.get_method().decode()
        scope |= {"method": method, "path": path.decode(), "query_string": query}
        answer = self._application.at_once(scope, body)
        if answer is None:
            return False
        self._write(answer)
        self.server_state.total_requests += 1
        return True

    def _send_ready(self, weak: ref[RequestResponseCycle], answer: Ready) -> bool:
        """Write the whole answer of a request, as the application would by messages (see `SendReady`)."""
        cycle = weak()
        if cycle is None or self.flow.write_paused or cycle.disconnected or not cycle.keep_alive:
            return False
        self._write(answer)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _write(self, answer: Ready) -> None:
        head, body = answer
        default = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join((head, *default, b"\r\n", body)))


def protocol(limits: HttpLimits, application: object) -> Callable[..., BoundedProtocol]:
    """The protocol factory of one server for this application."""
    connections = Connections()
    if isinstance(application, AnswersAtOnce):
        return partial(ReadyProtocol, limits=limits, connections=connections, application=application)
    return partial(BoundedProtocol, limits=limits, connections=connections)
