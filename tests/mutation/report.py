"""Store verdicts as JSON lines, to resume a run, and print them for people."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.judge import Verdict

_HEADINGS = ("id", "subject", "kind", "place", "verdict", "first failing test", "seconds")


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """The verdicts of an earlier run by mutant id. An incomplete last line is dropped."""
    found: dict[str, Verdict] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            verdict = Verdict(**json.loads(line))
        except (ValueError, TypeError):
            continue
        found[verdict.id] = verdict
    return found


def append_verdict(path: Path, verdict: Verdict) -> None:
    """Append a verdict."""
    cut_short = path.exists() and not path.read_text().endswith("\n") and path.stat().st_size > 0
    with path.open("a") as file:
        file.write(("\n" if cut_short else "") + json.dumps(verdict.as_json(), ensure_ascii=False) + "\n")


def table(verdicts: Sequence[Verdict]) -> str:
    """All verdicts, one a line, then the counts and the survivors' diffs."""
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
