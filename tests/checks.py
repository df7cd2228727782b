"""`make test`: run the tests, and at the same time check format, lint, types and migrations.

Run as `python -m tests.checks [arguments for pytest]`. Each check reports its result when it ends; pytest's summary comes last. The
exit status is 1 if anything failed. If CI is set, coverage is measured too and must reach a floor."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from billing.platform.monotonic import SystemMonotonic

PROCESSES = 3
"""Test processes on two cores: each waits for its database at times."""
FLOOR = 95.8
"""Percent of lines and branches, in the rooms that pyproject.toml names under [tool.slipcover]."""
BESIDE: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "migrations against tables": ["billing.cli", "check-migrations"],
}


@dataclass
class Beside:
    """Runs the checks in a thread, one after the other. `failed` holds the names of those that failed."""

    failed: list[str]

    def run(self) -> None:
        """Run all checks and report each."""
        clock = SystemMonotonic()
        for name, command in BESIDE.items():
            began = clock.seconds()
            found = subprocess.run(
                [sys.executable, "-m", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            took = f"{clock.seconds() - began:.0f} s"
            if found.returncode == 0:
                say(f"== {name}: clean ({took})")
            else:
                self.failed.append(name)
                say(f"== {name}: FAILED ({took})\n{found.stdout}{found.stderr}".rstrip())


def say(words: str) -> None:
    """Print on separate lines, between pytest's dots."""
    sys.stdout.write(f"\n{words}\n")
    sys.stdout.flush()


def run_tests(arguments: list[str], *before: str) -> int:
    """Run pytest, under the program `before` if given; return its exit status."""
    pytest = ["-m", "pytest", "-n", str(PROCESSES), "-m", "not prove", *arguments]
    return subprocess.run([sys.executable, *before, *pytest], stdin=subprocess.DEVNULL).returncode


def measure_coverage(arguments: list[str]) -> int:
    """Run the tests with slipcover, which costs nothing. coverage.py would take half as long again on Python 3.11."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "coverage.json"
        failed = run_tests(arguments, "-m", "slipcover", "--json", "--out", str(found))
        coverage: dict[str, Any] = json.loads(found.read_bytes()) if found.exists() else {}
    return failed or judge(coverage)


def judge(coverage: dict[str, Any]) -> int:
    """Print uncovered lines; return 1 if coverage is below the floor."""
    from slipcover import print_coverage

    print_coverage(coverage, skip_covered=True, missing_width=60)
    percent = coverage["summary"]["percent_covered"]
    say(f"== coverage of lines and branches: {percent:.2f} % (the floor is {FLOOR} %)")
    return int(percent < FLOOR)


def main(arguments: list[str]) -> int:
    """Run the tests and all checks; return the exit status."""
    beside = Beside([])
    thread = Thread(target=beside.run)
    thread.start()
    failed = measure_coverage(arguments) if os.environ.get("CI") else run_tests(arguments)
    thread.join()
    if beside.failed:
        say(f"FAILED: {', '.join(beside.failed)} (see above)")
    return failed or bool(beside.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
