"""The line on which the database tells what changed. It is believed for a second at a time: as long as our own words come back."""

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

from billing.platform.logs import LogThrottle
from billing.platform.monotonic import Monotonic

CHANNEL = "access"
BEAT = 0.25
"""Seconds between two words of our own."""
LEASE = 1.0
"""Seconds from saying a word for which the line is believed once it was heard. What was committed before it was said has
been heard before it, so nothing in memory is older than this, whatever becomes of the line."""
PATIENCE = 3.0
"""Seconds after which a word that doesn't come back means that the line is cut."""
KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "application_name": "masthead: listens for access",
}
LISTENING = "listening for what changes"
CUT = "the line that listens is cut"
log = logging.getLogger("billing.access_cache")


class Unheard(Exception):
    """Our own words don't come back."""


class Line:
    """One direct connection that listens. `hear` is called with each notification, `lose` when the line was cut."""

    def __init__(
        self, address: str, hear: Callable[[str], None], lose: Callable[[], None], monotonic: Monotonic
    ) -> None:
        self.address = address
        self.hear = hear
        self.lose = lose
        self.name = f"access_{secrets.token_hex(8)}"
        """Our own channel, on which only we speak."""
        self.cuts = 0
        """How often it was cut; a number that names the present connection."""
        self.lag = 0.0
        """Seconds that our last word took to come back."""
        self.believed_until = 0.0
        """To when, by the monotonic clock, all that was committed a second before has been heard."""
        self._seconds = monotonic.seconds
        self._throttle = LogThrottle(monotonic)
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    @property
    def is_up(self) -> bool:
        """Whether all that was committed a second ago has been heard."""
        return self._seconds() < self.believed_until

    async def listen(self) -> None:
        """Listen for ever; connect again when the line is cut.

        In a thread of its own: a loop that is busy would hear its own words late, believe nothing, and be busier for it.
        What is heard is done in the loop, in the order in which it came."""
        loop, stop = asyncio.get_running_loop(), threading.Event()
        thread = threading.Thread(target=self._attend, args=(loop, stop), name="access line", daemon=True)
        thread.start()
        try:
            await loop.create_future()
        finally:
            stop.set()
            self.believed_until = 0.0

    async def catch_up(self, connection: psycopg.AsyncConnection) -> bool:
        """Wait until all that was committed before this call has been heard; whether it was. `connection`: any other one."""
        if not self.is_up:
            return False
        word = f"w{secrets.token_hex(6)}"
        heard = self._waiting[word] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PATIENCE):
                await connection.execute("SELECT pg_notify(%s, %s)", (self.name, word))
                return bool(await heard)
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(word, None)

    def _attend(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        def post(work: Callable[..., None], *given: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                loop.call_soon_threadsafe(work, *given)

        while not stop.is_set():
            try:
                self._listen(post, stop)
            except Unheard:
                self._throttle.error(log, f"{CUT}: our own words don't come back")
            except (psycopg.Error, OSError) as error:
                log.warning(CUT, exc_info=error)
            finally:
                post(self._cut)
            stop.wait(BEAT)

    def _listen(self, post: Callable[..., None], stop: threading.Event) -> None:
        with psycopg.connect(self.address, autocommit=True, **KEEPALIVE) as connection:
            for channel in (CHANNEL, self.name):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            if self._throttle.is_due(LISTENING):
                log.info(LISTENING)
            said = heard = self._seconds()
            while not stop.is_set():
                said = self._seconds()
                connection.execute("SELECT pg_notify(%s, %s)", (self.name, repr(said)))
                for notice in connection.notifies(timeout=BEAT):
                    post(self._heard, notice)
                    heard = self._seconds() if notice.channel == self.name else heard
                if said - heard > PATIENCE:
                    raise Unheard

    def _heard(self, notice: psycopg.Notify) -> None:
        if notice.channel != self.name:
            self.hear(notice.payload)
        elif notice.payload in self._waiting:
            self._waiting.pop(notice.payload).set_result(True)
        elif not notice.payload.startswith("w"):
            said = float(notice.payload)
            self.lag = self._seconds() - said
            self.believed_until = said + LEASE

    def _cut(self) -> None:
        self.believed_until = 0.0
        self.cuts += 1
        for heard in self._waiting.values():
            if not heard.done():
                heard.set_result(False)
        self.lose()
