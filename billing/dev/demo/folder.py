"""The demo's folder: what it keeps from one start to the next, and what it tells other programs while it runs."""

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
    """Made at the first start and kept: links in old mails stay good, and the sandbox knows its key again."""

    secret_key: str = field(default_factory=_token)
    stripe_secret_key: str = field(default_factory=lambda: f"sk_test_sandbox_{secrets.token_hex(16)}")
    webhook_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(24)}")
    sandbox_port: int = 0
    smtp_port: int = 0

    def with_free_ports(self) -> Self:
        """The same ports as last time where they are free, else others."""
        with contextlib.ExitStack() as held:
            ports = [_free_port(wish, held) for wish in (self.sandbox_port, self.smtp_port)]
        return type(self)(self.secret_key, self.stripe_secret_key, self.webhook_secret, *ports)


class DemoFolder:
    """An open demo folder, ours alone until `close()`."""

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
        """What was kept, made at the first start; the ports in it are free now."""
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
        """Tell other programs that we are ready: the addresses, and the settings for the `billing` command."""
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
        _write_private(self.environment, "".join(lines))
        _write_private(self.card, json.dumps(card, indent=2) + "\n")

    def remove_cards(self) -> None:
        """We do not answer any more."""
        for path in (self.card, self.environment):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the card away and give the folder free."""
        self.remove_cards()
        self.lock.close()


QUIET = range(20_000, 32_000)
"""Ports that no system gives away by itself: between our look and the start of what listens there nobody is handed one."""


def read_port(value: int | str) -> int:
    """The port as a number; 0 stands for any free one. Raises RefusesToStart."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise RefusesToStart(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def free_port(port: int) -> int:
    """The port, or for 0 any free one. Raises RefusesToStart when we cannot listen on it."""
    try:
        with contextlib.ExitStack() as held:
            return _listen(port, held) if port else _free_port(0, held)
    except OSError as error:
        raise RefusesToStart(
            f"Port {port} cannot be used: {_words(error)}. Choose another one, as in: make demo PORT=8080"
        ) from error


def _free_port(wish: int, held: contextlib.ExitStack) -> int:
    """The port that was kept, or a quiet one, or, where all that were tried are taken, whichever there is."""
    for port in (*filter(None, [wish]), *random.sample(QUIET, 20)):
        with contextlib.suppress(OSError):
            return _listen(port, held)
    return _listen(0, held)


def _listen(port: int, held: contextlib.ExitStack) -> int:
    listening = held.enter_context(socket.socket())
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((LOOPBACK, port))
    listening.listen()
    number: int = listening.getsockname()[1]
    return number


def _write_private(path: Path, text: str) -> None:
    """All at once or not at all, and for our eyes only: there are keys in it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
        writing.write(text)
    unfinished.replace(path)


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
