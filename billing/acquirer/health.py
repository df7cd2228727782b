"""Listens to what Stripe answers during one run: begins and ends the pause, and slows down when we are too fast."""

import threading
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from billing.acquirer import breaker
from billing.acquirer.port import NotTaken, Unknown
from billing.acquirer.rate_limit import Lane, Pace
from billing.platform.db import Database

SLOW_DOWN = timedelta(seconds=2)
"""Nothing goes out for so long after a 429 that names no time."""


class Watch:
    """One for a run, told of each outcome by its threads. `paused` is set as soon as charging is."""

    def __init__(self, database: Database, pace: Pace, at: datetime, pause_after: int) -> None:
        self.database = database
        self.paused = threading.Event()
        self.told = False
        """Whether anything was sent, or asked, that says whether Stripe is there."""
        self._pace = pace
        self._at = at
        self._pause_after = pause_after
        with database.transaction() as session:
            row = session.get(breaker.ChargingPause, breaker.THE_ROW)
            self._troubled = row is not None and row.failures > 0

    def lane(self) -> AbstractContextManager[Lane]:
        """A place among the runs that share the pace."""
        return self._pace.lane(self.database)

    def note(self, outcome: object) -> None:
        """Take an outcome into account. While all is well this asks the database nothing."""
        doubt = outcome if isinstance(outcome, Unknown) else None
        refused = breaker.refused(outcome) is not None
        if (doubt is not None and doubt.unlisted) or (isinstance(outcome, NotTaken) and outcome.again):
            return
        self.told = True
        if doubt is not None and doubt.busy:
            self._pace.hold_back(doubt.wait or SLOW_DOWN)
        if not self._troubled and not refused and (doubt is None or not doubt.down):
            return
        with self.database.transaction() as session:
            breaker.note(session, outcome, self._at, pause_after=self._pause_after)
            self._troubled = refused or doubt is not None
            if breaker.paused(session) is not None:
                self.paused.set()
            else:
                self.paused.clear()
