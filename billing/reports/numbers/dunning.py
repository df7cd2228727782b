"""What became of payments that failed: recovered on which rung of the ladder, by the reader, or lost."""

from billing.reports.numbers.counting import NumbersCounted, counted
from billing.reports.numbers.measures import DUNNING_SOURCE
from billing.reports.numbers.shape import (
    Cell,
    Chart,
    Column,
    Figure,
    NumbersQuestion,
    NumbersTable,
    Section,
    Unit,
    share,
)

_RUNG, _READER, _LOST, _FAILED = "rung-", "reader", "lost", "failed"
_RECOVERED = (
    "Of the payments that had failed and were decided in the period, the share that arrived after all. Decided are those that arrived,"
    " and those whose subscription ended unpaid."
)


def dunning(question: NumbersQuestion) -> Section:
    """Recovery of failed payments by rung."""
    found = counted(question, DUNNING_SOURCE)
    rungs = sorted(
        (key for key in found.days.keys("dunning") if key.startswith(_RUNG)),
        key=lambda key: int(key.removeprefix(_RUNG)),
    )
    return Section("dunning", "Failed payments", tuple(_figures(found, rungs)), (_table(found, rungs),))


def _figures(found: NumbersCounted, rungs: list[str]) -> list[Figure]:
    ways = [*rungs, _READER]
    paid = sum(found.flow("dunning", way) for way in ways)
    before = sum(found.flow_before("dunning", way) for way in ways)
    lost, lost_before = found.flow("dunning", _LOST), found.flow_before("dunning", _LOST)
    return [
        found.flow_figure(
            "payments-failed",
            "Payments that failed",
            "Periods whose first charge the bank declined in the period. Later declines of the same period don’t count again.",
            Unit.COUNT,
            "dunning",
            _FAILED,
        ),
        Figure(
            "dunning-recovery",
            "Recovered",
            _RECOVERED,
            Unit.BASIS_POINTS,
            share(paid, paid + lost),
            share(before, before + lost_before),
        ),
    ]


def _table(found: NumbersCounted, rungs: list[str]) -> NumbersTable:
    names = {rung: f"Retry {rung.removeprefix(_RUNG)}" for rung in rungs}
    names |= {_READER: "The reader paid, or gave another card", _LOST: "Lost: it ended unpaid"}
    whole = sum(found.flow("dunning", way) for way in names)
    rows: list[tuple[Cell, ...]] = [
        (
            words,
            found.flow("dunning", way),
            found.flow_before("dunning", way),
            share(found.flow("dunning", way), whole),
            None if way == _LOST else found.flow("dunning_gross", way),
        )
        for way, words in names.items()
    ]
    columns = (
        *(Column("Decided by", Unit.TEXT), Column("Payments"), Column("Period before")),
        Column("Share", Unit.BASIS_POINTS, drawn=False),
        Column("Recovered, incl. VAT", Unit.CENTS, drawn=False),
    )
    words = (
        "Failed payments that were decided in the period, by what decided them. Retry 1 is the first charge after the one that failed."
        " Amounts include VAT."
    )
    return NumbersTable("dunning", "Recovery by rung", words, columns, tuple(rows), Chart.BARS)
