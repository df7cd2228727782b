"""Readers who start, pay, cancel and withdraw, fifty a second, through the code that pages and the worker call:
`python -m tests.access_cache.moving`.

Of each deed a line of JSON: whose, when it began, when it was committed, and by which reason the reader reads from then on."""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from billing.platform.db import Database
from tests.access_cache.random_changes import Deeds

A_SECOND = 50
AT_ONCE = 6


@dataclass
class Movers:
    """`newcomers` have an account and no subscription; of all others who move, some read, some of them have paid here, and
    some read no more."""

    random_changes: Deeds
    newcomers: list[int]
    reading: list[int]
    paid: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def move(self) -> str:
        """One deed by one reader, whom nobody else moves meanwhile."""
        with self._lock:
            change, whose = self._choose()
        began = time.monotonic()
        expected, then = self._do(change, whose)
        done = time.monotonic()
        with self._lock:
            then.append(whose)
        return json.dumps([whose, began, done, expected, change])

    def _choose(self) -> tuple[str, int]:
        kinds = {"start": self.newcomers, "pay": self.gone, "cancel": self.reading, "withdraw": self.paid}
        change = random.choice([kind for kind, readers in kinds.items() if readers])
        readers = kinds[change]
        return change, readers.pop(random.randrange(len(readers)))

    def _do(self, change: str, whose: int) -> tuple[str, list[int]]:
        """By which reason they read from then on, and where they belong."""
        if change == "start":
            self.random_changes.start(whose)
            return "trial", self.reading
        if change == "pay":
            self.random_changes.pay(self.random_changes.subscribe(whose))
            return "subscription", random.choice((self.paid, self.reading))
        if change == "cancel":
            self.random_changes.cancel(whose)
        else:
            self.random_changes.withdraw(whose)
        return "subscribe", self.gone


def _in_time(seconds: float) -> Iterator[None]:
    """So many deeds a second, evenly."""
    began = time.monotonic()
    for number in range(int(seconds * A_SECOND)):
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        yield


def main() -> None:
    """`moving.py URL SECONDS FIRST MOVING NEWCOMERS`: readers from FIRST on, so many who read at first, and so many who don't."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    first, moving, newcomers = map(int, sys.argv[3:])
    readers = list(range(first, first + moving + newcomers))
    random_changes = Deeds(Database(url, pool_size=2 * AT_ONCE))
    movers = Movers(random_changes, newcomers=readers[moving:], reading=readers[:moving])
    with ThreadPoolExecutor(AT_ONCE) as hands:
        under_way = [hands.submit(movers.move) for _ in _in_time(seconds)]
        for change in under_way:
            print(change.result(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
