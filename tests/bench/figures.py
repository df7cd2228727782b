"""A measured figure with its baseline. Machines differ and are noisy, so only the ratio counts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: our figure, and the baseline's from the same run.

    `bar` is the required ratio: the least, or with `lower` the greatest. `bound` says what limits us."""

    part: str
    what: str
    ours: float
    unit: str
    baseline: float | None = None
    against: str = ""
    bar: float | None = None
    lower: bool = False
    bound: str = ""

    @property
    def ratio(self) -> float | None:
        """Our figure divided by the baseline."""
        return self.ours / self.baseline if self.baseline else None

    @property
    def holds(self) -> bool | None:
        """Whether the bar is reached; None without a bar."""
        if self.bar is None or self.ratio is None:
            return None
        return self.ratio <= self.bar if self.lower else self.ratio >= self.bar

    def as_json(self) -> dict[str, object]:
        """For `bench.json`."""
        return asdict(self) | {"ratio": self.ratio, "holds": self.holds}


def alternate(rounds: int, *cases: Callable[[], float]) -> list[float]:
    """The median of each case. They are measured in turn, so that changing machine load affects all alike."""
    measured = [[case() for case in cases] for _ in range(rounds)]
    return [median(one) for one in zip(*measured, strict=True)]


def table(figures: Sequence[Figure]) -> str:
    """The figures as text, one a line."""
    rows = [("", "ours", "baseline", "ratio", "bar", "")]
    for one in figures:
        verdict = {None: "", True: "holds", False: "MISSED"}[one.holds]
        bar = "" if one.bar is None else f"{'≤' if one.lower else '≥'} {one.bar:g}"
        rows.append(
            (
                f"{one.part}: {one.what}",
                f"{one.ours:,.4g} {one.unit}",
                f"{one.baseline:,.4g} ({one.against})" if one.baseline is not None else "",
                f"{one.ratio:.3g}" if one.ratio is not None else "",
                bar,
                verdict,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    bounds = [f"{one.part}: {one.what}: {one.bound}" for one in figures if one.bound]
    return "\n".join([*lines, "", *bounds] if bounds else lines)
