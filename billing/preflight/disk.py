"""The folder of a worker's send logs, on this machine."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from billing.platform.live_checks import privacy_fault
from billing.preflight.check_result import CheckResult, no, ok, warn
from billing.preflight.context import Preflight

MB = 1_000_000
TOO_FULL, NEARLY_FULL = 100 * MB, 1000 * MB
"""A newsletter to a million readers notes some 25 MB."""


def disk(given: Preflight) -> Iterator[CheckResult]:
    """Whether the folder can be used and has room. Only workers need it: run this on their machines."""
    if not given.settings.journal_dir:
        yield warn("BILLING_JOURNAL_DIR is empty: what is sent is noted among temporary files")
        return
    folder = Path(given.settings.journal_dir)
    if fault := privacy_fault(folder):
        yield no(f"{folder} {fault}")
        return
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield no(
            f"{there} can't be written by this user: make {folder} for the worker's user, with chmod 700"
        )
        return
    yield room(folder, shutil.disk_usage(there).free)


def room(folder: Path, free: int) -> CheckResult:
    """Whether so many free bytes are enough."""
    words = f"{free // MB} MB are free for {folder}"
    if free < TOO_FULL:
        return no(f"{words}: newsletters stop where nothing can be noted")
    return warn(f"{words}: make room soon") if free < NEARLY_FULL else ok(words)
