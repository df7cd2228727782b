"""Disputes against the thresholds of the card schemes, by scheme and calendar month."""

from dataclasses import dataclass
from datetime import date, timedelta

from billing.reports.numbers.counting import NumbersCounted, counted
from billing.reports.numbers.measures import SCHEME_SOURCE
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
from emails.card_schemes import scheme_name

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Threshold:
    """From when on a scheme watches a merchant: both the rate and the number must be reached in a calendar month."""

    basis_points: int
    count: int
    warnings_count: bool
    """Whether fraud that issuers report counts besides disputes."""
    month_before: bool
    """Whether the payments of the month before are the whole, not those of the same month."""


THRESHOLDS = {
    "visa": Threshold(150, 1500, warnings_count=True, month_before=False),
    "mastercard": Threshold(150, 100, warnings_count=False, month_before=True),
}
_WORDS = (
    "Calendar months, by the scheme of the card that paid. Disputes are chargebacks by the day on which the bank opened them; inquiries"
    " don’t count. Fraud reported: cases of warnings by issuers. Visa (VAMP, since 1 April 2026): disputes and reported fraud of a month by"
    " its payments, excessive from 1.5% and 1,500 on together; source: support.checkout.com, “What are the thresholds for disputes and fraud"
    " under Visa’s Acquirer Monitoring Program”, and docs.antom.com, “Card monitoring programs”. Mastercard (ECP): disputes of a month by the"
    " payments of the month before, excessive from 1.5% and 100 on together, high from 3% and 300; source: developer.paypal.com, “Excessive"
    " Chargeback Program”. Other schemes publish no such numbers. Read on 1 December 2026."
)


def schemes(question: NumbersQuestion) -> Section:
    """The dispute rate, and each scheme's by month."""
    month = question.period.first.replace(day=1)
    found = counted(question, SCHEME_SOURCE, since=add_months(month, -1))
    figure = Figure(
        "dispute-rate",
        "Dispute rate",
        "Chargebacks that banks opened in the period, of the payments that arrived in it, all schemes together. Inquiries don’t count.",
        Unit.BASIS_POINTS,
        share(found.flow("disputes"), found.flow("payments")),
        share(found.flow_before("disputes"), found.flow_before("payments")),
    )
    disputes = found.flow_figure(
        "disputes", "Disputes", "Chargebacks that banks opened in the period.", Unit.COUNT, "disputes"
    )
    months = [month]
    while (month := add_months(month, 1)) <= question.period.last:
        months.append(month)
    return Section("schemes", "Disputes", (disputes, figure), (_rates(found, months), _table(found, months)))


def _rates(found: NumbersCounted, months: list[date]) -> NumbersTable:
    watched = {scheme: THRESHOLDS[scheme] for scheme in found.days.keys("payments") if scheme in THRESHOLDS}
    columns, rows = [Column("Month from", Unit.DAY)], [list[Cell]([month]) for month in months if watched]
    for scheme, threshold in watched.items():
        columns += [
            Column(f"{scheme_name(scheme)}, {what}", Unit.BASIS_POINTS) for what in ("rate", "threshold")
        ]
        for row, month in zip(rows, months, strict=True):
            row += [_rate(found, scheme, threshold, month)[1], threshold.basis_points]
    words = "The rate of each scheme that publishes a threshold, and the threshold, by the rules below. A scheme acts only if the number is reached too."
    return NumbersTable(
        "dispute-rates",
        "Rates against the schemes’ thresholds",
        words,
        tuple(columns),
        tuple(map(tuple, rows)),
        Chart.LINES,
    )


def _rate(found: NumbersCounted, scheme: str, threshold: Threshold, month: date) -> tuple[int, int | None]:
    """What counts for the scheme in a month, and its share of the payments by which the scheme measures it."""
    last = add_months(month, 1) - _DAY
    begins, ends = (add_months(month, -1), month - _DAY) if threshold.month_before else (month, last)
    counts = found.days.total("disputes", month, last, scheme)
    if threshold.warnings_count:
        counts += found.days.total("warnings", month, last, scheme)
    return counts, share(counts, found.days.total("payments", begins, ends, scheme))


def _table(found: NumbersCounted, months: list[date]) -> NumbersTable:
    schemes = found.days.keys("payments")
    rows = [_row(found, scheme, month) for month in months for scheme in schemes]
    columns = (
        *(Column("Month from", Unit.DAY), Column("Scheme", Unit.TEXT), Column("Payments")),
        *(Column("Disputes"), Column("Fraud reported"), Column("Rate", Unit.BASIS_POINTS)),
        *(Column("Threshold", Unit.BASIS_POINTS), Column("From how many"), Column("Reached", Unit.TEXT)),
    )
    return NumbersTable("disputes", "Disputes by scheme and month", _WORDS, columns, tuple(rows))


def _row(found: NumbersCounted, scheme: str, month: date) -> tuple[Cell, ...]:
    last, days = add_months(month, 1) - _DAY, found.days
    payments, disputes, warnings = (
        days.total(measure, month, last, scheme) for measure in ("payments", "disputes", "warnings")
    )
    start = (month, scheme_name(scheme), payments, disputes, warnings)
    threshold = THRESHOLDS.get(scheme)
    if threshold is None:
        return *start, share(disputes, payments), None, None, "no threshold"
    counts, rate = _rate(found, scheme, threshold, month)
    reached = rate is not None and rate >= threshold.basis_points and counts >= threshold.count
    return *start, rate, threshold.basis_points, threshold.count, "reached" if reached else "no"
