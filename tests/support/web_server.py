"""One uvicorn in a thread on a fixed address; its application can be exchanged."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Mapping
from re import Pattern
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.lifespan.on import LifespanOn

from billing.http.at_once import AnswersAtOnce, Ready
from billing.web.kit.bounded_http import HttpLimits
from billing.web.kit.ready_http import protocol
from billing.web.kit.serve import KEEP_ALIVE_SECONDS

PATIENCE_SECONDS = 60
Result = TypeVar("Result")


class WebServer:
    """Listens from the start. `start` an application, then `use` it; `end` it when another is used."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._app: ASGIApp | None = None
        self._lifespans: dict[int, LifespanOn] = {}
        self._server = uvicorn.Server(
            uvicorn.Config(
                self,
                interface="asgi3",
                http=protocol(HttpLimits(), self),  # type: ignore[arg-type]  # as `billing.web.kit.serve` has it
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=2,
            )
        )
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="web server")
        self._thread.start()
        self._ready.wait(PATIENCE_SECONDS)

    def start(self, app: ASGIApp) -> None:
        """Run an application's startup. It gets no requests yet."""
        self._do(self._start(app))

    def use(self, app: ASGIApp) -> None:
        """Send all requests to this started application."""
        self._app = app

    def end(self, app: ASGIApp) -> None:
        """Run an application's shutdown."""
        self._do(self._lifespans.pop(id(app)).shutdown())

    def finish_requests(self) -> None:
        """Return when every received request is answered."""
        self._do(self._finish_requests())

    def begin_to_close(self) -> None:
        """Shut the applications down and tell the server to end, without waiting for it."""
        while self._lifespans:
            self._do(self._lifespans.popitem()[1].shutdown())
        self._server.should_exit = True

    def close(self) -> None:
        """End the applications and the server."""
        self.begin_to_close()
        self._thread.join(timeout=20)
        self._listener.close()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            self._ready.set()
            runner.run(self._server.serve(sockets=[self._listener]))

    async def _start(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, log_config=None)
        config.load()
        lifespan = LifespanOn(config)
        await lifespan.startup()
        if lifespan.should_exit:
            raise RuntimeError("the application did not start; its log says why")
        self._lifespans[id(app)] = lifespan

    async def _finish_requests(self) -> None:
        while tasks := list(self._server.server_state.tasks):
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def addresses(self) -> Mapping[bytes, Pattern[bytes]]:
        """What the application in use may answer at once."""
        return self._app.addresses if isinstance(self._app, AnswersAtOnce) else {}

    def at_once(self, scope: Scope, body: bytes) -> Ready | None:
        """Its answer, if it has it ready."""
        return self._app.at_once(scope, body) if isinstance(self._app, AnswersAtOnce) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application in use."""
        assert self._app is not None
        await self._app(scope, receive, send)

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)
