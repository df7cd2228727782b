"""Monthly recurring revenue, how it moved, who pays for what, who stopped and why, and cohorts."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from billing.reports.numbers.counting import NumbersCounted, counted, steps
from billing.reports.numbers.measures import MOVEMENTS, REASONS, RECURRING_SOURCE
from billing.reports.numbers.names import plan_names
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
from billing.rules.periods import add_months

_DAY = timedelta(days=1)
MRR = (
    "Monthly recurring revenue: what the paid periods that run bring a month, without VAT. A longer period counts by its months: a year’s"
    " price by twelve. A subscription counts from its first payment until it ends or is paused; while a failed payment is tried again"
    " it still counts. Free trials and complimentary days count nothing."
)
_MOVED = {
    "new": ("New", "Recurring revenue of readers who paid for the first time."),
    "reactivation": (
        "Reactivation",
        "Recurring revenue of readers who had paid before, and pay again after an end or a pause.",
    ),
    "expansion": (
        "Expansion",
        "More revenue from subscriptions that go on: a dearer plan, or a higher price.",
    ),
    "contraction": (
        "Contraction",
        "Less revenue from subscriptions that go on: a cheaper plan, or a lower price.",
    ),
    "churn": (
        "Churn",
        "Recurring revenue of subscriptions that ended or were paused. They count on the day they stop, not when the reader cancels.",
    ),
}
_INVOLUNTARY = ("payment", "dispute")
_MONTH = 304_375
"""Days of a month on average, in ten thousandths."""
MOST_KEPT = 12
"""Months after the first that a cohort's row shows."""
DRAWN_MONTHS = (1, 3, 6, 12)
"""Those that the chart of cohorts draws, a line each."""
Cohorts = dict[str, tuple[int, list[int | None]]]
"""By the month of their first payment: how many subscriptions, and how many of them pay at the end of that month and of each after
it; None where it isn't over."""


def recurring(question: NumbersQuestion) -> Section:
    """MRR, its movement, plans, churn, lifetime value and cohorts."""
    found = counted(question, RECURRING_SOURCE)
    cohorts, names = _kept(found), plan_names(question.session)
    return Section(
        "recurring",
        "Recurring revenue",
        tuple(_figures(found)),
        (
            *(_movement(found), _plans(found, names), _paying(found, names), _churn(found)),
            *(_retention(cohorts), _cohorts(cohorts)),
        ),
    )


def _figures(found: NumbersCounted) -> list[Figure]:
    moved = [
        found.flow_figure(
            f"mrr-{name}",
            f"{title}, MRR",
            f"{words} A month, without VAT.",
            Unit.CENTS,
            f"mrr_{name}",
        )
        for name, (title, words) in _MOVED.items()
    ]
    churned, before = found.flow("churn"), found.flow_before("churn")
    at_start, at_start_before = found.stock_at_start("paying"), found.stock_before("paying")
    by_payment = (_of(found.flow, _INVOLUNTARY), _of(found.flow_before, _INVOLUNTARY))
    by_reader = (found.flow("churn", "reader"), found.flow_before("churn", "reader"))
    days = found.period.days
    return [
        found.stock_figure("mrr", "MRR", MRR, Unit.CENTS, "mrr"),
        found.stock_figure(
            "paying", "Paying subscriptions", "Subscriptions that count in MRR at the end of the period.", Unit.COUNT, "paying"
        ),
        *moved,
        *_counts(found),
        Figure(
            "churn-rate", "Churn", "Subscriptions that stopped paying in the period, of those that paid when it began.",
            Unit.BASIS_POINTS, share(churned, at_start), share(before, at_start_before),
        ),
        Figure(
            "churn-voluntary", "Voluntary churn",
            "The same, of those that the reader ended: by cancelling, or by telling the bank to stop.",
            Unit.BASIS_POINTS, share(by_reader[0], at_start), share(by_reader[1], at_start_before),
        ),
        Figure(
            "churn-involuntary", "Churn by payment",
            "The same, of those that ended because a payment failed for good or a bank disputes a charge.",
            Unit.BASIS_POINTS, share(by_payment[0], at_start), share(by_payment[1], at_start_before),
        ),
        Figure(
            "arpu", "MRR a subscription", "MRR at the end of the period by the subscriptions that pay then. Without VAT.",
            Unit.CENTS, _by(found.stock("mrr"), found.stock("paying")), _by(found.stock_at_start("mrr"), at_start),
        ),
        Figure(
            "ltv", "Lifetime value",
            "What a paying subscription is expected to bring until it stops, without VAT: MRR a subscription by the period’s churn"
            " a month (of 30.44 days). Nothing can be said where none stopped.",
            Unit.CENTS,
            _lifetime_value(found.stock("mrr"), found.stock("paying"), at_start, churned, days),
            _lifetime_value(found.stock_at_start("mrr"), at_start, at_start_before, before, days),
        ),
    ]  # fmt: skip


def _counts(found: NumbersCounted) -> list[Figure]:
    return [
        found.flow_figure(
            "first-paid",
            "First payments",
            "Subscriptions of readers who paid for the first time in the period.",
            Unit.COUNT,
            "count_new",
        ),
        found.flow_figure(
            "returned",
            "Returned",
            "Subscriptions that pay again after an end or a pause, of readers who had paid before.",
            Unit.COUNT,
            "count_reactivation",
        ),
        found.flow_figure(
            "stopped",
            "Stopped",
            "Subscriptions that stopped paying in the period: they ended, or were paused.",
            Unit.COUNT,
            "count_churn",
        ),
    ]


def _of(flow: Callable[[str, str], int], reasons: tuple[str, ...]) -> int:
    return sum(flow("churn", reason) for reason in reasons)


def _by(cents: int, count: int) -> int | None:
    return (2 * cents + count) // (2 * count) if count > 0 else None


def _lifetime_value(mrr: int, paying: int, at_start: int, churned: int, days: int) -> int | None:
    """Cents: MRR a subscription, times the months that one lasts at the churn of these days."""
    if min(paying, at_start, churned) <= 0:
        return None
    return mrr * at_start * days * 10_000 // (paying * churned * _MONTH)


def _movement(found: NumbersCounted) -> NumbersTable:
    days = found.days
    rows: list[tuple[Cell, ...]] = [
        (
            step.first,
            days.stock("mrr", step.first - _DAY),
            *(days.total(f"mrr_{name}", step.first, step.last) for name in MOVEMENTS),
            days.stock("mrr", step.last),
        )
        for step in steps(found.period)
    ]
    columns = (
        Column("From", Unit.DAY),
        Column("MRR at the start", Unit.CENTS, drawn=False),
        *(Column(_MOVED[name][0], Unit.CENTS) for name in MOVEMENTS),
        Column("MRR at the end", Unit.CENTS, drawn=False),
    )
    words = "MRR at the start and the movements add up to MRR at the end. Without VAT. "
    words += " ".join(f"{title}: {text}" for title, text in _MOVED.values())
    return NumbersTable("mrr-movement", "How MRR moved", words, columns, tuple(rows), Chart.STACKED)


def _plans(found: NumbersCounted, names: Mapping[str, str]) -> NumbersTable:
    rows = [
        (
            plan,
            found.stock_at_start("paying", plan),
            found.stock("paying", plan),
            found.stock_at_start("mrr", plan),
            found.stock("mrr", plan),
        )
        for plan in found.days.keys("paying")
    ]
    columns = (
        *(Column("Plan", Unit.TEXT), Column("Paying at the start"), Column("Paying at the end")),
        Column("MRR at the start", Unit.CENTS, drawn=False),
        Column("MRR at the end", Unit.CENTS, drawn=False),
    )
    words = "Subscriptions that count in MRR, by the plan that they last paid for, and their MRR without VAT."
    return NumbersTable("plans", "Active by plan", words, columns, tuple(rows), Chart.BARS, names)


def _paying(found: NumbersCounted, names: Mapping[str, str]) -> NumbersTable:
    plans = found.days.keys("paying")
    rows: list[tuple[Cell, ...]] = [
        (step.last, *(found.days.stock("paying", step.last, plan) for plan in plans))
        for step in steps(found.period)
    ]
    columns = (Column("At the end of", Unit.DAY), *(Column(plan) for plan in plans))
    words = "Paying subscriptions of each plan at the end of each day, week or month."
    return NumbersTable(
        "paying", "Paying subscriptions over time", words, columns, tuple(rows), Chart.LINES, names
    )


def _churn(found: NumbersCounted) -> NumbersTable:
    rows = [
        (
            words,
            found.flow("churn", reason),
            found.flow_before("churn", reason),
            found.flow("churn_mrr", reason),
            found.flow_before("churn_mrr", reason),
        )
        for reason, words in REASONS.items()
    ]
    columns = (
        *(Column("Why", Unit.TEXT), Column("Subscriptions"), Column("Period before")),
        Column("MRR", Unit.CENTS, drawn=False),
        Column("MRR, period before", Unit.CENTS, drawn=False),
    )
    words = (
        "Subscriptions that stopped paying, on the day they stopped, by what stopped them; and their MRR without VAT. A reader who cancels"
        " while a payment fails counts as cancelled. Who comes back after a pause counts as reactivation."
    )
    return NumbersTable("churn", "Why subscriptions stopped", words, columns, tuple(rows), Chart.BARS)


def _kept(found: NumbersCounted) -> Cohorts:
    last, cohorts = found.period.last, Cohorts()
    for month in found.days.keys("cohort_begun"):
        if begun := found.days.stock("cohort_begun", last, month):
            first = date.fromisoformat(f"{month}-01")
            ends = (add_months(first, n + 1) - _DAY for n in range(MOST_KEPT + 1))
            kept = [found.days.stock("cohort", end, month) if end <= last else None for end in ends]
            cohorts[month] = begun, kept
    return cohorts


def _retention(cohorts: Cohorts) -> NumbersTable:
    rows = list[tuple[Cell, ...]]()
    for n in range(MOST_KEPT + 1):
        over = [(begun, still) for begun, kept in cohorts.values() if (still := kept[n]) is not None]
        if over:
            begun, still = sum(each[0] for each in over), sum(each[1] for each in over)
            rows.append((n, begun, still, share(still, begun)))
    columns = (
        *(Column("Months after the first payment"), Column("Subscriptions", drawn=False)),
        *(Column("Still paying", drawn=False), Column("Share", Unit.BASIS_POINTS)),
    )
    words = (
        "All cohorts together: of the subscriptions for which so many months after the month of their first payment are over, those that"
        " count in MRR at the end of that month."
    )
    return NumbersTable("retention", "How many stay", words, columns, tuple(rows), Chart.LINES)


def _cohorts(cohorts: Cohorts) -> NumbersTable:
    rows: list[tuple[Cell, ...]] = [
        (month, begun, *(None if still is None else share(still, begun) for still in kept))
        for month, (begun, kept) in cohorts.items()
    ]
    columns = (
        *(Column("First paid in", Unit.TEXT), Column("Subscriptions", drawn=False)),
        *(Column(f"Month {n}", Unit.BASIS_POINTS, drawn=n in DRAWN_MONTHS) for n in range(MOST_KEPT + 1)),
    )
    words = (
        "Subscriptions by the month of their first payment, and the share of them that counts in MRR at the end of that month and of"
        " each month after it. Empty where the month isn’t over by the end of the period."
    )
    return NumbersTable("cohorts", "Cohorts", words, columns, tuple(rows), Chart.LINES)
