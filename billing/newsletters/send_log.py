"""What a worker notes on its own disk around each final dot, so that its death leaves few rows unknown (S2).

`S n` before the dot of delivery n, `K n code` after the answer. Lines outlive the process, not the machine. The file is locked
for as long as its process sends: a claim can end before that, with its connection to the database."""

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Self

from billing.platform.errors import RefusesToStart
from billing.platform.live_checks import privacy_fault

BOOT = Path("/proc/sys/kernel/random/boot_id")


class Journal:
    """One run's notes. Each line is one write to a file opened for appending, so threads don't mix theirs."""

    def __init__(self, folder: Path, run: int) -> None:
        self._path = path_of(folder, run)
        self._file = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def begins(self, number: int) -> None:
        """From now on the relay may have it. Raises OSError when that can't be noted."""
        os.write(self._file, f"S {number}\n".encode())

    def answered(self, number: int, code: int) -> None:
        """The relay answered."""
        with suppress(OSError):  # a full disk: the row is then held as uncertain, which is the safe side
            os.write(self._file, f"K {number} {code}\n".encode())


def path_of(folder: Path, run: int) -> Path:
    """Where a run's journal is."""
    return folder / f"{run}.journal"


def is_open(folder: Path, run: int) -> bool:
    """Whether the process that writes this journal still sends."""
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
    """The deliveries whose dot may have gone out, with the answer's code or None; None when the journal is gone."""
    try:
        lines = path_of(folder, run).read_text("ascii", "replace").split("\n")
    except OSError:
        return None
    found: dict[int, int | None] = {}
    for words in (line.split() for line in lines):
        if len(words) == 2 and words[0] == "S" and words[1].isdigit():
            found[int(words[1])] = None
        elif len(words) == 3 and words[0] == "K" and words[1].isdigit() and words[2].isdigit():
            found[int(words[1])] = int(words[2])
    return found


def forget(folder: Path, run: int) -> None:
    """Its rows are settled; the notes have done their work."""
    with suppress(OSError):
        path_of(folder, run).unlink()


def place(folder: Path) -> str:
    """Names the folder and this start of the machine. Raises RefusesToStart where it can't be written, or isn't ours alone: what
    another put there would be believed.

    After the machine itself went down the notes may lack their last lines, so they are not trusted then."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if fault := privacy_fault(folder):
            raise RefusesToStart(f"BILLING_JOURNAL_DIR: {folder} {fault}.")
        name = folder / "place"
        with suppress(FileExistsError):
            draft = folder / f".place-{secrets.token_hex(4)}"
            draft.write_text(secrets.token_hex(16))
            try:
                os.link(draft, name)
            finally:
                draft.unlink()
        return f"{name.read_text()}/{_boot()}"
    except OSError as problem:
        raise RefusesToStart(
            f"BILLING_JOURNAL_DIR: {folder} can't be written ({problem.strerror or problem})."
        ) from None


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return "unknown"
