"""What was charged, given back and earned, from the ledger."""

from collections.abc import Mapping

from billing.reports.numbers.counting import NumbersCounted, counted, steps
from billing.reports.numbers.measures import MONEY_SOURCE
from billing.reports.numbers.names import plan_names
from billing.reports.numbers.shape import (
    Chart,
    Column,
    Figure,
    NumbersQuestion,
    NumbersTable,
    Section,
    Unit,
    share,
)


def money(question: NumbersQuestion) -> Section:
    """Charges, refunds and earned revenue."""
    found = counted(question, MONEY_SOURCE)
    return Section(
        "money",
        "Money",
        tuple(_figures(found)),
        (_by_plan(found, plan_names(question.session)), _over_time(found)),
    )


def _figures(found: NumbersCounted) -> list[Figure]:
    return [
        found.flow_figure(
            "charged",
            "Charged",
            "Tax invoices dated in the period, incl. VAT: one for each payment that arrived for a subscription. From the ledger.",
            Unit.CENTS,
            "charged_gross",
        ),
        found.flow_figure(
            "revenue",
            "Earned revenue",
            "What the days of the period earned of paid periods, without VAT: the movement of the ledger’s account revenue. A day is earned when it is over.",
            Unit.CENTS,
            "revenue",
        ),
        found.flow_figure(
            "refunded",
            "Refunded",
            "Credit notes dated in the period, incl. VAT. What was paid twice and went back isn’t among them.",
            Unit.CENTS,
            "refunded_gross",
            "sale",
        ),
        Figure(
            "refund-rate",
            "Refund rate",
            "Refunded of what was charged in the period, both incl. VAT. A refund may belong to an earlier charge.",
            Unit.BASIS_POINTS,
            share(found.flow("refunded_gross", "sale"), found.flow("charged_gross")),
            share(found.flow_before("refunded_gross", "sale"), found.flow_before("charged_gross")),
        ),
    ]


def _by_plan(found: NumbersCounted, names: Mapping[str, str]) -> NumbersTable:
    rows = [
        (
            plan,
            found.flow("charges", plan),
            found.flow_before("charges", plan),
            found.flow("charged_gross", plan),
            found.flow("charged_net", plan),
            found.flow_before("charged_net", plan),
        )
        for plan in found.days.keys("charges")
    ]
    columns = (
        *(Column("Plan", Unit.TEXT), Column("Charges"), Column("Period before")),
        Column("Incl. VAT", Unit.CENTS, drawn=False),
        Column("Without VAT", Unit.CENTS, drawn=False),
        Column("Without VAT, period before", Unit.CENTS, drawn=False),
    )
    words = "Tax invoices dated in the period, by the plan that was sold. Corrected invoices count once. From the ledger."
    return NumbersTable("charges", "Charges by plan", words, columns, tuple(rows), Chart.BARS, names)


def _over_time(found: NumbersCounted) -> NumbersTable:
    days = found.days
    rows = [
        (
            step.first,
            days.total("charged_net", step.first, step.last),
            days.total("revenue", step.first, step.last),
            days.total("charged_gross", step.first, step.last),
            days.total("refunded_gross", step.first, step.last, "sale"),
            days.total("refunds", step.first, step.last, "sale"),
        )
        for step in steps(found.period)
    ]
    columns = (
        Column("From", Unit.DAY),
        Column("Charged, without VAT", Unit.CENTS),
        Column("Earned, without VAT", Unit.CENTS),
        Column("Charged, incl. VAT", Unit.CENTS, drawn=False),
        Column("Refunded, incl. VAT", Unit.CENTS, drawn=False),
        Column("Refunds", drawn=False),
    )
    words = "Each day, week or month. Charged: tax invoices by their date. Earned: by the days that passed. Refunded: credit notes by their date."
    return NumbersTable("money", "Charged and earned over time", words, columns, tuple(rows), Chart.LINES)
