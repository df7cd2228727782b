"""Watches the answers of acquirers during one run: begins and ends pauses, and slows down when we are too fast."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

from billing.acquirer import breaker
from billing.acquirer.answers import NotTaken, Unknown
from billing.acquirer.port import Gateway
from billing.acquirer.rate_limit import RateSlot
from billing.acquirer.registry import Acquirers
from billing.platform.db import Database

SLOW_DOWN = timedelta(seconds=2)
"""How long nothing goes out after a 429 that names no time."""


class GatewayHealth:
    """One for a run and an acquirer. The run's threads note each outcome; `paused` is set while charging is paused."""

    def __init__(
        self, database: Database, gateway: Gateway, slot: RateSlot, at: datetime, pause_after: int
    ) -> None:
        self.gateway = gateway
        self.slot = slot
        self.paused = threading.Event()
        self.answered = False
        """Whether any call of this run showed whether the acquirer is there."""
        self._database = database
        self._at = at
        self._pause_after = pause_after
        with database.transaction() as session:
            row = session.get(breaker.ChargingPause, gateway.name)
            self._troubled = row is not None and row.failures > 0

    def note(self, outcome: object) -> None:
        """Count an outcome. While all is well this needs no database query."""
        doubt = outcome if isinstance(outcome, Unknown) else None
        refused = breaker.refused(outcome) is not None
        # no charge was sent now, so this neither counts as a failure nor ends a pause
        if (doubt is not None and doubt.unlisted_since) or (isinstance(outcome, NotTaken) and outcome.again):
            return
        self.answered = True
        if doubt is not None and doubt.busy:
            self.slot.limiter.hold_back(doubt.wait or SLOW_DOWN)
        if not self._troubled and not refused and (doubt is None or not doubt.down):
            return
        name = self.gateway.name
        with self._database.transaction() as session:
            breaker.note(session, name, outcome, self._at, pause_after=self._pause_after)
            self._troubled = refused or doubt is not None
            if breaker.paused(session, name) is not None:
                self.paused.set()
            else:
                self.paused.clear()


HealthByName = Mapping[str, GatewayHealth]
"""By acquirer."""


@contextmanager
def health_of_all(
    database: Database, acquirers: Acquirers, at: datetime, pause_after: int
) -> Iterator[HealthByName]:
    """Health of each acquirer, with a slot among the runs that share its rate, while the block lasts."""
    with ExitStack() as slots:
        yield {
            gateway.name: GatewayHealth(
                database,
                gateway,
                slots.enter_context(acquirers.rate_limiter(gateway.name).slot(database)),
                at,
                pause_after,
            )
            for gateway in acquirers
        }
