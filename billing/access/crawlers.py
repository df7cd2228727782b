"""Proof that a request comes from Google's own crawler: by the domain name system, both ways, or by Google's list (PW-3).

Whatever goes wrong proves nothing: then the crawler is given what a stranger is given."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from billing.rules.crawlers import BadList, IpAddress, IpNetwork, is_among, is_name, networks

YES, NO, UNKNOWN = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=1)
"""How long a verdict is kept."""
MOST_KEPT = 10_000
"""Verdicts of each kind; those asked for longest ago go first, and no crowd of strangers pushes a proved one out."""
AT_ONCE = 8
"""Questions under way, and requests that wait for one: what comes on top of that isn't asked about, and proves nothing."""
PATIENCE_SECONDS = 3.0
"""What a request waits. The answer is kept for the next one, even if it comes later."""
MOST_NAMES = 3
"""Names of one address that are asked back: whoever owns an address can give it thousands."""
log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The domain name system said nothing, neither yes nor no."""


class Names(Protocol):
    """The port to the domain name system. Both raise NoAnswer, and answer within seconds."""

    def names_of(self, address: IpAddress) -> list[str]:
        """What the owner of the address calls it (PTR); none is an empty list."""

    def addresses_of(self, name: str) -> list[IpAddress]:
        """Where the owner of the name says it is (A, AAAA)."""


class Proof(Protocol):
    """Whether a network address is one of Google's own crawlers'."""

    def proves(self, address: IpAddress, at: datetime) -> bool:
        """Never raises. May wait for some seconds, so it is asked in a thread."""


class Nobody:
    """The option is off: nothing proves anything."""

    def proves(self, address: IpAddress, at: datetime) -> bool:  # noqa: ARG002 - the port's shape
        """No."""
        return False


class ByList:
    """By Google's list of its networks, a file that an operator keeps fresh; it is read again when it changes."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, BadList."""
        self.path = path
        self._read: tuple[int, tuple[IpNetwork, ...]] = (-1, ())
        self._networks()

    def proves(self, address: IpAddress, at: datetime) -> bool:  # noqa: ARG002 - the port's shape
        """Whether the list holds it. A list that can't be read any more holds nobody."""
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


class ByNames:
    """By reverse and forward lookup: the address has a crawler's name, and that name, asked in turn, has the address."""

    def __init__(
        self,
        names: Names,
        *,
        most: int = MOST_KEPT,
        at_once: int = AT_ONCE,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.names = names
        self._kept = {verdict: _Kept(most) for verdict in (True, False)}
        self._lock = threading.Lock()
        self._asked: dict[IpAddress, Future[bool]] = {}
        self._at_once = at_once
        self.patience = patience
        self._places = threading.BoundedSemaphore(at_once)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="crawlers")

    def proves(self, address: IpAddress, at: datetime) -> bool:
        """By the verdict that is kept, or by asking. Two requests of one address ask once."""
        with self._lock:
            for verdict, kept in self._kept.items():
                if kept.holds(address, at):
                    return verdict
            asked = self._asked.get(address) or self._ask(address, at)
        if asked is None or not self._places.acquire(blocking=False):
            return False
        try:
            return asked.result(self.patience)
        except TimeoutError:
            return False
        finally:
            self._places.release()

    def _ask(self, address: IpAddress, at: datetime) -> Future[bool] | None:
        if len(self._asked) >= self._at_once:
            return None
        asked = self._asked[address] = self._pool.submit(self._judge, address, at)
        return asked

    def _judge(self, address: IpAddress, at: datetime) -> bool:
        verdict, life = False, UNKNOWN
        try:
            verdict = self._look(address)
            life = YES if verdict else NO
        except NoAnswer:
            log.warning("the domain name system doesn't say whose %s is", address)
        except Exception:
            log.exception("asking whose %s is broke", address)
        finally:
            with self._lock:
                self._kept[verdict].keep(address, at + life)
                del self._asked[address]
        return verdict

    def _look(self, address: IpAddress) -> bool:
        named = [name for name in self.names.names_of(address) if is_name(name)]
        return any(address in self.names.addresses_of(name) for name in named[:MOST_NAMES])


class _Kept:
    """Verdicts with their ends; no more than so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._until: OrderedDict[IpAddress, datetime] = OrderedDict()

    def holds(self, address: IpAddress, at: datetime) -> bool:
        until = self._until.get(address)
        if until is None:
            return False
        if not until - YES <= at < until:  # the held clock of a demo may begin anew, before what is kept
            del self._until[address]
            return False
        self._until.move_to_end(address)
        return True

    def keep(self, address: IpAddress, until: datetime) -> None:
        self._until[address] = until
        self._until.move_to_end(address)
        while len(self._until) > self._most:
            self._until.popitem(last=False)


def proof_of(setting: str, names: Callable[[], Names]) -> Proof:
    """What a setting asks for: empty: nobody; `dns`; else the path of a list. Raises OSError, BadList."""
    if not setting:
        return Nobody()
    return ByNames(names()) if setting == "dns" else ByList(Path(setting))
