"""The demo's folder: data that is kept between starts, and demo.json for other programs while it runs."""

import contextlib
import json
import os
import random
import secrets
import shlex
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from billing.dev.folder_lock import FolderTaken, take
from billing.platform.errors import RefusesToStart

LOOPBACK = "127.0.0.1"
OTHER_FOLDER = "Choose another folder with DATA=..., or make this one yours."


def _token() -> str:
    return secrets.token_urlsafe(36)


@dataclass(frozen=True, slots=True)
class Kept:
    """Secrets and ports that are made at the first start and kept, so that old mails' links and the sandbox's key stay valid."""

    secret_key: str = field(default_factory=_token)
    stripe_secret_key: str = field(default_factory=lambda: f"sk_test_sandbox_{secrets.token_hex(16)}")
    webhook_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(24)}")
    sandbox_port: int = 0
    smtp_port: int = 0

    def with_free_ports(self) -> Self:
        """The same ports as last time if they are free, else others."""
        ports = free_ports(self.sandbox_port, self.smtp_port)
        return type(self)(self.secret_key, self.stripe_secret_key, self.webhook_secret, *ports)


class DemoFolder:
    """A demo folder, locked until `close()`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.mailbox = self.path / "mailbox"
        self.sandbox = self.path / "sandbox.jsonl"
        self.postgres = self.path / "postgres"
        self.card = self.path / "demo.json"
        self.environment = self.path / "demo.env"
        self._kept = self.path / "kept.json"
        try:
            for folder in (self.path, self.logs, self.mailbox):
                folder.mkdir(parents=True, exist_ok=True)
            self.lock: IO[str] = take(self.path / "lock")
        except FolderTaken as error:
            raise RefusesToStart(
                f"A demo is running on {self.path} already. Stop it first, or choose another folder with DATA=..."
            ) from error
        except OSError as error:
            raise RefusesToStart(f"Cannot write to {self.path}: {_words(error)}. {OTHER_FOLDER}") from error
        self.remove_cards()

    def keep(self) -> Kept:
        """Read the kept values, or make them at the first start. Their ports are free."""
        try:
            known = json.loads(self._kept.read_text()) if self._kept.exists() else {}
            kept = Kept(**known).with_free_ports()
        except (ValueError, TypeError) as error:
            raise RefusesToStart(
                f"{self._kept} cannot be read. Restore it, or move {self.path} away to begin anew."
            ) from error
        _write_private(self._kept, json.dumps(asdict(kept), indent=2))
        return kept

    def put_card(self, card: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Write demo.json and demo.env: the addresses, and the settings for the `billing` command. They mean that the demo is ready."""
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
        _write_private(self.environment, "".join(lines))
        _write_private(self.card, json.dumps(card, indent=2) + "\n")

    def remove_cards(self) -> None:
        """Remove both files, because the demo doesn't answer any more."""
        for path in (self.card, self.environment):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove both files and unlock the folder."""
        self.remove_cards()
        self.lock.close()


NOT_EPHEMERAL = range(20_000, 32_000)
"""Ports that no system assigns by itself, so a port stays free between the check and its use."""
_CHANCE = random.SystemRandom()
"""Not to be seeded: two processes that begin alike would choose the same port at the same moment."""


def read_port(value: int | str) -> int:
    """The port as a number; 0 means any free one. Raises RefusesToStart."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise RefusesToStart(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def free_port(port: int) -> int:
    """The port, or for 0 any free one. Raises RefusesToStart if it can't be used."""
    try:
        with contextlib.ExitStack() as open_sockets:
            return _listen(port, open_sockets) if port else _free_port(0, open_sockets)
    except OSError as error:
        raise RefusesToStart(
            f"Port {port} cannot be used: {_words(error)}. Choose another one, as in: make demo PORT=8080"
        ) from error


def free_ports(*kept: int) -> list[int]:
    """Different ports: the kept ones where they are free, else others; 0 means any."""
    with contextlib.ExitStack() as open_sockets:
        return [_free_port(port, open_sockets) for port in kept]


def _free_port(kept: int, open_sockets: contextlib.ExitStack) -> int:
    """The kept port, else one of NOT_EPHEMERAL, else any free port."""
    for port in (*filter(None, [kept]), *_CHANCE.sample(NOT_EPHEMERAL, 20)):
        with contextlib.suppress(OSError):
            return _listen(port, open_sockets)
    return _listen(0, open_sockets)


def _listen(port: int, open_sockets: contextlib.ExitStack) -> int:
    listening = open_sockets.enter_context(socket.socket())
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((LOOPBACK, port))
    listening.listen()
    number: int = listening.getsockname()[1]
    return number


def _write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable only by its owner, because it contains keys."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
        writing.write(text)
    unfinished.replace(path)


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
