"""The server of the web process: the same for `billing serve`, a simulated year and a benchmark."""

from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from billing.platform.gc_tuning import freeze_gc
from billing.web.kit.bounded_http import HttpLimits
from billing.web.kit.ready_http import protocol

PROXY_KEEPS_SECONDS = 60
"""How long nginx and most load balancers keep an idle connection."""
KEEP_ALIVE_SECONDS = PROXY_KEEPS_SECONDS + 15
"""Longer than theirs: closing first would lose a request that is on its way."""
GRACE_SECONDS = 5
"""For requests that are under way at shutdown."""


def server(app: ASGIApp, *, behind_proxy: bool = False, limits: HttpLimits | None = None) -> uvicorn.Server:
    """A server for the application, to be run on a socket that listens already. Behind a proxy, connections aren't counted by
    address, as all have the proxy's."""
    freeze_gc()
    limits = limits or HttpLimits()
    if behind_proxy:
        limits = replace(limits, from_one_address=None)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol(limits, app),  # type: ignore[arg-type]  # a factory in place of a class
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
