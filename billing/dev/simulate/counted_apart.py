"""MRR, churn and conversion, counted from what readers did and what the sandbox charged: nothing of the service is read.

`billing/reports/numbers` must give the same. Amounts and dates are written here a second time, as in `dates`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from billing.dev.simulate.judge import Life, ListedCharge, PaidPeriod, periods_paid
from billing.dev.simulate.stops import StopReason, stops, unpaid_trial_ends_at

MONTHLY_NET = {7500: 6522, 75000: 5435}
"""By the cents of a charge, what it brings a month: without VAT of 15%, and a year by twelve."""
COMPARED = "MRR, charges, churn by reason, and the conversion of trials by week of start"
DIFFERS = "numbers: "
"""How the words of each difference begin."""
FIGURES = (
    *("trials-started", "trials-converted", "conversion", "first-paid", "returned", "stopped"),
    *("paying", "mrr", "charged"),
)
Said = Mapping[str, int | None]
"""Numbers by name: the key of a figure, or `stopped_by` and `named_week`."""


def stopped_by(reason: str) -> str:
    """The name of how many stopped paying for a reason."""
    return f"stopped by {reason}"


def named_week(
    monday: date, started: int | None, converted: int | None, lost: int | None, conversion: int | None
) -> dict[str, int | None]:
    """The trials that began in a week, by name."""
    week = f"trials from {monday}"
    return {
        f"{week}, started": started,
        f"{week}, converted": converted,
        f"{week}, ended unpaid": lost,
        f"{week}, conversion": conversion,
    }


@dataclass(slots=True)
class WeekOfTrials:
    """The trials that began in a week: how many, and how many have paid, or ended unpaid. The others are undecided."""

    started: int = 0
    converted: int = 0
    lost: int = 0

    @property
    def conversion(self) -> int | None:
        """The share of the decided ones that has paid, in basis points, rounded half up; None before any is decided."""
        decided = self.converted + self.lost
        return (self.converted * 20_000 + decided) // (2 * decided) if decided else None


@dataclass(slots=True)
class CountedApart:
    """What the numbers must say of the days before an instant; `mrr` and `charged` in cents."""

    weeks: dict[date, WeekOfTrials] = field(default_factory=dict)
    """Trials by the Monday of the week in which they began."""
    paying: int = 0
    returned: int = 0
    """How often one pays again, after a pause."""
    stopped: Counter[StopReason] = field(default_factory=Counter)
    """How often one stopped paying. One that returns may stop again."""
    mrr: int = 0
    charged: int = 0

    @property
    def named(self) -> Said:
        """All of it by name."""
        weeks = self.weeks.values()
        trials = WeekOfTrials(
            sum(week.started for week in weeks),
            sum(week.converted for week in weeks),
            sum(week.lost for week in weeks),
        )
        figures = (
            *(trials.started, trials.converted, trials.conversion),
            *(trials.converted, self.returned, self.stopped.total()),
            *(self.paying, self.mrr, self.charged),
        )
        found: dict[str, int | None] = dict(zip(FIGURES, figures, strict=True))
        found |= {stopped_by(reason): self.stopped[reason] for reason in StopReason}
        for monday, week in self.weeks.items():
            found |= named_week(monday, week.started, week.converted, week.lost, week.conversion)
        return found

    def differences(self, said: Said) -> list[str]:
        """Where the numbers say something else."""
        counted = self.named
        return [
            f"{DIFFERS}{name} is {said.get(name)}, and counted apart it is {counted.get(name)}"
            for name in sorted(counted.keys() | said.keys())
            if said.get(name) != counted.get(name)
        ]


def count_apart(lives: Iterable[Life], taken: Mapping[int, list[ListedCharge]], at: datetime) -> CountedApart:
    """Count all readers at an instant."""
    found = CountedApart()
    for life in lives:
        charges = [charge for charge in taken.get(life.number, []) if charge.at < at]
        found.charged += sum(charge.cents for charge in charges)
        _count_trial(found, life, is_paid=bool(charges), at=at)
        _count_subscription(found, life, periods_paid(life, charges, at), at)
    return found


def _count_trial(found: CountedApart, life: Life, *, is_paid: bool, at: datetime) -> None:
    if life.started_on is None:
        return
    monday = life.started_on - timedelta(days=life.started_on.weekday())
    week = found.weeks.setdefault(monday, WeekOfTrials())
    week.started += 1
    if is_paid:
        week.converted += 1
    elif unpaid_trial_ends_at(life) < at:
        week.lost += 1


def _count_subscription(found: CountedApart, life: Life, paid: list[PaidPeriod], at: datetime) -> None:
    if not paid:
        return
    all_stops = list(stops(life, paid))
    found.returned += len(all_stops) - 1
    found.stopped.update(stop.reason for stop in all_stops if stop.at < at)
    if all_stops[-1].at >= at:
        found.paying += 1
        found.mrr += MONTHLY_NET[paid[-1].charge.cents]
