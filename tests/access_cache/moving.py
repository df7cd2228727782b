"""Fifty changes a second to readers who start, pay, cancel and withdraw, by the code of pages and worker:
`python -m tests.access_cache.moving`.

It prints a line of JSON for each change: reader, begin, commit, the expected access reason afterwards, and the kind of change."""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from billing.platform.db import Database
from tests.access_cache.random_changes import ReaderChanges

A_SECOND = 50
AT_ONCE = 6


@dataclass
class Movers:
    """The changing readers. `newcomers` have only an account, `reading` have access, `paid` have paid here and have access, `gone`
    have none any more."""

    changes: ReaderChanges
    newcomers: list[int]
    reading: list[int]
    paid: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def move(self) -> str:
        """Make one random change. Its reader is taken from the lists, so that no other thread changes them meanwhile."""
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
        """Make the change; return the expected access reason afterwards, and the list the reader belongs to."""
        if change == "start":
            self.changes.start(whose)
            return "trial", self.reading
        if change == "pay":
            self.changes.pay(self.changes.subscribe(whose))
            return "subscription", random.choice((self.paid, self.reading))
        if change == "cancel":
            self.changes.cancel(whose)
        else:
            self.changes.withdraw(whose)
        return "subscribe", self.gone


def _in_time(seconds: float) -> Iterator[None]:
    """Yield A_SECOND times a second, evenly."""
    began = time.monotonic()
    for number in range(int(seconds * A_SECOND)):
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        yield


def main() -> None:
    """`moving.py URL SECONDS FIRST MOVING NEWCOMERS`: from reader FIRST on, MOVING readers with access and NEWCOMERS without."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    first, moving, newcomers = map(int, sys.argv[3:])
    readers = list(range(first, first + moving + newcomers))
    changes = ReaderChanges(Database(url, pool_size=2 * AT_ONCE))
    movers = Movers(changes, newcomers=readers[moving:], reading=readers[:moving])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        under_way = [threads.submit(movers.move) for _ in _in_time(seconds)]
        for change in under_way:
            print(change.result(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
