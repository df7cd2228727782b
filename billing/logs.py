"""What the log may hold: no addresses of readers, no tokens, no card numbers; and one event is one line (SEC-9)."""

import hashlib
import logging
import re
import sys

from billing.rules.card_numbers import without_card_numbers
from billing.tokens import without_secrets

NOISY = ("httpx", "httpcore", "stripe", "apscheduler", "uvicorn.access")
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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


def discreet(text: str) -> str:
    """The text without token, card number or address; the same address leaves the same few letters, so it can be followed."""
    return _ADDRESS.sub(_pseudonym, without_card_numbers(without_secrets(text)))


def _pseudonym(address: re.Match[str]) -> str:
    return f"address-{hashlib.sha256(address.group().lower().encode()).hexdigest()[:8]}"


def log_to_stderr() -> None:
    """Everything from INFO on, and of chatty libraries what is a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet(LINE))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
