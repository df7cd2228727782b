"""SVG plots for a phone's width, in light and dark; the page sets the colours. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22


@dataclass(frozen=True, slots=True)
class PlotFrame:
    """The plotting area; its y axis runs from 0 to `top`."""

    top: float

    def y(self, value: float) -> float:
        """The y coordinate of a value."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / (self.top or 1)

    def x(self, place: float, places: int) -> float:
        """The x coordinate of the `place`-th of `places`, from edge to edge."""
        return LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, places)


def stacked(series: Mapping[str, Sequence[int]], labels: Sequence[tuple[int, str]], title: str) -> str:
    """Stacked areas, with one value a day."""
    count = max((len(values) for values in series.values()), default=0)
    sums = [sum(values[place] for values in series.values()) for place in range(count)]
    frame = PlotFrame(_round_up(max(sums, default=0)))
    parts, below = [_grid(frame)], [0.0] * count
    for number, values in enumerate(series.values(), 1):
        above = [low + value for low, value in zip(below, values, strict=True)]
        there = [f"{frame.x(n, count - 1):.1f},{frame.y(value):.1f}" for n, value in enumerate(above)]
        back = [f"{frame.x(n, count - 1):.1f},{frame.y(value):.1f}" for n, value in enumerate(below)]
        parts.append(f'<polygon class="c{number}" points="{" ".join([*there, *reversed(back)])}"/>')
        below = above
    parts += [_x_label(frame.x(place, count - 1), words) for place, words in labels]
    return _svg(parts, title)


def bars(groups: Mapping[str, Sequence[float]], title: str, unit: str = "") -> str:
    """Grouped vertical bars, one group for each label."""
    frame = PlotFrame(_round_up(max((value for values in groups.values() for value in values), default=0)))
    parts, places = [_grid(frame, unit)], len(groups)
    every = -(-places // 12)
    for place, (label, values) in enumerate(groups.items()):
        left, right = frame.x(place + 0.12, places), frame.x(place + 0.88, places)
        wide = (right - left) / max(1, len(values))
        for number, value in enumerate(values, 1):
            x, y = left + wide * (number - 1), frame.y(max(0.0, value))
            parts.append(
                f'<rect class="c{number}" x="{x:.1f}" y="{y:.1f}" width="{max(1.0, wide - 0.6):.1f}"'
                f' height="{max(0.0, frame.y(0) - y):.1f}"><title>{escape(label)}: {value:,.4g}{unit}</title></rect>'
            )
        if place % every == 0:
            parts.append(_x_label((left + right) / 2, label))
    return _svg(parts, title)


def horizontal_bars(values: Mapping[str, int], title: str) -> str:
    """Horizontal bars, each with its name above and its count at the end."""
    highest, parts = max(values.values(), default=0), []
    for place, (name, value) in enumerate(values.items()):
        y, wide = 14 + place * 26, (WIDTH - 70) * value / (highest or 1)
        parts.append(f'<text x="4" y="{y}">{escape(name)}</text>')
        parts.append(f'<rect class="c1" x="4" y="{y + 4}" width="{max(1.0, wide):.1f}" height="9"/>')
        parts.append(f'<text x="{9 + wide:.1f}" y="{y + 12}">{value:,}</text>')
    return _svg(parts, title, height=8 + len(values) * 26)


def strip(days: Sequence[tuple[str, str]], title: str) -> str:
    """One square for each day, in rows of 31. Each day is a class (`good`, `bad`, `none`) and a tooltip."""
    size, across = 10.6, 31
    parts = []
    for place, (kind, words) in enumerate(days):
        row, column = divmod(place, across)
        parts.append(
            f'<rect class="{kind}" x="{6 + column * 11.2:.1f}" y="{6 + row * 11.2:.1f}" width="{size - 1.4:.1f}"'
            f' height="{size - 1.4:.1f}" rx="2"><title>{escape(words)}</title></rect>'
        )
    return _svg(parts, title, height=14 + -(-len(days) // across) * 11.2)


def _svg(parts: Sequence[str], title: str, height: float = HEIGHT) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _grid(frame: PlotFrame, unit: str = "") -> str:
    lines = []
    for quarter in range(5):
        value = frame.top * quarter / 4
        y = frame.y(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{_short(value)}{unit}</text>')
    return "".join(lines)


def _x_label(x: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT - 7}" text-anchor="middle">{escape(words)}</text>'


def _round_up(highest: float) -> float:
    """The next round number that four grid lines divide well."""
    if highest <= 0:
        return 4
    size = 10.0 ** (len(str(int(highest))) - 1)
    return next(size * step for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if size * step >= highest)


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
