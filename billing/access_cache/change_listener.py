"""Listens to the database's change notifications. They count as complete for a second at a time, as long as our echo returns."""

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import sql

from billing.platform.database_address import connection_parameters
from billing.platform.logs import LogThrottle
from billing.platform.monotonic import Monotonic

CHANNEL = "access"
ECHO_SECONDS = 0.25
"""Between two echoes of our own."""
LEASE = 1.0
"""Seconds for which an echo that returned keeps the cache fresh, from when it was sent. Notifications come in the order of the
commits: what was committed before the echo was sent has arrived before it, so no entry is older than this."""
PATIENCE = 3.0
"""Seconds after which a missing echo means that the connection is dead."""
NAME = "masthead: listens for access"
"""Of this connection at the database."""
LISTENING = "listening for what changes"
CUT = "the line that listens is cut"
log = logging.getLogger("billing.access_cache")


class NoEcho(Exception):
    """Our own notifications don't return."""


class ChangeListener:
    """One direct connection that listens. Calls `invalidate` with each notification and `on_disconnect` when it is cut."""

    def __init__(
        self,
        address: str,
        invalidate: Callable[[str], None],
        on_disconnect: Callable[[], None],
        monotonic: Monotonic,
    ) -> None:
        self.address = address
        self.invalidate = invalidate
        self.on_disconnect = on_disconnect
        self.on_echo: Callable[[], None] = lambda: None
        """Called in the event loop with each echo of our own: all that was committed before it has been reported, or never will be."""
        self.name = f"access_{secrets.token_hex(8)}"
        """The channel of our echoes, on which only we notify."""
        self.cuts = 0
        """How often it was cut; the number also names the present connection."""
        self.lag = 0.0
        """Seconds that our last echo took."""
        self.fresh_until = 0.0
        """Monotonic. Until then every change committed a second ago has been reported."""
        self._seconds = monotonic.seconds
        self._throttle = LogThrottle(monotonic)
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    @property
    def is_fresh(self) -> bool:
        """Whether every change committed a second ago has been reported."""
        return self._seconds() < self.fresh_until

    async def listen(self) -> None:
        """Listen for ever; reconnect when cut.

        In a thread of its own: a busy event loop would see its echo late, distrust the cache, and be busier for it.
        Notifications are handled in the loop, in order."""
        loop, stop = asyncio.get_running_loop(), threading.Event()
        thread = threading.Thread(target=self._attend, args=(loop, stop), name="access line", daemon=True)
        thread.start()
        try:
            await loop.create_future()
        finally:
            stop.set()
            self.fresh_until = 0.0

    async def catch_up(self, connection: psycopg.AsyncConnection) -> bool:
        """Wait until every change committed before this call has been reported; False if it wasn't. `connection`: any other."""
        if not self.is_fresh:
            return False
        word = f"w{secrets.token_hex(6)}"
        returned = self._waiting[word] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PATIENCE):
                await connection.execute("SELECT pg_notify(%s, %s)", (self.name, word))
                return bool(await returned)
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(word, None)

    def _attend(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        def post(work: Callable[..., None], *given: object) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(work, *given)

        while not stop.is_set():
            try:
                self._listen(post, stop)
            except NoEcho:
                self._throttle.error(log, f"{CUT}: our own words don't come back")
            except (psycopg.Error, OSError) as error:
                log.warning(CUT, exc_info=error)
            finally:
                post(self._cut)
            stop.wait(ECHO_SECONDS)

    def _listen(self, post: Callable[..., None], stop: threading.Event) -> None:
        with psycopg.connect(autocommit=True, **connection_parameters(self.address, NAME)) as connection:
            for channel in (CHANNEL, self.name):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            if self._throttle.is_due(LISTENING):
                log.info(LISTENING)
            sent = returned = self._seconds()
            while not stop.is_set():
                sent = self._seconds()
                connection.execute("SELECT pg_notify(%s, %s)", (self.name, repr(sent)))
                for notice in connection.notifies(timeout=ECHO_SECONDS):
                    post(self._on_notice, notice)
                    returned = self._seconds() if notice.channel == self.name else returned
                if sent - returned > PATIENCE:
                    raise NoEcho

    def _on_notice(self, notice: psycopg.Notify) -> None:
        if notice.channel != self.name:
            self.invalidate(notice.payload)
        elif notice.payload in self._waiting:
            self._waiting.pop(notice.payload).set_result(True)
        elif not notice.payload.startswith("w"):  # else a late echo of `catch_up`, which holds no time
            sent = float(notice.payload)
            self.lag = self._seconds() - sent
            self.fresh_until = sent + LEASE
            self.on_echo()

    def _cut(self) -> None:
        self.fresh_until = 0.0
        self.cuts += 1
        for returned in self._waiting.values():
            if not returned.done():
                returned.set_result(False)
        self.on_disconnect()
