"""What the log may hold: no addresses of readers, no tokens, no card numbers; and one event is one line (SEC-9).

What happened to money, sign-ins and standing is told by `say`, when it is committed, with the id of the request it came with
and the network it came from. People and network addresses go by keyed names: the same one has the same name, and only who
holds the installation's keys can tell whose it is (`billing log-name`). `billing/docs/logs.md` lists every line."""

import ipaddress
import logging
import math
import re
import secrets
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TextIO

from sqlmodel import Session

from billing.platform.db import SAID, first_line, is_away, is_pool_full
from billing.platform.monotonic import Monotonic, SystemMonotonic
from billing.platform.tokens import Tokens, without_secrets
from billing.rules import networks
from billing.rules.card_numbers import without_card_numbers

NOISY = ("httpx", "httpcore", "stripe", "apscheduler", "uvicorn.access")
POOL = "psycopg.pool"
"""It warns of each try to connect again; who needs a connection says so."""
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
_NETWORK_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]*)(?![\w:]|\.\d|/\d\d-[b-t]{12})"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The request that is being answered: its id, and how to find the network address it came from."""

    id: str
    address: Callable[[], str]


REQUEST: ContextVar[RequestOrigin | None] = ContextVar("request", default=None)
"""None in the worker."""
NAMES = "log-name"
NAME_LETTERS = 12
"""Of a keyed name: 48 bits, so that among a million readers hardly two share one."""
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")
"""No digits, in which a card number could be seen, and no vowels, of which words are made."""


class _Namer:
    """Gives keyed names. One a process, as the log is; until the installation's keys are known its names are of this process alone."""

    def __init__(self) -> None:
        self.tokens = Tokens(secrets.token_hex(32))


_namer = _Namer()


class Discreet(logging.Formatter):
    """Writes a record so that it may leave the machine; the traceback of an error keeps its lines, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it the traceback if there is one."""
        return discreet(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Nobody writes a second line into the log by putting a line break into an address."""
        record.message = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", record.message)
        return super().formatMessage(record)

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802 - the library's name
        """The traceback, indented: no line of it can pass for an event."""
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())


class LogThrottle:
    """Repeats an error that lasts once a minute, however often it is found. One a process."""

    EVERY_SECONDS = 60

    def __init__(self, monotonic: Monotonic) -> None:
        self._seconds = monotonic.seconds
        self._logged_at: dict[str, float] = {}

    def error(self, log: logging.Logger, words: str) -> None:
        """Log these words, unless that was done within the minute."""
        if self.is_due(words):
            log.error(words)

    def is_due(self, words: str) -> bool:
        """Whether these words weren't logged within the minute. Then it counts as done."""
        now = self._seconds()
        if now - self._logged_at.get(words, -math.inf) < self.EVERY_SECONDS:
            return False
        self._logged_at[words] = now
        return True


class AwayOnce(logging.Filter):
    """While the database is away each request, tick and listener of the process finds out by itself, many times a second: one
    line a minute says it, without a traceback. A pool of connections that is full is found out as often, and is a fault of this
    process: it is logged in full, once a minute. It stands where all records pass, so that none can be forgotten."""

    def __init__(self, monotonic: Monotonic) -> None:
        super().__init__()
        self._throttle = LogThrottle(monotonic)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written; one that says that the database is away becomes a line."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or not is_away(error):
            return error is None or not is_pool_full(error) or self._throttle.is_due("full")
        if not self._throttle.is_due("away"):
            return False
        record.msg, record.args = f"{record.getMessage()}: the database is away ({first_line(error)})", ()
        record.exc_info = record.exc_text = None
        return True


def log_event(session: Session, what: str, **facts: object) -> None:
    """Log what happened, once the transaction it happened in is committed; never when it is undone.

    Facts are ids, amounts in cents, and who acted; the request adds itself; a fact that is None or empty is left out."""
    words = [f"{name}={discreet(str(value))}" for name, value in facts.items() if value not in (None, "")]
    words += [request] if (request := of_request()) else []
    session.info.setdefault(SAID, []).append(" ".join([what, *words]))


def discreet(text: str) -> str:
    """The text without token, card number or address; the same address leaves the same few letters, so it can be followed."""
    kept = _NETWORK_ADDRESS.sub(_public_network, without_card_numbers(without_secrets(text)))
    # the pattern is tried at every letter, and the lines of a billing run hold no address
    return _ADDRESS.sub(lambda found: name_of(found.group()), kept) if "@" in kept else kept


def of_request() -> str:
    """The words that end a line about a request: its id, and the network it came from. Empty in the worker."""
    origin = REQUEST.get()
    return "" if origin is None else f"request={origin.id} from={network_of(origin.address())}"


def named_by(tokens: Tokens) -> None:
    """Give names under the installation's key from now on."""
    _namer.tokens = tokens


def name_of(address: str) -> str:
    """The name by which the log knows a mail address."""
    return f"address-{_keyed_name(address.strip().lower())}"


def network_of(address: str) -> str:
    """The name by which the log knows a network address: its /24 (IPv6: /48), which says whose network it is and nobody's
    household, and a keyed name of the whole."""
    found = networks.normal(address)
    if found == networks.UNKNOWN:
        return found
    network = ipaddress.ip_network((found, networks.SITE if ":" in found else 24), strict=False)
    return f"{network}-{_keyed_name(found)}"


def _keyed_name(value: str) -> str:
    return _namer.tokens.list_digest(NAMES, value)[:NAME_LETTERS].translate(_LETTERS)


def _public_network(found: re.Match[str]) -> str:
    """Addresses of this machine and of private networks are the installation's own, and stay."""
    try:
        address = ipaddress.ip_address(found.group())
    except ValueError:
        return found.group()  # an hour, a version
    return network_of(found.group()) if address.is_global else found.group()


def log_to_stderr() -> None:
    """Everything from INFO on, and of chatty libraries what is a warning."""
    logging.basicConfig(level=logging.INFO, handlers=[to_stream(sys.stderr, SystemMonotonic())], force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger(POOL).setLevel(logging.ERROR)


def to_stream(stream: TextIO, monotonic: Monotonic) -> logging.Handler:
    """What writes the log of a process."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Discreet(LINE))
    handler.addFilter(AwayOnce(monotonic))
    Discreet.converter = time.gmtime  # one time for all machines: UTC
    return handler
