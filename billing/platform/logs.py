"""The log holds no readers' addresses, tokens or card numbers, and one event is one line (SEC-9).

`log_event` logs what happened to money, sign-ins and standing after the commit, with the request's id and network. Mail and
network addresses become keyed names: the same address has the same name, and only the installation's keys tell whose it is
(`billing log-name`). `billing/docs/logs.md` lists every line."""

import ipaddress
import json
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

from billing.platform.db import LOG_LINES, PARTS
from billing.platform.db_errors import first_line, is_away, is_pool_full
from billing.platform.monotonic import Monotonic, SystemMonotonic
from billing.platform.setting_types import LogFormat, LogLevel
from billing.platform.tokens import Tokens, without_secrets
from billing.rules import networks
from billing.rules.card_numbers import without_card_numbers

NOISY = ("httpx", "httpcore", "stripe", "apscheduler", "uvicorn.access")
POOL = "psycopg.pool"
"""It warns of each try to reconnect; the code that needs a connection logs its own error."""
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
# The end leaves out what `network_of` has named already: a line of `log_event` is made discreet once more when it is written.
_NETWORK_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]*)(?![\w:]|\.\d|/\d\d-[b-t]{12})"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The request being answered: its id, and functions that find its network address and its trace (W3C Trace Context)."""

    id: str
    address: Callable[[], str]
    trace: Callable[[], str] = str
    """Empty where the request has none."""


REQUEST: ContextVar[RequestOrigin | None] = ContextVar("request", default=None)
"""None in the worker."""
NAMES = "log-name"
NAME_LETTERS = 12
"""Length of a keyed name: 48 bits, so that two of a million readers hardly share one."""
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")
"""No digits, which could look like a card number, and no vowels, which could make words."""


class _Namer:
    """Makes keyed names; one a process. Until `set_naming_keys` its names are this process's own."""

    def __init__(self) -> None:
        self.tokens = Tokens(secrets.token_hex(32))


_namer = _Namer()


class Discreet(logging.Formatter):
    """Formats a record without personal data; a traceback keeps its lines, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it a traceback."""
        return discreet(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Escape control characters, so that a line break in an address can't forge a second line."""
        record.message = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", record.message)
        return super().formatMessage(record)

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802 - the library's name
        """The traceback, indented, so that none of its lines can pass for an event."""
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())


class DiscreetJson(Discreet):
    """Formats a record as a JSON object on one line, in ASCII, as discreet as text."""

    def format(self, record: logging.LogRecord) -> str:
        """The object. What it quotes is made discreet before JSON escapes it, so that an address has the same name in both forms."""
        line: dict[str, object] = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": discreet(record.getMessage()),
        }
        if origin := REQUEST.get():
            facts = {"request": origin.id, "from": network_of(origin.address()), "trace": origin.trace()}
            line |= {name: discreet(value) for name, value in facts.items() if value}
        line |= getattr(record, PARTS, {})
        if record.exc_info:
            # not indented as in text: JSON escapes line breaks, so none of its lines can pass for an event
            line["exception"] = discreet(logging.Formatter.formatException(self, record.exc_info))
        return json.dumps(line)


class LogThrottle:
    """Lets each message through once a minute. One a process."""

    EVERY_SECONDS = 60

    def __init__(self, monotonic: Monotonic) -> None:
        self._seconds = monotonic.seconds
        self._logged_at: dict[str, float] = {}

    def error(self, log: logging.Logger, words: str) -> None:
        """Log these words, unless they were logged within the last minute."""
        if self.is_due(words):
            log.error(words)

    def is_due(self, words: str) -> bool:
        """Whether these words are due. If so, they count as logged."""
        now = self._seconds()
        if now - self._logged_at.get(words, -math.inf) < self.EVERY_SECONDS:
            return False
        self._logged_at[words] = now
        return True


class AwayOnce(logging.Filter):
    """Limits errors that every request, tick and listener meets many times a second, to one a minute.

    A database that is away becomes a line without a traceback. A full pool is a fault of this process, so it is logged in
    full. This filter sits on the handler, where all records pass."""

    def __init__(self, monotonic: Monotonic) -> None:
        super().__init__()
        self._throttle = LogThrottle(monotonic)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record. One about an absent database becomes a line."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or not is_away(error):
            return error is None or not is_pool_full(error) or self._throttle.is_due("full")
        if not self._throttle.is_due("away"):
            return False
        record.msg, record.args = f"{record.getMessage()}: the database is away ({first_line(error)})", ()
        record.exc_info = record.exc_text = None
        return True


def log_event(session: Session, what: str, **facts: object) -> None:
    """Log an event after the commit of its transaction; never after a rollback.

    Facts are ids, amounts in cents and the actor. One that is None or empty is left out. The request's id and network are added."""
    known = {name: discreet(str(value)) for name, value in facts.items() if value not in (None, "")}
    words = [f"{name}={value}" for name, value in known.items()]
    line = " ".join(filter(None, [what, *words, of_request()]))
    session.info.setdefault(LOG_LINES, []).append((line, {"event": what, "facts": known}))


def discreet(text: str) -> str:
    """The text without tokens, card numbers and addresses. The same address gets the same name, so it can be followed."""
    kept = _NETWORK_ADDRESS.sub(_public_network, without_card_numbers(without_secrets(text)))
    # the pattern is slow, and the lines of a billing run hold no address
    return _ADDRESS.sub(lambda found: name_of(found.group()), kept) if "@" in kept else kept


def of_request() -> str:
    """The request's id, network and trace, as the end of a line. Empty in the worker."""
    origin = REQUEST.get()
    if origin is None:
        return ""
    trace = origin.trace()
    return f"request={origin.id} from={network_of(origin.address())}" + (f" trace={trace}" if trace else "")


def set_naming_keys(tokens: Tokens) -> None:
    """Make names with the installation's keys from now on."""
    _namer.tokens = tokens


def name_of(address: str) -> str:
    """The keyed name of a mail address."""
    return f"address-{_keyed_name(address.strip().lower())}"


def network_of(address: str) -> str:
    """The name of a network address: its /24 (IPv6: /48), which shows the network but no household, and a keyed name of the
    whole."""
    found = networks.normal(address)
    if found == networks.UNKNOWN:
        return found
    network = ipaddress.ip_network((found, networks.SITE if ":" in found else 24), strict=False)
    return f"{network}-{_keyed_name(found)}"


def _keyed_name(value: str) -> str:
    return _namer.tokens.list_digest(NAMES, value)[:NAME_LETTERS].translate(_LETTERS)


def _public_network(found: re.Match[str]) -> str:
    """Addresses of this machine and of private networks are the installation's own, so they stay."""
    try:
        address = ipaddress.ip_address(found.group())
    except ValueError:
        return found.group()  # a time of day, a version
    return network_of(found.group()) if address.is_global else found.group()


def log_to_stderr(form: LogFormat = LogFormat.TEXT, level: LogLevel = LogLevel.INFO) -> None:
    """Log everything from a level on, and only warnings of noisy libraries."""
    handler = to_stream(sys.stderr, SystemMonotonic(), form)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.root.level))
    logging.getLogger(POOL).setLevel(logging.ERROR)


def to_stream(stream: TextIO, monotonic: Monotonic, form: LogFormat = LogFormat.TEXT) -> logging.Handler:
    """The handler for the log of a process."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DiscreetJson() if form is LogFormat.JSON else Discreet(LINE))
    handler.addFilter(AwayOnce(monotonic))
    Discreet.converter = time.gmtime  # one time for all machines: UTC
    return handler
