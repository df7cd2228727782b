"""The ASGI application: the API, the pages and the control endpoints on one address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

# Importing these registers their operations.
from billing.dev.sandbox import (
    balance,
    charges,
    customers,
    disputes,
    endpoints,
    events,
    files,
    intents,
    methods,
    payouts,
    refunds,
    sessions,
    setups,
    warnings,
)
from billing.dev.sandbox.api import Api, Exchange
from billing.dev.sandbox.checkout import Checkout
from billing.dev.sandbox.clock import SandboxClock
from billing.dev.sandbox.control import Control
from billing.dev.sandbox.deliver import Deliverer
from billing.dev.sandbox.faults import Faults
from billing.dev.sandbox.page import SandboxPage
from billing.dev.sandbox.store import Store
from billing.dev.sandbox.world import Merchant, SandboxWorld

OPERATIONS = (
    balance, charges, customers, disputes, endpoints, events, files, intents, methods, payouts, refunds, sessions,
    setups, warnings,
)  # fmt: skip
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TICK_SECONDS = 1.0


def create_sandbox(
    *,
    journal: Path | None = None,
    merchant: Merchant | None = None,
    webhooks: list[tuple[str, str]] | None = None,
    on_exchange: Callable[[Exchange], None] | None = None,
) -> ASGIApp:
    """Create a Stripe sandbox.

    `journal` is a file that lets its state survive a restart. `webhooks` are (url, secret) pairs that get every event.
    `on_exchange` is called with each API request and its answer.
    """
    world = SandboxWorld(Store(journal), SandboxClock(), merchant or Merchant())
    if (setting := world.store.get("setting", "clock")) is not None:
        world.clock.hold(setting["held"])
        world.clock.skew = setting.get("skew", 0)
    deliverer = Deliverer(world)
    api = Api(world, Faults(), on_exchange)
    control = Control(world, api, deliverer, list(webhooks or []))
    watch = SandboxPage(world, api, deliverer)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(deliverer.run()), asyncio.create_task(_tick(world, control))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            world.store.close()

    routes = [Mount("/v1", app=_rooted(api)), *Checkout(world).routes(), *control.routes(), *watch.routes()]
    return _loopback_only(Starlette(routes=routes, lifespan=lifespan))


async def _tick(world: SandboxWorld, control: Control) -> None:
    """While no clock is held, expire sessions, settle refunds and make payouts as time passes."""
    while True:
        await asyncio.sleep(TICK_SECONDS)
        if not world.clock.held:
            control.keep_up()


def _rooted(api: Api) -> ASGIApp:
    """Let the API see whole paths, without the mount point removed."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await api({**scope, "root_path": ""}, receive, send)

    return app


def _loopback_only(app: ASGIApp) -> ASGIApp:
    """Refuse clients and Host names other than loopback."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_local(scope):
            refusal = PlainTextResponse("The sandbox answers on loopback only.\n", 403)
            await refusal(scope, receive, send)
            return
        with suppress(ConnectionAbortedError):
            await app(scope, receive, send)

    return guarded


def _is_local(scope: Scope) -> bool:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    client = scope.get("client")
    return (client is None or client[0] in LOOPBACK) and name.strip("[]") in LOOPBACK
