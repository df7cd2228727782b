"""The web process's server, the same wherever it runs: `billing serve`, a simulated year, a benchmark."""

from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from billing.platform.gc_tuning import freeze_gc
from billing.web.kit.bounded_http import HttpLimits, bounded

PROXY_KEEPS_SECONDS = 60
"""How long nginx and most load balancers keep a connection that nobody uses."""
KEEP_ALIVE_SECONDS = PROXY_KEEPS_SECONDS + 15
"""Longer than they: who closes first would otherwise be us, at times just as the next request comes."""
GRACE_SECONDS = 5
"""For the requests that are under way when it is to stop."""


def server(app: ASGIApp, *, behind_proxy: bool = False, limits: HttpLimits | None = None) -> uvicorn.Server:
    """A server for the application, to be run on a socket that listens already. Behind a proxy all connections have its address,
    so they aren't counted by it."""
    freeze_gc()
    limits = limits or HttpLimits()
    if behind_proxy:
        limits = replace(limits, from_one_address=None)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=bounded(limits),  # type: ignore[arg-type]  # it makes the protocols, as their class would
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
