"""The one refusal of the embedded PostgreSQL."""

from pathlib import Path

from billing.platform.errors import RefusesToStart

START_OVER = "Restore it from a backup, or move the folder away to begin anew."


class PostgresRefused(RefusesToStart):
    """The embedded PostgreSQL cannot start; the message says why and what to do."""


def words(error: OSError) -> str:
    """The system's error message, as one clause."""
    where = f" ({error.filename})" if error.filename else ""
    return f"{(error.strerror or str(error)).lower()}{where}"


def last_words(log: Path) -> str:
    """The log line that explains why its writer ended."""
    marks = ("FATAL:", "PANIC:", "error:")
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if any(mark in line for mark in marks)]
    chosen = (errors or lines or ["no reason given"])[-1]
    for mark in marks:
        chosen = chosen.rpartition(mark)[2]
    return chosen.strip().rstrip(".")
