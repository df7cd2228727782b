"""Serve the sandbox on loopback."""

import socket

import uvicorn
from starlette.types import ASGIApp

from billing.dev.sandbox.wire import Protocol

HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75
"""Longer than any client keeps an idle connection. Otherwise the server could close it just as a request arrives."""


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free port. Raises OSError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(256)
    return listener


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A uvicorn server for the app; run it with `server.run(sockets=[listen(port)])`."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,  # the API dates its answers by the sandbox's own clock
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=3,
        )
    )
