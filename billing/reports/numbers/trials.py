"""Trials and their conversion by week of start, and how many subscriptions are in each state."""

from datetime import date, timedelta

from billing.reports.numbers.counting import NumbersCounted, counted, steps
from billing.reports.numbers.measures import TRIAL_SOURCE
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

_WEEK = timedelta(days=7)
_STATES = {
    "trialing": "In their trial",
    "active": "Active",
    "past_due": "Past due: a failed payment is tried again",
    "paused": "Paused",
}


def trials(question: NumbersQuestion) -> Section:
    """Trials started and converted, and subscriptions by state."""
    found = counted(question, TRIAL_SOURCE)
    return Section("trials", "Trials", tuple(_figures(found)), (_weeks(found), _states(found)))


def _figures(found: NumbersCounted) -> list[Figure]:
    converted, before = found.flow("converted"), found.flow_before("converted")
    over, over_before = converted + found.flow("trial_lost"), before + found.flow_before("trial_lost")
    return [
        found.flow_figure(
            "trials-started", "Trials started", "Free trials that began in the period.", Unit.COUNT, "trials"
        ),
        found.flow_figure(
            "trials-converted",
            "Trials converted",
            "Trials whose first payment arrived in the period, whenever they began.",
            Unit.COUNT,
            "converted",
        ),
        Figure(
            "conversion",
            "Conversion",
            "Of the trials that were decided in the period, the share that paid. Decided are those that paid, and those that ended without"
            " a payment.",
            Unit.BASIS_POINTS,
            share(converted, over),
            share(before, over_before),
        ),
    ]


def _weeks(found: NumbersCounted) -> NumbersTable:
    days, last = found.days, found.period.last
    monday = found.period.first - timedelta(days=found.period.first.weekday())
    rows = list[tuple[date, int, int, int, int, int | None]]()
    while monday <= last:
        week = monday.isoformat()
        started, paid, lost = (days.stock(name, last, week) for name in ("trials", "converted", "trial_lost"))
        rows.append((monday, started, paid, lost, started - paid - lost, share(paid, paid + lost)))
        monday += _WEEK
    columns = (
        Column("Week from", Unit.DAY),
        Column("Started", drawn=False),
        *(Column("Converted"), Column("Ended unpaid"), Column("Undecided")),
        Column("Conversion", Unit.BASIS_POINTS, drawn=False),
    )
    words = (
        "Trials by the week in which they began, and what had become of them by the end of the period. Converted: the first payment"
        " arrived, at the first try or later. Conversion is the share of those that are decided."
    )
    return NumbersTable("trials", "Trials by week of start", words, columns, tuple(rows), Chart.STACKED)


def _states(found: NumbersCounted) -> NumbersTable:
    rows: list[tuple[Cell, ...]] = [
        (step.last, *(found.days.stock("state", step.last, state) for state in _STATES))
        for step in steps(found.period)
    ]
    columns = (Column("At the end of", Unit.DAY), *(Column(words) for words in _STATES.values()))
    words = (
        "Subscriptions by their state at the end of each day, week or month. A cancelled one stays where it is until what is free or paid"
        " for ends. Active ones may read for complimentary days, so they can be more than those that pay."
    )
    return NumbersTable("states", "Subscriptions by state", words, columns, tuple(rows), Chart.LINES)
