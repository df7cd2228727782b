"""How newsletters grow, from the evidence of consents."""

from billing.reports.numbers.counting import counted, steps
from billing.reports.numbers.measures import NEWSLETTER_SOURCE
from billing.reports.numbers.names import newsletter_names
from billing.reports.numbers.shape import Chart, Column, Figure, NumbersQuestion, NumbersTable, Section, Unit


def newsletters(question: NumbersQuestion) -> Section:
    """Who joined and left newsletters."""
    found = counted(question, NEWSLETTER_SOURCE)
    days = found.days
    names = sorted({*days.keys("joined"), *days.keys("left")})
    growth = Figure(
        "newsletter-growth",
        "Newsletter growth",
        "Confirmed sign-ups of the period, less those who left. One reader of two newsletters counts twice.",
        Unit.COUNT,
        found.flow("joined") - found.flow("left"),
        found.flow_before("joined") - found.flow_before("left"),
    )
    by_name = NumbersTable(
        "newsletters",
        "Newsletters",
        "Confirmed sign-ups and those who left, by newsletter. An address that is erased isn’t among those who left.",
        (
            *(
                Column("Newsletter", Unit.TEXT),
                Column("Joined"),
                Column("Left"),
                Column("Growth", drawn=False),
            ),
            Column("Growth, period before", drawn=False),
        ),
        tuple(
            (
                name,
                found.flow("joined", name),
                found.flow("left", name),
                found.flow("joined", name) - found.flow("left", name),
                found.flow_before("joined", name) - found.flow_before("left", name),
            )
            for name in names
        ),
        Chart.BARS,
        newsletter_names(question.session),
    )
    over_time = NumbersTable(
        "newsletter-growth",
        "Newsletter growth over time",
        "All newsletters together, each day, week or month.",
        (Column("From", Unit.DAY), Column("Joined"), Column("Left")),
        tuple(
            (step.first, *(days.total(name, step.first, step.last) for name in ("joined", "left")))
            for step in steps(found.period)
        ),
        Chart.LINES,
    )
    return Section("newsletters", "Newsletters", (growth,), (by_name, over_time))
