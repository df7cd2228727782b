"""Answers whose bytes an application has ready, which cost a server less than messages of ASGI.

What is in memory is sent at once, without a task. What takes a while is sent as a whole: no header is looked at again."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from re import Pattern
from typing import NamedTuple, Protocol, runtime_checkable

from starlette.types import Receive, Scope, Send

Header = tuple[bytes, bytes]
Ready = tuple[bytes, bytes]
"""The lines of a head, without those that the server adds to every answer, and a body."""
SEND_READY = "masthead.send_ready"
"""Key in a request's scope: a function that sends a ready answer, if the server has one (`SendReady`)."""
_STATUS_LINES = {status: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus}
NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class AnswerHead(NamedTuple):
    """Status and headers of an answer. `wire`: the same in HTTP/1.1, without the empty line that ends a head."""

    status: int
    headers: tuple[Header, ...]
    wire: bytes

    def with_header(self, name: bytes, value: bytes) -> "AnswerHead":
        """The same with a header more."""
        return AnswerHead(self.status, (*self.headers, (name, value)), self.wire + _line(name, value))


def answer_head(status: int, size: int, headers: Sequence[Header]) -> AnswerHead:
    """The head of an answer with a body of so many bytes."""
    if status not in NO_BODY:
        headers = ((b"content-length", b"%d" % size), *headers)
    return AnswerHead(status, tuple(headers), wire_head(status, headers))


def wire_head(status: int, headers: Iterable[Header]) -> bytes:
    """Status and headers in HTTP/1.1, without the empty line that ends a head. Raises ValueError for a header with a line break."""
    return _STATUS_LINES[HTTPStatus(status)] + header_lines(headers)


def header_lines(headers: Iterable[Header]) -> bytes:
    """Headers in HTTP/1.1. Raises ValueError for one with a line break."""
    return b"".join([_line(*header) for header in headers])


def _line(name: bytes, value: bytes) -> bytes:
    line = b"%b: %b" % (name, value)
    if b"\r" in line or b"\n" in line or b"\0" in line:
        raise ValueError("A header would end early.")
    return line + b"\r\n"


class SendReady(Protocol):
    """Sends a ready answer in place of ASGI's messages."""

    def __call__(self, answer: Ready) -> bool:
        """Whether it was sent. Not to a client that reads too slowly or leaves: then messages must be sent."""
        ...


@runtime_checkable
class AnswersAtOnce(Protocol):
    """An ASGI application that has some answers in memory."""

    addresses: Mapping[bytes, Pattern[bytes]]
    """By the method: addresses, as sent, that it may answer at once. They are paths in which nothing is escaped, and maybe a query."""

    def at_once(self, scope: Scope, body: bytes) -> Ready | None:
        """The answer to a request with this body. None: the application must be called.

        It never waits. `scope` has a method, a path, a query, headers and a state."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by messages, as ASGI has it; `scope` is the same object."""
        ...
