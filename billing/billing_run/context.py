"""What a billing run works with, and what it says it did."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from billing.acquirer.gateway_health import HealthByName, health_of_all
from billing.acquirer.registry import Acquirers
from billing.platform.db import Database
from billing.platform.db_errors import took_too_long
from billing.platform.monotonic import Monotonic
from billing.platform.site import Site

BATCH = 256
"""How many are worked on in one transaction at most."""
LOOK_AGAIN = timedelta(hours=1)
"""What can't be worked on waits this long, so that it never holds up the others."""
T = TypeVar("T")


@dataclass
class RunReport:
    """What a run did: a count for each word, and what could not be done, with the reason."""

    counts: Counter[str] = field(default_factory=Counter)
    stuck: dict[str, str] = field(default_factory=dict)

    def done(self) -> int:
        """How many things happened."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class RunContext:
    """What a run works with."""

    database: Database
    acquirers: Acquirers
    site: Site
    pause_after: int
    concurrency: int = 8
    got_on: Callable[[], None] = lambda: None
    """Called each time a run has done something, and when it has finished."""

    @property
    def monotonic(self) -> Monotonic:
        """The clock that the run is paced by."""
        return self.acquirers.monotonic

    def health(self, at: datetime) -> AbstractContextManager[HealthByName]:
        """What listens to each acquirer's answers, for as long as the block lasts."""
        return health_of_all(self.database, self.acquirers, at, self.pause_after)


def in_halves(
    do: Callable[[Sequence[T]], None], on: Sequence[T], give_up: Callable[[T, Exception], None]
) -> None:
    """Do it for all of them at once; where that breaks, for each half, and so on down to the one that breaks it, which is given
    up. `do` is a transaction, so that what breaks has done nothing."""
    try:
        do(on)
    except Exception as problem:
        if len(on) == 1:
            give_up(on[0], problem)
            return
        middle = len(on) // 2
        in_halves(do, on[:middle], give_up)
        in_halves(do, on[middle:], give_up)


@contextmanager
def unless_locked() -> Iterator[None]:
    """Do without what is in the block where somebody else has the row locked: the next run looks at it again, and a locked row
    holds up no other."""
    try:
        yield
    except sa.exc.OperationalError as error:
        if not took_too_long(error):
            raise
