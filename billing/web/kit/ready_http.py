"""The web server's part in ready answers: writes them past ASGI (see `http/at_once`), where the bounds of `bounded_http` allow it."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from billing.http.at_once import SEND_READY, AnswersAtOnce, Ready
from billing.web.kit.bounded_http import BoundedProtocol, Connections, HttpLimits


class ReadyProtocol(BoundedProtocol):
    """Asks an application for a ready answer, and calls it for all other requests."""

    def __init__(self, *given: Any, application: AnswersAtOnce, **named: Any) -> None:
        super().__init__(*given, **named)
        self._application = application
        self._is_held_back = False
        """Whether a request may be answered at once, when it is complete."""

    def on_body(self, body: bytes) -> None:
        """A part of a body arrived: the application reads it."""
        if self._is_held_back:
            self._call()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self._is_held_back:
            if self._answer_at_once():
                self._in_message = self._is_held_back = False
                self._cancel_timer()
                self._await_next()
                return
            self._call()
        super().on_message_complete()

    def _start(self) -> None:
        self._is_held_back = self._may_be_answered_at_once()
        if not self._is_held_back:
            self._call()

    def _call(self) -> None:
        """Call the application."""
        self._is_held_back = False
        super()._start()
        if self.scope["method"] != "HEAD":
            cast("dict[str, Any]", self.scope)[SEND_READY] = partial(self._send_ready, self.cycle)

    def _may_be_answered_at_once(self) -> bool:
        return (
            self._application.addresses.fullmatch(self.url) is not None
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and self._answered
            and not self.flow.write_paused
        )

    def _answer_at_once(self) -> bool:
        """Whether the application had the answer; then it is written."""
        scope = cast("dict[str, Any]", self.scope)
        scope |= {"method": "GET", "path": self.url.decode(), "query_string": b""}
        answer = self._application.at_once(scope)
        if answer is None:
            return False
        self._write(answer)
        self.server_state.total_requests += 1
        return True

    def _send_ready(self, cycle: RequestResponseCycle, answer: Ready) -> bool:
        """Write the whole answer of a request, as the application would by messages (see `SendReady`)."""
        if self.flow.write_paused or cycle.disconnected or not cycle.keep_alive:
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
