"""A web process for the benchmarks: the product, a bare one (with our bounds, or `unbounded`), or one written the usual way."""

import socket
import sys
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from sqlmodel import Session, select
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.access.models import Article
from billing.access_cache.gate import Gate
from billing.app import build, create_app
from billing.platform.db import Database
from billing.platform.settings import read_settings
from billing.platform.tokens import Tokens
from billing.readers.models import Reader, ReaderSession
from billing.rules.access import Entitlement, Reason
from billing.subscriptions.models import Subscription
from billing.web.kit.serve import server
from tests.bench.readers import reader_of, secret_of

BODY = b"x" * 200


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """A bare application that always answers 200 bytes: the cost of the server itself."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"200")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def usual(database: Database, tokens: Tokens) -> FastAPI:
    """The usual way: a dependency looks the session's reader up in the database for each request."""
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

    return app


def fill(gate: Gate, count: int) -> None:
    """Fill the cache with this many readers, as if each had sent a request."""
    at = gate.services.clock.now()
    held = Entitlement(Reason.SUBSCRIPTION, at.replace(year=at.year + 1), frozenset({"listen"}), renews=True)
    packed, until = gate.cache.packer.pack(True, (held,)), at.replace(year=at.year + 1).timestamp()
    digest_of = gate.services.site.tokens.digester("session")
    for number in range(count):
        digest = digest_of(secret_of(number).encode())
        name = reader_of(number)
        gate.cache.keep_session(digest[:16], name, until)
        gate.cache.keep_entitlements(name, packed)


def main() -> None:
    """`serve.py KIND PORT [FILL]`."""
    kind, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    app: ASGIApp = bare
    if kind not in ("bare", "unbounded"):
        services = build(read_settings())
        app = usual(services.database, services.site.tokens) if kind == "usual" else create_app(services)
        if isinstance(app, Gate):
            fill(app, count)
    made = server(app)
    if kind == "unbounded":
        made = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    made.run(sockets=[socket.create_server(("127.0.0.1", port), backlog=2048)])


if __name__ == "__main__":
    main()
