"""The numbers page with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.previews.staff import STAFF
from billing.reports.numbers import recurring, sections
from billing.reports.numbers.shape import (
    Chart,
    Column,
    Figure,
    NotAPeriodOfNumbers,
    NumbersTable,
    Section,
    Unit,
)
from billing.rules.periods import add_months
from billing.web.staff.numbers import ROOM, section_view
from billing.web.views.frame import Frame, Page
from billing.web.views.numbers import StaffNumbersPage

_FIRST = date(2026, 1, 1)
_MOVED = NumbersTable(
    "mrr-movement",
    "How MRR moved",
    "MRR at the start and the movements add up to MRR at the end. Without VAT.",
    (
        *(
            Column("From", Unit.DAY),
            Column("MRR at the start", Unit.CENTS, drawn=False),
            Column("New", Unit.CENTS),
        ),
        *(Column("Churn", Unit.CENTS), Column("MRR at the end", Unit.CENTS, drawn=False)),
    ),
    tuple(
        (add_months(_FIRST, n), 41_217_300 + n * 1_204_400, 2_313_300, -1_108_900, 42_421_700 + n * 1_204_400)
        for n in range(10)
    ),
    Chart.STACKED,
)
_PLANS = NumbersTable(
    "plans",
    "Active by plan",
    "Subscriptions that count in MRR, by the plan that they last paid for.",
    (Column("Plan", Unit.TEXT), Column("Paying at the start"), Column("Paying at the end")),
    (("monthly", 5_914, 7_302), ("yearly", 1_208, 1_411)),
    Chart.BARS,
)
_FIGURES = (
    Figure("mrr", "MRR", recurring.MRR, Unit.CENTS, 53_261_300, 41_217_300),
    Figure("paying", "Paying subscriptions", "Subscriptions that count in MRR.", Unit.COUNT, 8_713, 7_122),
    Figure("churn-rate", "Churn", "Subscriptions that stopped paying.", Unit.BASIS_POINTS, 412, None),
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Previews of all figures, of a section with charts, and of a period that can't be."""
    at = replace(STAFF, path=ROOM)
    section = Section("recurring", "Recurring revenue", _FIGURES, (_MOVED, _PLANS))
    others = (("All figures", ROOM), *((title, f"{ROOM}/{name}") for name, title in sections.TITLES.items()))
    everything = StaffNumbersPage(
        since="2026-01-01",
        until="2026-10-31",
        period=(_FIRST, date(2026, 10, 31)),
        before=(date(2025, 3, 3), date(2025, 12, 31)),
        periods=(("30 days", ROOM), ("Last month", ROOM), ("12 months", ROOM)),
        sections=(
            section_view(section, "", alone=False),
            section_view(replace(section, key="money", title="Money"), "", alone=False),
        ),
        others=others,
        address=ROOM,
        title="Numbers",
        csv=f"{ROOM}/figures.csv",
        json=f"{ROOM}/figures.json",
    )
    yield "staff-numbers", everything, at
    alone = replace(
        everything,
        sections=(section_view(section, "", alone=True),),
        address=f"{ROOM}/recurring",
        title="Recurring revenue",
    )
    yield "staff-numbers-section", alone, replace(at, path=f"{ROOM}/recurring")
    refused = replace(
        everything,
        since="2027-05-01",
        until="2027-04-01",
        period=None,
        before=None,
        sections=(),
        error=NotAPeriodOfNumbers().detail,
    )
    yield "staff-numbers-refused", refused, at
