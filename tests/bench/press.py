"""A client that sends requests of subscribers without a pause until it is ended: `press.py URL CONNECTIONS READERS`."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.load_client import LoadClient
from tests.bench.requests import SUBSCRIBED, Ask, access_line, signed_in

BUT_ONE = 1
"""The first reader's rights change meanwhile."""


@contextmanager
def pressing(url: str, connections: int, readers: int) -> Iterator[None]:
    """Run the client for the length of the block."""
    command = [sys.executable, "-m", "tests.bench.press", url, str(connections), str(readers)]
    asking = subprocess.Popen(command)
    try:
        yield
        if asking.poll() is not None:
            raise RuntimeError("the client has stopped")
    finally:
        asking.kill()
        asking.wait()


def main() -> None:
    """`press.py URL CONNECTIONS READERS`."""
    url, connections, readers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    browsers = [signed_in(number) for number in range(BUT_ONE, readers)]

    def asks() -> Iterator[Ask]:
        while True:
            yield Ask(access_line("article-1"), random.choice(browsers), SUBSCRIBED)

    LoadClient(url, connections=connections).at_full(asks())


if __name__ == "__main__":
    main()
