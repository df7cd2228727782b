"""HTTP connections to web processes, kept from one round of requests to the next."""

import resource
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector

from tests.bench.load_client import WAIT_SECONDS, Connection, WrongAnswer
from tests.bench.requests import Ask


class KeptConnections:
    """Sends many requests at once, each on a connection of its own."""

    def __init__(self) -> None:
        self._free: defaultdict[int, list[Connection]] = defaultdict(list)
        """By port."""

    def send_all(self, asks: Sequence[tuple[int, Ask]]) -> Iterator[tuple[int, bytes | None]]:
        """Send each request to its port; then yield the number of each request and its answer, as they arrive.

        None: the connection ended without a whole answer. Raises WrongAnswer if none arrives for WAIT_SECONDS."""
        with DefaultSelector() as selector:
            for number, (port, ask) in enumerate(asks):
                connection = self._take(port)
                connection.send(ask, since=0, now=0)  # how long an answer takes is not measured
                selector.register(connection.socket, EVENT_READ, (number, port, connection))
            while selector.get_map():
                ready = selector.select(WAIT_SECONDS)
                if not ready:
                    missing = Counter(key.data[1] for key in selector.get_map().values())
                    raise WrongAnswer(f"no answer for {WAIT_SECONDS:.0f} seconds; missing by port: {missing}")
                for key, _ in ready:
                    number, port, connection = key.data
                    answer = _receive(connection)
                    if answer == b"":
                        continue
                    selector.unregister(connection.socket)
                    if answer is None:
                        connection.socket.close()
                    else:
                        self._free[port].append(connection)
                    yield number, answer

    def close(self, port: int) -> None:
        """Close all connections to this port."""
        for connection in self._free.pop(port, ()):
            connection.socket.close()

    def close_all(self) -> None:
        """Close all connections."""
        for port in list(self._free):
            self.close(port)

    def _take(self, port: int) -> Connection:
        free = self._free[port]
        return free.pop() if free else Connection("127.0.0.1", port)


def _receive(connection: Connection) -> bytes | None:
    """The answer; nothing if it isn't whole yet; None if the connection has ended."""
    try:
        return connection.receive()
    except (WrongAnswer, ConnectionError):
        return None


@contextmanager
def kept_connections() -> Iterator[KeptConnections]:
    """Connections for the block, for which this process may open as many files as it is ever allowed: 1024 are common, and too few."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    connections = KeptConnections()
    try:
        yield connections
    finally:
        connections.close_all()
        resource.setrlimit(resource.RLIMIT_NOFILE, (least, most))
