"""Run pytest in a copy of the tree, in a process group of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from billing.platform.monotonic import Monotonic

NOTHING_TO_RUN = 5
PAUSE_SECONDS = 0.02
GRACE_SECONDS = 20.0
_PYTEST = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
"""Restore SIGINT: a background job ignores it, its children inherit that, and no fixture would clean up."""
OPTIONS = ("-x", "-q", "-rfE", "--tb=line", "-p", "no:cacheprovider")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a pytest run."""

    code: int | None
    """None if it exceeded its time limit."""
    output: str

    @property
    def passed(self) -> bool:
        """Whether every test passed, or there were none."""
        return self.code in (0, NOTHING_TO_RUN)

    @property
    def first_failed(self) -> str:
        """The first failed test, or the file that couldn't be imported; empty if pytest itself didn't start."""
        found = _FAILED.search(self.output)
        return found[1] if found else ""

    @property
    def last_words(self) -> str:
        """The last line that names an error."""
        lines = [line.strip() for line in self.output.splitlines() if "Error" in line]
        return lines[-1] if lines else f"pytest ended with {self.code}"


RunPytest = Callable[[Path, Sequence[str], float, Monotonic], Outcome]
"""Runs pytest in a tree with these arguments and a limit in seconds."""


def run_pytest(root: Path, arguments: Sequence[str], seconds: float, monotonic: Monotonic) -> Outcome:
    """Run pytest until the first failure or the time limit. Tests import the product below `root`."""
    command = [sys.executable, "-c", _PYTEST, *OPTIONS]
    with tempfile.TemporaryFile(
        "w+", errors="replace"
    ) as output:  # not a pipe, which a stray child would keep open
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=root,
            env=_environment(root),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _wait(process, seconds, monotonic)
        finally:
            _end(process, monotonic)
        output.seek(0)
        return Outcome(code, output.read())


def _environment(root: Path) -> dict[str, str]:
    own = ("PYTEST_XDIST", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return kept | {"PYTHONPATH": str(root), "COLUMNS": "400"}


def _wait(process: subprocess.Popen[bytes], seconds: float, monotonic: Monotonic) -> int | None:
    """The exit status; None after the time limit."""
    until = monotonic.seconds() + seconds
    while (code := process.poll()) is None and monotonic.seconds() < until:
        monotonic.sleep(PAUSE_SECONDS)
    return code


def _end(process: subprocess.Popen[bytes], monotonic: Monotonic) -> None:
    """End the group: first gently, so that fixtures can clean up, then with SIGKILL."""
    for number, patience in _signals(process.poll() is None):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            _wait_for_end(process, patience, monotonic)
    process.wait()


def _signals(runs: bool) -> Iterable[tuple[signal.Signals, float]]:
    if runs:
        yield signal.SIGINT, GRACE_SECONDS
    yield signal.SIGTERM, 1.0
    yield signal.SIGKILL, 1.0


def _wait_for_end(process: subprocess.Popen[bytes], seconds: float, monotonic: Monotonic) -> None:
    """Wait for the group to end: raises ProcessLookupError when it has; returns after the time limit."""
    until = monotonic.seconds() + seconds
    while monotonic.seconds() < until:
        process.poll()
        os.killpg(process.pid, 0)
        monotonic.sleep(PAUSE_SECONDS)
