"""The verdicts: a file of JSON lines to go on from, and a table for people."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.judge import Verdict

_HEADINGS = ("id", "subject", "kind", "place", "verdict", "first failing test", "seconds")


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """What an earlier run wrote, by the id of the mutant; a last line cut short is dropped."""
    found: dict[str, Verdict] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            verdict = Verdict(**json.loads(line))
        except (ValueError, TypeError):
            continue
        found[verdict.id] = verdict
    return found


def append_verdict(path: Path, verdict: Verdict) -> None:
    """Add a line."""
    cut_short = path.exists() and not path.read_text().endswith("\n") and path.stat().st_size > 0
    with path.open("a") as file:
        file.write(("\n" if cut_short else "") + json.dumps(verdict.as_json(), ensure_ascii=False) + "\n")


def table(verdicts: Sequence[Verdict]) -> str:
    """All verdicts, a line each, then the counts and the diffs of the survivors."""
    rows = [_HEADINGS, *map(_row, verdicts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    survivors = [one for one in verdicts if one.survived]
    lines += [
        "",
        f"{len(verdicts)} mutants: {len(verdicts) - len(survivors)} killed, {len(survivors)} survived",
    ]
    for one in survivors:
        lines += ["", f"survivor {one.id}", one.diff.rstrip()]
    return "\n".join(lines)


def _row(one: Verdict) -> tuple[str, ...]:
    return (one.id, one.subject, one.kind, one.place, one.verdict, one.test, f"{one.seconds:.1f}")
