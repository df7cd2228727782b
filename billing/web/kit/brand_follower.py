"""Keeps the publisher of a web process as it is in the database, so that no page asks for the brand."""

import asyncio
import logging

import sqlalchemy as sa

from billing.brand.publisher import Publisher
from billing.platform.db import Database
from billing.platform.logs import LogThrottle

KIND = "brand"
"""The kind of fact, as notifications name it."""
log = logging.getLogger("billing.brand")


class BrandFollower:
    """Reads the brand when a change is reported, and after each time in which none could be. Until it has, pages show the last one."""

    def __init__(self, publisher: Publisher, database: Database, throttle: LogThrottle) -> None:
        self._publisher, self._database, self._throttle = publisher, database, throttle
        self._is_stale = True  # it may have changed between the start, which read it, and the first echo
        self._reading: asyncio.Future[None] | None = None

    def invalidate(self, kind: str) -> None:
        """The brand may have changed. An empty kind stands for any, while nothing more is reported. In the event loop."""
        if not kind or kind == KIND:
            self._is_stale = True
        if kind == KIND:
            self.on_echo()

    def on_echo(self) -> None:
        """Changes are reported: read the brand, if it may have changed. In the event loop, some times a second."""
        if self._is_stale and (self._reading is None or self._reading.done()):
            self._is_stale = False  # before the read: a change that is reported during it asks for another
            self._reading = asyncio.get_running_loop().run_in_executor(None, self._read)

    def _read(self) -> None:
        try:
            with self._database.transaction() as session:
                self._publisher.refresh(session)
        except sa.exc.SQLAlchemyError:
            self._is_stale = True
            self._throttle.error(log, "the brand can't be read")
