"""A guard for child processes: when their owner dies, even by `kill -9`, they are ended too.

A `ProcessGuard` is a pipe to a small watcher process. The owner writes the process group of each child to the pipe. When the pipe
closes, because the owner has ended in any way, the watcher ends all registered groups and removes the registered files and folders.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

GRACE_SECONDS = 5.0
POLL_SECONDS = 0.5


class ProcessGuard:
    """Registers process groups and paths, which `release()` or the owner's death ends and removes.

    The open lock file `lock` stays locked until that is done.
    """

    def __init__(self, lock: IO[str] | None = None) -> None:
        read_end, self._write_end = os.pipe()
        try:
            self._watcher = subprocess.Popen(  # noqa: S603 - our own interpreter and this very file
                [sys.executable, "-I", "-S", __file__, str(os.getpid())],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[lock.fileno()] if lock else [],
                cwd="/",
            )
        finally:
            os.close(read_end)

    def preexec(self, stop_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
        """For `Popen(preexec_fn=..., start_new_session=True)`: the child registers itself before it executes its program, so that it
        can't escape in between."""

        def register() -> None:
            os.write(self._write_end, f"+ {os.getpid()} {int(stop_signal)}\n".encode())

        return register

    def forget(self, group: int) -> None:
        """Remove a group that has ended, because its number may be reused."""
        self._send(f"- {group}")

    def remove_on_exit(self, path: Path) -> None:
        """Remove this file or folder after all groups have ended."""
        self._send(f"r {path}")

    def release(self) -> None:
        """End the registered groups, remove the paths, and wait until that is done."""
        if self._write_end >= 0:
            os.close(self._write_end)
            self._write_end = -1
        self._watcher.wait()

    def _send(self, line: str) -> None:
        if self._write_end >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._write_end, f"{line}\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def group_alive(group: int) -> bool:
    """Whether a process of this group still runs; zombies don't count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    processes = Path("/proc")
    if not (processes / "self" / "stat").exists():
        return True
    return any(_runs_in(group, entry) for entry in processes.iterdir() if entry.name.isdigit())


def _runs_in(group: int, process: Path) -> bool:
    try:
        # "pid (name) state parent group ...": the name may contain spaces and brackets
        state, _parent, its_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return state not in "ZX" and int(its_group) == group


def _watch(owner: int) -> None:
    groups: dict[int, int] = {}
    paths: list[Path] = []
    unread = b""
    while True:
        ready, _, _ = select.select([0], [], [], POLL_SECONDS)
        chunk = os.read(0, 65536) if ready else b""
        *lines, unread = (unread + chunk).split(b"\n")
        for line in lines:
            _register(line.decode(), groups, paths)
        if (ready and not chunk) or os.getppid() != owner:
            break
    _end(groups)
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.unlink()


def _register(line: str, groups: dict[int, int], paths: list[Path]) -> None:
    verb, _, rest = line.partition(" ")
    if verb == "+":
        group, stop_signal = rest.split()
        groups[int(group)] = int(stop_signal)
    elif verb == "-":
        groups.pop(int(rest), None)
    elif verb == "r":
        paths.append(Path(rest))


def _end(groups: dict[int, int]) -> None:
    for group, stop_signal in groups.items():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, stop_signal)
    until = time.monotonic() + GRACE_SECONDS
    while any(map(group_alive, groups)) and time.monotonic() < until:
        time.sleep(0.02)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    _watch(int(sys.argv[1]))
