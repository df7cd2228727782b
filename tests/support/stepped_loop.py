"""A server on a real socket in a thread. The test steps its event loop's clock."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from tests.support.polling import PATIENCE_SECONDS


class SteppedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be moved forward; timers that fall due then run."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = 0.0

    def time(self) -> float:
        """The machine's monotonic time plus the stepped seconds."""
        return super().time() + self._ahead

    def step(self, seconds: float) -> None:
        """Read all input that was sent so far, move the time, and return when due timers have run. Call it from another thread."""
        self._run_pending()
        self._call_in_loop(lambda: self.ahead(seconds))
        self._run_pending()

    def ahead(self, seconds: float) -> None:
        """Move the time. Call it in the loop."""
        self._ahead += seconds

    def _run_pending(self) -> None:
        """Let the loop accept, read and call back: each takes an iteration of its own."""
        for _ in range(5):
            self._call_in_loop(lambda: None)

    def _call_in_loop(self, do: Callable[[], None]) -> None:
        done = threading.Event()
        self.call_soon_threadsafe(do)
        self.call_soon_threadsafe(done.set)
        assert done.wait(PATIENCE_SECONDS)


class SteppedServer:
    """A running uvicorn server with a stepped clock."""

    def __init__(self, server: uvicorn.Server) -> None:
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.loop: SteppedLoop
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="stepped server")

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect from an address of the loopback network."""
        made = socket.create_connection(self.address, PATIENCE_SECONDS, (source, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def step(self, seconds: float) -> None:
        """Move the server's time by `seconds`."""
        self.loop.step(seconds)

    def start(self) -> None:
        """Start it; return when it has a loop. Connections wait in the backlog until it accepts them."""
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Stop it; return when its thread has ended."""
        self.server.should_exit = self.server.force_exit = True
        self._thread.join(PATIENCE_SECONDS)
        self.listener.close()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=SteppedLoop) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, SteppedLoop)
            self.loop = loop
            self._ready.set()
            runner.run(self.server.serve(sockets=[self.listener]))


@contextmanager
def stepped(server: uvicorn.Server) -> Iterator[SteppedServer]:
    """Run the server for the length of the block."""
    running = SteppedServer(server)
    running.start()
    try:
        yield running
    finally:
        running.stop()
