"""A worker's log, on its own disk, of what it sends, so that a crash leaves few deliveries uncertain (S2).

It writes `S n.` before the final dot of delivery n, and `K n code.` after the answer. Lines survive the process, not the machine.
A full disk can cut a line: each begins with a line end of its own, so that it never joins a cut one, and counts only with its full
stop, so that 250 is never read as 25, nor delivery 12 as delivery 1.
The process locks the file while it sends, because its claim in the database may end earlier, with the connection."""

import errno
import fcntl
import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from billing.platform.errors import RefusesToStart
from billing.platform.live_checks import privacy_fault
from billing.platform.settings import Settings

BOOT = Path("/proc/sys/kernel/random/boot_id")
_LINE = re.compile(r"S (?P<begun>\d+)\.|K (?P<answered>\d+) (?P<code>\d+)\.", re.ASCII)


class SendLog:
    """One run's log. Each line is one write to a file opened for appending, so threads don't mix lines."""

    def __init__(self, folder: Path, run: int) -> None:
        self._path = path_of(folder, run)
        self._file = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def begins(self, number: int) -> None:
        """Log that the relay may have the mail from now on. Raises OSError if that can't be logged."""
        self._write(f"S {number}.")

    def answered(self, number: int, code: int) -> None:
        """Log the relay's answer."""
        with suppress(OSError):  # on a full disk the delivery counts as uncertain, which is safe
            self._write(f"K {number} {code}.")

    def _write(self, line: str) -> None:
        content = f"\n{line}\n".encode()
        # one write, and no second for the rest: another thread's line could come between them
        if os.write(self._file, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))


def folder_of(settings: Settings) -> Path:
    """The folder of the send logs: by default one for each user of this machine."""
    if settings.journal_dir:
        return Path(settings.journal_dir)
    return Path(tempfile.gettempdir()) / f"masthead-journal-{os.getuid()}"


def path_of(folder: Path, run: int) -> Path:
    """The path of a run's log."""
    return folder / f"{run}.journal"


def is_open(folder: Path, run: int) -> bool:
    """Whether the process that writes this log still sends."""
    try:
        file = os.open(path_of(folder, run), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def read(folder: Path, run: int) -> dict[int, int | None] | None:
    """The deliveries that the relay may have, each with its answer's code or None. None if the log is gone."""
    try:
        lines = path_of(folder, run).read_text("ascii", "replace").split("\n")
    except OSError:
        return None
    found: dict[int, int | None] = {}
    for line in lines:
        whole = _LINE.fullmatch(line)
        if whole is None:
            continue
        if whole["begun"]:
            found[int(whole["begun"])] = None
        else:
            found[int(whole["answered"])] = int(whole["code"])
    return found


def delete(folder: Path, run: int) -> None:
    """Delete the log of a settled run."""
    with suppress(OSError):
        path_of(folder, run).unlink()


def place(folder: Path) -> str:
    """The folder's id and this boot of the machine. After a reboot logs may lack their last lines, so they aren't trusted.

    Raises RefusesToStart if the folder can't be written, or if others may write to it and forge lines."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if fault := privacy_fault(folder):
            raise RefusesToStart(f"BILLING_JOURNAL_DIR: {folder} {fault}.")
        name = folder / "place"
        with suppress(FileExistsError):  # a link appears with its content, and only once
            draft = folder / f".place-{secrets.token_hex(4)}"
            draft.write_text(secrets.token_hex(16))
            try:
                os.link(draft, name)
            finally:
                draft.unlink()
        return f"{name.read_text()}/{_boot()}"
    except OSError as problem:
        raise RefusesToStart(
            f"BILLING_JOURNAL_DIR: {folder} can't be made or written ({problem.strerror or problem}). Make it for the worker's"
            " user, closed to others (chmod 700)."
        ) from None


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return "unknown"
