<<<<<<< HEAD
"""A web process for the benchmarks, on a port of its own: ours, a bare one, or one written the usual way."""

import sys
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from sqlmodel import Session, select
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.access.models import Article
from billing.app import build, create_app
from billing.db import Database
from billing.gate.gate import Gate
from billing.gate.memory import Signed
from billing.gate.pack import pack
from billing.readers.models import Reader, ReaderSession
from billing.rules.access import Held, Reason
from billing.settings import read_settings
from billing.subscriptions.models import Subscription
from billing.tokens import Tokens
from tests.bench.readers import reader_of, secret_of

BODY = b"x" * 200


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """What the server itself costs: 200 bytes to everybody."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"200")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def usual(database: Database, tokens: Tokens) -> FastAPI:
    """The way it is usually written: a dependency finds the session's reader in the database, for each request."""
    app = FastAPI()

    def reader(request: Request) -> Reader:
        digest = tokens.digest("session", request.cookies.get("masthead-session", ""))
        with Session(database.engine) as session:
            found = session.exec(select(ReaderSession).where(ReaderSession.token_hash == digest)).first()
            row = session.get(Reader, found.reader_id) if found else None
        if row is None:
            raise HTTPException(401)
        return row

    @app.get("/v1/access/{article_id}")
    def access(article_id: str, who: Annotated[Reader, Depends(reader)]) -> dict[str, Any]:
        with Session(database.engine) as session:
            article = session.get(Article, article_id)
            mine = select(Subscription).where(Subscription.reader_id == who.id, Subscription.state != "ended")
            subscription = session.exec(mine).first()
        return {
            "article": article.id if article else None,
            "allowed": subscription is not None,
            "reason": subscription.state if subscription else "subscribe",
            "until": subscription.access_until if subscription else None,
        }
=======
"""A web server to be measured: `python -m tests.bench.serve URL ours|bare`. It says its port, and serves until it is killed.

`ours` is the whole application. `bare` does the one insert and nothing else: no signature, no checks, no framework."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import psycopg
import uvicorn

from billing.app import build, create_app
from billing.worker import keep_for_good
from tests.world import settings_for

CONNECTIONS = 8
_INSERT = (
    b"INSERT INTO inbound_event (id, type, object_ref, created_at, received_at, payload, try_at, tries, failures)"
    b" VALUES (%s, 'payment_intent.succeeded', 'pi_1', %s, %s, %s::jsonb, %s, 0, 0)"
)
Asgi = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


def bare(url: str) -> Asgi:
    """Keeps a body as it comes, under the id in a header."""
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
        message = await receive()
        event_id = next(value for name, value in scope["headers"] if name == b"x-id").decode()
        at = datetime.now(UTC)
        mine = await connection()
        await mine.execute(_INSERT, [event_id, at, at, message["body"].decode(), at])
        idle.put_nowait(mine)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"28")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"received":true,"new":true}'})
>>>>>>> 0bdea0b (Events that come together are stored together, each with its own answer; ingest is measured beside a bare insert)

    return app


<<<<<<< HEAD
def fill(gate: Gate, count: int) -> None:
    """Let so many readers be in memory, as if each had asked."""
    at = gate.parts.clock.now()
    held = Held(Reason.SUBSCRIPTION, at.replace(year=at.year + 1), frozenset({"listen"}), renews=True)
    packed, until = pack(True, False, (held,)), at.replace(year=at.year + 1)
    for number in range(count):
        digest = gate.parts.office.tokens.digest_of("session", secret_of(number).encode())
        name = reader_of(number)
        gate.memory.sessions.keep(digest[:16], Signed(name, f"ses_{number:026d}", until))
        gate.memory.keep_standing(name, packed)


def main() -> None:
    """`serve.py KIND PORT [FILL]`."""
    kind, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    app: ASGIApp = bare
    if kind != "bare":
        parts = build(read_settings())
        app = usual(parts.database, parts.office.tokens) if kind == "usual" else create_app(parts)
        if isinstance(app, Gate):
            fill(app, count)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off" if kind == "bare" else "auto",
    )


main()
=======
def main() -> None:
    """Serve as `billing serve` does."""
    url, which = sys.argv[1:]
    app = bare(url) if which == "bare" else create_app(build(settings_for(url, clock="system")))
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    keep_for_good()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
>>>>>>> 0bdea0b (Events that come together are stored together, each with its own answer; ingest is measured beside a bare insert)
