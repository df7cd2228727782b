"""`make test`: format, lint, types and migrations are checked beside the tests, not before them.

Run as `python -m tests.checks [arguments for pytest]`. Each check says how it ended as soon as it has; the exit status is 1 when
anything failed. pytest's own summary comes last."""

import os
import subprocess
import sys
from dataclasses import dataclass
from threading import Thread

from billing.monotonic import SystemMonotonic

PROCESSES = 3
"""Of tests, on two cores: each waits for its database now and then."""
BESIDE: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "migrations against tables": ["billing.cli", "check-migrations"],
}


@dataclass
class Beside:
    """Checks one after the other in a thread; `failed` are their names."""

    failed: list[str]

    def run(self) -> None:
        """Say what each found."""
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
    """On lines of its own, between pytest's dots."""
    sys.stdout.write(f"\n{words}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run the tests, and everything else beside them."""
    beside = Beside([])
    thread = Thread(target=beside.run)
    thread.start()
    command = [sys.executable, "-m", "pytest", "-n", str(PROCESSES), "-m", "not prove", *arguments]
    if os.environ.get("CI"):
        command += ["--cov", "--cov-report=term:skip-covered"]
    tests = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    thread.join()
    if beside.failed:
        say(f"FAILED: {', '.join(beside.failed)} (see above)")
    return tests or bool(beside.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
