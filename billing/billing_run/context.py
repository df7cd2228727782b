"""What a billing run works with, and its report."""

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
from billing.platform.site import Site

BATCH = 256
"""The most subscriptions of one transaction."""
STUCK_FOR = timedelta(hours=1)
"""How long a failing subscription or attempt waits, so that it never holds up the others."""
T = TypeVar("T")


@dataclass
class RunReport:
    """What a run did: a count for each word, and what failed, with the reason."""

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

    def health(self, at: datetime) -> AbstractContextManager[HealthByName]:
        """The health of each acquirer, which listens to its answers while the block lasts."""
        return health_of_all(self.database, self.acquirers, at, self.pause_after)


def in_halves(
    do: Callable[[Sequence[T]], None], on: Sequence[T], give_up: Callable[[T, Exception], None]
) -> None:
    """Do it for all at once. Where that fails, do it for each half, and so on down to the single one that fails: `give_up`
    gets that. `do` must be one transaction, so that a failure has done nothing."""
    try:
        do(on)
    except Exception as problem:
        if len(on) == 1:
            return give_up(on[0], problem)
        middle = len(on) // 2
        in_halves(do, on[:middle], give_up)
        in_halves(do, on[middle:], give_up)


@contextmanager
def unless_locked() -> Iterator[None]:
    """Leave the block where another process has locked its row: the next run tries again, so one row holds up no other."""
    try:
        yield
    except sa.exc.OperationalError as error:
        if not took_too_long(error):
            raise
