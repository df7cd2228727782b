"""Send an answer whole, cut it, withhold it, or reset the connection."""

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT = "sandbox.transport"


class Protocol(HttpToolsProtocol):
    """Uvicorn's protocol; it gives the application access to the connection, so that it can be reset."""

    def on_message_begin(self) -> None:
        """Start a request with its transport in the scope."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


async def send_answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """Send the whole answer."""
    await _start(send, status, headers, len(body))
    await send({"type": "http.response.body", "body": body})


async def send_cut(scope: Scope, send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """Send the head and half of the body, then close the connection."""
    await _start(send, status, headers, len(body))
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    transport = _transport(scope)
    if transport is None:
        raise ConnectionAbortedError("answer cut on demand")
    transport.close()


async def _start(send: Send, status: int, headers: dict[str, str], length: int) -> None:
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    raw.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def withhold(receive: Receive, seconds: float, cleared: asyncio.Event) -> None:
    """Wait `seconds`, or until the client disconnects or faults are cleared."""
    waits = [asyncio.create_task(_disconnected(receive)), asyncio.create_task(cleared.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _disconnected(receive: Receive) -> bool:
    while (await receive())["type"] != "http.disconnect":
        pass
    return True


def tear(scope: Scope) -> None:
    """Reset the connection without an answer."""
    transport = _transport(scope)
    if transport is None:
        raise ConnectionResetError("connection reset on demand")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _transport(scope: Scope) -> Any:
    return scope.get("extensions", {}).get(TRANSPORT, {}).get("transport")
