"""Child processes that run and end together."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from billing.dev.process_guard import ProcessGuard, group_alive
from billing.platform.errors import RefusesToStart

TICK_SECONDS = 0.05
GRACE_SECONDS = 6.0
READY_SECONDS = 120.0
LAST_LINES = 5

Ended = int | None  # an exit status; None: still running


class AskedToStop(Exception):
    """Somebody wants us to stop."""


class ChildEnded(RefusesToStart):
    """A child that should run has ended; the message says which, how, and its last words."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child process that runs until it is stopped."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]


class Children:
    """Starts, watches and ends children. Each has its own session and log."""

    def __init__(self, logs: Path, guard: ProcessGuard, asked_to_stop: Callable[[], bool]) -> None:
        self._logs = logs
        self._guard = guard
        self._asked_to_stop = asked_to_stop
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._watched: dict[str, tuple[Callable[[], Ended], Path]] = {}

    def start(self, child: Child) -> None:
        """Start a child. If it ends, all are stopped."""
        running = self._running[child.name] = self._spawn(child)
        self.watch(child.name, running.poll, self._log(child))

    def watch(self, name: str, poll: Callable[[], Ended], log: Path) -> None:
        """Watch a process that was started elsewhere like a child."""
        self._watched[name] = (poll, log)

    def run(self, child: Child) -> str:
        """Run a child to its end; return its stdout. Raises `ChildEnded` if it fails."""
        with tempfile.TemporaryFile() as answer:
            running = self._running[child.name] = self._spawn(child, answer.fileno())
            while running.poll() is None:
                self.tick()
            del self._running[child.name]
            self._guard.forget(running.pid)
            if running.returncode:
                raise ChildEnded(_obituary(child.name, running.returncode, self._log(child), lines=1))
            answer.seek(0)
            return answer.read().decode()

    def await_ready(self, checks: Mapping[str, Callable[[], bool]]) -> None:
        """Wait until every check is true. Raises `ChildEnded` if a child ends or takes longer than READY_SECONDS."""
        waiting = dict(checks)
        until = time.monotonic() + READY_SECONDS
        while waiting:
            self.tick()
            waiting = {name: check for name, check in waiting.items() if not check()}
            if time.monotonic() > until:
                raise ChildEnded(
                    f"{' and '.join(waiting)} did not answer within {READY_SECONDS:.0f} s; the logs are in {self._logs}."
                )

    def tick(self) -> None:
        """Wait TICK_SECONDS. Raises `AskedToStop`, or `ChildEnded` if a watched process has ended."""
        if self._asked_to_stop():
            raise AskedToStop
        for name, (poll, log) in self._watched.items():
            status = poll()
            if status is not None:
                raise ChildEnded(_obituary(name, status, log, lines=LAST_LINES))
        time.sleep(TICK_SECONDS)

    def stop(self, *names: str) -> None:
        """End these children (all if none is named) and their descendants: SIGTERM, then SIGKILL."""
        ending = [self._running.pop(name) for name in names or tuple(self._running) if name in self._running]
        for child in ending:
            _signal(child, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until and any(_lives(child) for child in ending):
            time.sleep(TICK_SECONDS / 5)
        for child in ending:
            _signal(child, signal.SIGKILL)
            child.wait()
            self._guard.forget(child.pid)

    def _log(self, child: Child) -> Path:
        return self._logs / f"{child.name}.log"

    def _spawn(self, child: Child, stdout: int | None = None) -> subprocess.Popen[bytes]:
        log = self._log(child)
        with contextlib.suppress(FileNotFoundError):
            log.replace(log.with_suffix(".old.log"))
        with log.open("wb") as writing:
            return subprocess.Popen(
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=writing if stdout is None else stdout,
                stderr=writing,
                env=child.env,
                start_new_session=True,
                preexec_fn=self._guard.preexec(),  # safe after fork: it only writes to a pipe
            )


def _lives(child: subprocess.Popen[bytes]) -> bool:
    return child.poll() is None or group_alive(child.pid)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _obituary(name: str, status: int, log: Path, *, lines: int) -> str:
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-lines:]
    if not last:
        return f"{name} {how} and left no word in {log}."
    if lines == 1:
        return f"{name} {how}: {last[0].strip()} (the log is {log})"
    return "\n  ".join([f"{name} {how}. The end of {log}:", *last])
