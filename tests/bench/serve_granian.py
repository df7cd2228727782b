"""A web process on granian, for comparison with uvicorn: `serve_granian.py KIND PORT`."""

import sys
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops
from starlette.types import ASGIApp

from billing.app import build, create_app
from billing.platform.gc_tuning import freeze_gc
from billing.platform.settings import read_settings
from tests.bench.serve import BODY, bare


async def bare_rsgi(scope: Any, protocol: Any) -> None:
    """The bare application in granian's own protocol."""
    protocol.response_bytes(200, [("content-type", "application/json")], BODY)


def make_bare() -> ASGIApp:
    """The bare application."""
    return bare


def make_product() -> ASGIApp:
    """The product."""
    app = create_app(build(read_settings()))
    freeze_gc()
    return app


KINDS = {
    "bare": ("make_bare", Interfaces.ASGI, True),
    "rsgi": ("bare_rsgi", Interfaces.RSGI, False),
    "gate": ("make_product", Interfaces.ASGI, True),
}
"""Target, protocol, and whether the target makes the application."""


def main() -> None:
    """`serve_granian.py KIND PORT`."""
    target, interface, is_factory = KINDS[sys.argv[1]]
    Granian(
        f"{__spec__.name}:{target}",
        port=int(sys.argv[2]),
        interface=interface,
        factory=is_factory,
        loop=Loops.uvloop,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
