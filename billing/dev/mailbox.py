"""The demo's mailbox: an SMTP server on loopback that stores each mail as a file, and functions that read the folder."""

import asyncio
import contextlib
import re
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import click
from aiosmtpd.smtp import Envelope

from billing.dev.fake_smtp import GREYLISTED, FakeSmtp

GREYLIST = "greylist"
"""While a file of this name is in the folder, the server greylists: it accepts each mail only at its second try."""
LETTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file in a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A received mail. `at` is its Date header, which follows the product's clock; `raw` are its bytes."""

    id: str
    at: datetime
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    enclosures: tuple[Enclosure, ...]
    raw: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, compared without case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def links(self) -> list[str]:
        """The URLs in the text part, in order."""
        return re.findall(r"https?://[^\s<>\"]+", self.text)


def read(folder: Path | str, to: str | None = None, limit: int = 200) -> list[ReceivedMail]:
    """The newest `limit` letters in `folder`, by Date and then by arrival: all, or those `to` one address.

    Other files, unfinished ones and files removed meanwhile are skipped. A missing folder counts as empty.
    """
    address = to.strip().casefold() if to else None
    envelopes = [
        envelope for envelope in _envelopes(Path(folder)) if address is None or address in envelope.recipients
    ]
    envelopes.sort(key=lambda envelope: (envelope.at, envelope.path.stem), reverse=True)
    letters = (_opened(envelope) for envelope in envelopes[:limit])
    return [letter for letter in letters if letter is not None]


def find(folder: Path | str, letter_id: str) -> ReceivedMail | None:
    """The letter with this id, or None."""
    if not LETTER_ID.fullmatch(letter_id):
        return None
    path = Path(folder) / f"{letter_id}.eml"
    try:
        return parse(letter_id, path.read_bytes(), arrived=_moment(path.stat().st_mtime))
    except OSError:
        return None


def parse(letter_id: str, raw: bytes, *, arrived: datetime) -> ReceivedMail:
    """Parse a mail. `arrived` replaces a missing or unreadable Date."""
    message = message_from_bytes(raw, policy=default)
    headers = tuple((name, _value(name, text)) for name, text in message.raw_items())
    first = {name.lower(): value for name, value in reversed(headers)}
    return ReceivedMail(
        id=letter_id,
        at=_date(first.get("date")) or arrived,
        sender=_address(first.get("from", "")),
        recipient=_address(first.get("to", "")),
        subject=first.get("subject", ""),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers=headers,
        enclosures=_enclosures(message),
        raw=raw,
    )


@dataclass(frozen=True, slots=True)
class _Envelope:
    path: Path
    version: tuple[int, int]
    at: datetime
    recipients: frozenset[str]


def _envelopes(folder: Path) -> Iterator[_Envelope]:
    with contextlib.suppress(OSError):
        for path in folder.glob("*.eml"):
            if not LETTER_ID.fullmatch(path.stem):
                continue
            with contextlib.suppress(OSError):
                found = path.stat()
                yield _envelope(path, (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=50_000)
def _envelope(path: Path, version: tuple[int, int]) -> _Envelope:
    """The envelope of one file, cached by its version (modification time, size)."""
    with path.open("rb") as file:
        head = BytesHeaderParser().parse(file)
    to = [str(value) for value in head.get_all("To", [])]
    return _Envelope(
        path=path,
        version=version,
        at=_date(str(head.get("Date", ""))) or _moment(version[0] / 1e9),
        recipients=frozenset(address.casefold() for _, address in getaddresses(to) if address),
    )


@lru_cache(maxsize=1_000)
def _opened(envelope: _Envelope) -> ReceivedMail | None:
    try:
        return parse(envelope.path.stem, envelope.path.read_bytes(), arrived=envelope.at)
    except OSError:
        return None


def _value(name: str, text: str) -> str:
    """Parse one header by itself, so that an unreadable one doesn't affect the others."""
    try:
        return str(default.header_fetch_parse(name, text))
    except (ValueError, LookupError, AttributeError, MessageError):
        return ""


def _body(message: EmailMessage, subtype: str) -> str:
    try:
        part = message.get_body(preferencelist=(subtype,))
    except (ValueError, LookupError, AttributeError, MessageError):
        return ""
    if part is None or part.get_content_subtype() != subtype:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (ValueError, LookupError, AttributeError, MessageError):
        content = part.get_payload(decode=True)
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _enclosures(message: EmailMessage) -> tuple[Enclosure, ...]:
    found = []
    with contextlib.suppress(ValueError, LookupError, AttributeError, MessageError):
        for part in message.iter_attachments():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                found.append(Enclosure(part.get_filename("file"), part.get_content_type(), content))
    return tuple(found)


def _date(value: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(value or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _address(value: str) -> str:
    return next((address for _, address in getaddresses([value]) if address), "")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def greylists(folder: Path) -> bool:
    """Whether the server of this folder greylists."""
    return (folder / GREYLIST).exists()


def let_greylist(folder: Path, on: bool) -> None:
    """Switch greylisting on or off, from the next mail on."""
    if on:
        (folder / GREYLIST).touch()
    else:
        (folder / GREYLIST).unlink(missing_ok=True)


class MailboxServer(FakeSmtp):
    """Stores each mail as a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._deferred: set[str] = set()
        """The Message-IDs of greylisted mails."""

    def take(self, envelope: Envelope) -> str:
        """Store the mail. A full disk, as greylisting, defers it, so that no mail is lost."""
        raw = bytes(envelope.original_content or b"")
        if greylists(self._folder) and self._is_new(raw):
            return GREYLISTED
        try:
            keep(self._folder, raw)
        except OSError as problem:
            return f"451 4.3.0 cannot keep the mail: {problem.strerror or 'unknown'}"
        return "250 2.0.0 kept"

    def _is_new(self, raw: bytes) -> bool:
        name = str(BytesHeaderParser().parse(BytesIO(raw)).get("Message-ID", ""))
        new = name not in self._deferred
        self._deferred.add(name)
        return new


def keep(folder: Path, raw: bytes) -> str:
    """Store one mail and return its letter id; ids sort by arrival."""
    letter_id = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    unfinished = folder / f".{letter_id}.tmp"
    try:
        unfinished.write_bytes(raw)
        unfinished.replace(folder / f"{letter_id}.eml")
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return letter_id


async def serve(port: int, folder: Path) -> None:
    """Listen on loopback until SIGTERM or SIGINT; port 0 takes a free port. Prints one line when ready."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    folder.mkdir(parents=True, exist_ok=True)
    server = await loop.create_server(MailboxServer(folder).conversation, "127.0.0.1", port)
    bound = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"mailbox ready at smtp://127.0.0.1:{bound}, keeping mail in {folder}\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()  # not waited for: an open connection would delay the end


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), required=True, help="Port on 127.0.0.1; 0 takes a free one."
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder that keeps the mail."
)
def main(port: int, folder: Path) -> None:
    """Take mail on loopback and keep each one as a file."""
    try:
        asyncio.run(serve(port, folder))
    except OSError as problem:
        raise click.ClickException(
            f"the mailbox cannot start on port {port} with {folder}: {problem.strerror}"
        ) from None


if __name__ == "__main__":
    main()
