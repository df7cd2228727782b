"""The web process's server, the same wherever it runs: `billing serve`, a simulated year, a benchmark."""

import uvicorn
from starlette.types import ASGIApp

from billing.keep import keep_for_good

PROXY_KEEPS_SECONDS = 60
"""How long nginx and most load balancers keep a connection that nobody uses."""
KEEP_ALIVE_SECONDS = PROXY_KEEPS_SECONDS + 15
"""Longer than they: who closes first would otherwise be us, at times just as the next request comes."""
GRACE_SECONDS = 5
"""For the requests that are under way when it is to stop."""


def server(app: ASGIApp) -> uvicorn.Server:
    """A server for the application, to be run on a socket that listens already."""
    keep_for_good()
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
