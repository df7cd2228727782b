"""A measured figure with its baseline. Machines differ and are noisy, so only the ratio counts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: our figure, and the baseline's from the same run.

    `bar` is the required ratio and `aim` the wanted one: the least, or with `lower` the greatest. `bound` says what limits us,
    `machine` what else the machine did meanwhile."""

    part: str
    what: str
    ours: float
    unit: str
    baseline: float | None = None
    against: str = ""
    bar: float | None = None
    lower: bool = False
    bound: str = ""
    aim: float | None = None
    machine: str = ""

    @property
    def ratio(self) -> float | None:
        """Our figure divided by the baseline."""
        return self.ours / self.baseline if self.baseline else None

    @property
    def holds(self) -> bool | None:
        """Whether the bar is reached; None without a bar."""
        return self._reaches(self.bar)

    @property
    def meets_aim(self) -> bool | None:
        """Whether the aim is reached; None without an aim."""
        return self._reaches(self.aim)

    def _reaches(self, mark: float | None) -> bool | None:
        if mark is None or self.ratio is None:
            return None
        return self.ratio <= mark if self.lower else self.ratio >= mark

    def as_json(self) -> dict[str, object]:
        """For `bench.json`."""
        return asdict(self) | {"ratio": self.ratio, "holds": self.holds, "meets_aim": self.meets_aim}


def alternate(rounds: int, *cases: Callable[[], float]) -> list[float]:
    """The median of each case. They are measured in turn, so that changing machine load affects all alike."""
    measured = [[case() for case in cases] for _ in range(rounds)]
    return [median(one) for one in zip(*measured, strict=True)]


def table(figures: Sequence[Figure]) -> str:
    """The figures as text, one a line; below it, what limits them and what the machine did meanwhile."""
    rows = [("", "ours", "baseline", "ratio", "bar", "", "aim", ""), *map(_row, figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    notes = [
        f"{one.part}: {one.what}: {note}" for one in figures for note in (one.bound, one.machine) if note
    ]
    return "\n".join([*lines, "", *notes] if notes else lines)


def _row(one: Figure) -> tuple[str, str, str, str, str, str, str, str]:
    sign = "≤" if one.lower else "≥"
    return (
        f"{one.part}: {one.what}",
        f"{one.ours:,.4g} {one.unit}",
        f"{one.baseline:,.4g} ({one.against})" if one.baseline is not None else "",
        f"{one.ratio:.3g}" if one.ratio is not None else "",
        "" if one.bar is None else f"{sign} {one.bar:g}",
        {None: "", True: "met", False: "MISSED"}[one.holds],
        "" if one.aim is None else f"{sign} {one.aim:g}",
        {None: "", True: "met", False: "missed"}[one.meets_aim],
    )
