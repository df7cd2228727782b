"""Proof that a request comes from Google's crawler: by reverse and forward DNS, or by Google's list (PW-3).

Any failure proves nothing, and the crawler gets what an anonymous visitor gets."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from billing.dev.paper.googlebot_rules import BadList, IpAddress, IpNetwork, is_among, is_name, networks

YES, NO, UNKNOWN = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=1)
"""How long a verdict is cached."""
MOST_KEPT = 10_000
"""Cached verdicts of each kind, so that many strangers never evict a proved crawler."""
AT_ONCE = 8
"""Lookups under way, and requests that wait for one. Requests beyond that prove nothing."""
PATIENCE_SECONDS = 3.0
"""How long a request waits. A later answer is cached for the next request."""
MOST_NAMES = 3
"""Names looked up for one address: its owner can give it thousands."""
log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """DNS gave no answer."""


class Dns(Protocol):
    """The port to DNS. Both methods answer within seconds and raise NoAnswer."""

    def names_of(self, address: IpAddress) -> list[str]:
        """The names that the address's owner gives it (PTR); may be empty."""

    def addresses_of(self, name: str) -> list[IpAddress]:
        """The addresses that the name's owner gives it (A, AAAA)."""


class Proof(Protocol):
    """Whether a network address is one of Google's own crawlers'."""

    def proves(self, address: IpAddress, at: datetime) -> bool:
        """Never raises. May block for some seconds: call it in a thread."""


class NoProof:
    """The option is off."""

    def proves(self, address: IpAddress, at: datetime) -> bool:  # noqa: ARG002 - the port's shape
        """No."""
        return False


class ProofByList:
    """By Google's list of networks, a file that an operator keeps fresh. Reread when it changes."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, BadList."""
        self.path = path
        self._read: tuple[int, tuple[IpNetwork, ...]] = (-1, ())
        self._networks()

    def proves(self, address: IpAddress, at: datetime) -> bool:  # noqa: ARG002 - the port's shape
        """Whether the list has it. An unreadable list has none."""
        try:
            return is_among(address, self._networks())
        except (OSError, UnicodeError, BadList) as error:
            log.error("the list of crawlers can't be read, so nobody is taken for one: %s", error)
            return False

    def _networks(self) -> tuple[IpNetwork, ...]:
        changed = self.path.stat().st_mtime_ns
        if self._read[0] != changed:
            self._read = changed, networks(self.path.read_text("utf-8"))
        return self._read[1]


class ProofByNames:
    """By DNS both ways: the address has a crawler's name, and that name has the address."""

    def __init__(
        self,
        names: Dns,
        *,
        most: int = MOST_KEPT,
        at_once: int = AT_ONCE,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.names = names
        self._kept = {verdict: _Verdicts(most) for verdict in (True, False)}
        self._lock = threading.Lock()
        self._pending: dict[IpAddress, Future[bool]] = {}
        self._at_once = at_once
        self.patience = patience
        self._places = threading.BoundedSemaphore(at_once)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="crawlers")

    def proves(self, address: IpAddress, at: datetime) -> bool:
        """By a cached verdict or a lookup, which concurrent requests for one address share."""
        with self._lock:
            for verdict, kept in self._kept.items():
                if kept.holds(address, at):
                    return verdict
            lookup = self._pending.get(address) or self._start_lookup(address, at)
        if lookup is None or not self._places.acquire(blocking=False):
            return False
        try:
            return lookup.result(self.patience)
        except TimeoutError:
            return False
        finally:
            self._places.release()

    def _start_lookup(self, address: IpAddress, at: datetime) -> Future[bool] | None:
        if len(self._pending) >= self._at_once:
            return None
        lookup = self._pending[address] = self._pool.submit(self._judge, address, at)
        return lookup

    def _judge(self, address: IpAddress, at: datetime) -> bool:
        verdict, life = False, UNKNOWN
        try:
            verdict = self._look_up(address)
            life = YES if verdict else NO
        except NoAnswer:
            log.warning("the domain name system doesn't say whose %s is", address)
        except Exception:
            log.exception("asking whose %s is broke", address)
        finally:
            with self._lock:
                self._kept[verdict].keep(address, at + life)
                del self._pending[address]
        return verdict

    def _look_up(self, address: IpAddress) -> bool:
        named = [name for name in self.names.names_of(address) if is_name(name)]
        return any(address in self.names.addresses_of(name) for name in named[:MOST_NAMES])


class _Verdicts:
    """Verdicts with their ends, least recently used first; bounded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._until: OrderedDict[IpAddress, datetime] = OrderedDict()

    def holds(self, address: IpAddress, at: datetime) -> bool:
        until = self._until.get(address)
        if until is None:
            return False
        if not until - YES <= at < until:  # a demo's held clock may restart before what is cached
            del self._until[address]
            return False
        self._until.move_to_end(address)
        return True

    def keep(self, address: IpAddress, until: datetime) -> None:
        self._until[address] = until
        self._until.move_to_end(address)
        while len(self._until) > self._most:
            self._until.popitem(last=False)


def proof_of(setting: str, names: Callable[[], Dns]) -> Proof:
    """The proof that the setting names: empty for none, `dns`, or the path of a list. Raises OSError, BadList."""
    if not setting:
        return NoProof()
    return ProofByNames(names()) if setting == "dns" else ProofByList(Path(setting))
