"""What `/staff/numbers` says of the same days, by the names that `counted_apart` gives."""

from collections.abc import Iterable
from datetime import date

from billing.dev.simulate.counted_apart import FIGURES, Said, named_week, stopped_by
from billing.reports.numbers.measures import REASONS
from billing.reports.numbers.shape import Cell, Section


def said_by(sections: Iterable[Section]) -> Said:
    """The numbers of these sections that are counted apart. Weeks without a trial are left out."""
    found = list(sections)
    figures = {figure.key: figure.value for section in found for figure in section.figures}
    rows = {table.key: table.rows for section in found for table in section.tables}
    said = {key: figures[key] for key in FIGURES}
    for reason, (_, stopped, *_) in zip(REASONS, rows["churn"], strict=True):
        said[stopped_by(reason)] = _number(stopped)
    for monday, started, converted, lost, _, conversion in rows["trials"]:
        if started and isinstance(monday, date):
            said |= named_week(
                monday, _number(started), _number(converted), _number(lost), _number(conversion)
            )
    return said


def _number(cell: Cell) -> int | None:
    """The cell of a column that counts."""
    assert cell is None or isinstance(cell, int)
    return cell
