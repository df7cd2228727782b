"""Draw tables of numbers on the server: SVG in the page, without scripts, styled by staff.css.

pygal computes scales and shapes. Its styles, scripts and comments are taken out, as our policy forbids the first two in a page, and
each bar and point gets a `<title>`, which browsers show while the pointer is over it. The numbers are in the table beside it."""

import re
from collections.abc import Iterator
from typing import Any

import pygal
from markupsafe import Markup
from pygal.etree import etree

from billing.reports.numbers.shape import Chart, NumbersTable, Unit, spelled_value

etree.to_etree()  # the same shapes and text whether lxml is installed or not
WIDTH, HEIGHT = 720, 280
MOST_LABELS = 6
LONGEST_LABEL = 32
_PLOTS: dict[Chart, type[Any]] = {
    Chart.LINES: pygal.Line,
    Chart.BARS: pygal.HorizontalBar,
    Chart.STACKED: pygal.StackedBar,
}
_LONG_NUMBER = re.compile(r"(\d+\.\d)\d+")
_SERIES = re.compile(r"series serie-(\d+) ")
_DROPPED = ("defs", "desc", "title")
_OVERLAYS = ("text-overlay", "tooltip-overlay", "titles")


def draw(table: NumbersTable) -> Markup | None:
    """The chart of a table; None where it has none, or nothing to draw."""
    drawn = [
        n for n, column in enumerate(table.columns) if n and column.drawn and column.unit is not Unit.TEXT
    ]
    if table.chart is None or not any(row[n] for row in table.rows for n in drawn):
        return None
    unit = table.columns[drawn[0]].unit
    is_bars = table.chart is Chart.BARS
    rows = table.rows[::-1] if is_bars else table.rows  # bars are drawn from below
    named = [n for n, column in enumerate(table.columns) if not n or column.names]
    labels = [", ".join(spelled_value(row[n], table.columns[n].unit) for n in named) for row in rows]
    plot = _PLOTS[table.chart](
        width=WIDTH,
        height=104 + 36 * len(table.rows) if is_bars else HEIGHT,
        js=[],
        css=[],
        no_prefix=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=3,
        show_minor_x_labels=is_bars,
        truncate_label=LONGEST_LABEL,
        truncate_legend=-1,
        formatter=lambda value: _spelled(value, unit),
    )
    plot.x_labels = labels
    plot.x_labels_major = labels if is_bars else labels[:: -(-len(labels) // MOST_LABELS)]
    plot.y_labels = _ticks(table, drawn, unit)
    for n in drawn:
        plot.add(table.columns[n].title, [row[n] for row in rows])
    root = plot.render_tree()
    _strip(root, [table.columns[n].title for n in drawn])
    root.set("role", "img")
    root.set("aria-label", f"{table.title}, drawn. The table has the numbers.")
    root.set("class", f"chart chart-{table.chart}")
    return Markup(etree.tostring(root, encoding="unicode"))  # noqa: S704 - escaped by etree


def _ticks(table: NumbersTable, drawn: list[int], unit: Unit) -> list[dict[str, Any]]:
    """Round values for the axis, from the lowest to above the highest that is drawn."""
    values = [[cell for n in drawn if isinstance(cell := row[n], int)] for row in table.rows]
    if table.chart is Chart.STACKED:
        highest = max(sum(value for value in row if value > 0) for row in values)
        lowest = min(sum(value for value in row if value < 0) for row in values)
    else:
        drawn_values = [value for row in values for value in row]  # a row may have none
        highest, lowest = max(0, *drawn_values), min(0, *drawn_values)
    step = next(size for size in _round_steps() if (highest - lowest) <= 4 * size)
    ends = range(-(-lowest // step) * step - (step if lowest % step else 0), highest + step, step)
    return [{"value": value, "label": _spelled(value, unit)} for value in ends]


def _round_steps() -> Iterator[int]:
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10


def _spelled(value: float | None, unit: Unit) -> str:
    return spelled_value(None if value is None else round(value), unit)


def _strip(root: Any, names: list[str]) -> None:
    """Take out what the page's policy forbids and what no reader sees, and give each shape its title."""
    titles = list(_titles(root, names))
    for parent in list(root.iter()):
        for child in list(parent):
            is_comment = not isinstance(child.tag, str)
            if is_comment or child.tag in _DROPPED or _has_class(child, _OVERLAYS):
                parent.remove(child)
        for name in ("id", "style", "rx", "ry"):
            parent.attrib.pop(name, None)
        if _has_class(parent, ("background",)):
            parent.set("fill", "none")
        for name, value in list(parent.attrib.items()):
            parent.set(name, _LONG_NUMBER.sub(r"\1", value))
    for shape, title in titles:
        etree.SubElement(shape, "title").text = title


def _titles(root: Any, names: list[str]) -> Iterator[tuple[Any, str]]:
    """Each bar and point, with what it stands for: its series, its place and its value."""
    for series in root.iter("g"):
        number = _SERIES.match(series.get("class") or "")
        for group in series.iter("g") if number else ():
            said = {child.get("class"): child.text for child in group if child.tag == "desc"}
            shape = next((child for child in group if child.tag in ("rect", "circle")), None)
            if number and shape is not None and "value" in said:
                yield shape, f"{names[int(number[1])]}, {said.get('x_label', '')}: {said['value']}"


def _has_class(element: Any, classes: tuple[str, ...]) -> bool:
    return any(name in classes for name in str(element.get("class") or "").split())
