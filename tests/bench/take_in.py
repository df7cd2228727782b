"""A web server to be measured: `python -m tests.bench.take_in URL ours|bare`. It prints its port and serves until it is killed.

`ours` is the whole application. `bare` does the one insert and nothing else: no signature, no checks, no framework."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import psycopg

from billing.app import build, create_app
from billing.web.kit.serve import server
from tests.support.installation import settings_for

CONNECTIONS = 8
_INSERT = (
    b"INSERT INTO inbound_event (id, acquirer, event_ref, event_type, object_ref, created_at, received_at, next_attempt_at, tries, failures)"
    b" VALUES (%s, 'stripe', %s, 'payment_intent.succeeded', 'pi_1', %s, %s, %s, 0, 0)"
)
Asgi = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


def bare(url: str) -> Asgi:
    """Stores each body under the id in a header."""
    idle: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()
    made = 0

    async def connection() -> psycopg.AsyncConnection[Any]:
        nonlocal made
        if idle.empty() and made < CONNECTIONS:
            made += 1
            return await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=1)
        return await idle.get()

    async def app(
        scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        await receive()
        event_id = next(value for name, value in scope["headers"] if name == b"x-id").decode()
        at = datetime.now(UTC)
        mine = await connection()
        await mine.execute(_INSERT, [event_id, event_id, at, at, at])
        idle.put_nowait(mine)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"28")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"received":true,"new":true}'})

    return app


def main() -> None:
    """Serve as `billing serve` does."""
    url, which = sys.argv[1:]
    app = bare(url) if which == "bare" else create_app(build(settings_for(url, clock="system")))
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    server(app).run(sockets=[listener])


if __name__ == "__main__":
    main()
