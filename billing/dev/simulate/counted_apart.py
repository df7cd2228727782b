"""MRR, churn and conversion, counted from what readers did and what the sandbox charged: nothing of the service is read.

`billing/reports/numbers` must give the same. Amounts and dates are written here a second time, as in `dates`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.dev.simulate.dates import GRACE_DAYS, charge_at, day_from, month_later, start_of
from billing.dev.simulate.judge import AcceptedAct, Life, ListedCharge, PaidPeriod, ends, periods_paid
from billing.dev.simulate.scenarios import ActKind

MONTHLY_NET = {7500: 6522, 75000: 5435}
"""By the cents of a charge, what it brings a month: without VAT of 15%, and a year by twelve."""
STOP_ORDER = "revocation_of_authorization"
AT_ONCE = (ActKind.WITHDRAW, ActKind.ERASE)


@dataclass(frozen=True, slots=True)
class CountedApart:
    """What the numbers must say of the days before an instant; `mrr` and `charged` in cents."""

    trials: int
    converted: int
    paying: int
    stopped: int
    """Of those who ever paid, how many no longer do: who stopped, less who returned."""
    mrr: int
    charged: int

    def differences(self, said: Mapping[str, int | None]) -> list[str]:
        """Where figures, by key, say something else."""
        counted = {
            "trials-started": self.trials,
            "trials-converted": self.converted,
            "first-paid": self.converted,
            "paying": self.paying,
            "stopped": self.stopped,
            "mrr": self.mrr,
            "charged": self.charged,
        }
        return [
            f"numbers: {key} is {said.get(key)}, and counted apart it is {value}"
            for key, value in counted.items()
            if said.get(key) != value
        ]


def count_apart(lives: Iterable[Life], taken: Mapping[int, list[ListedCharge]], at: datetime) -> CountedApart:
    """Count all readers at an instant."""
    known = [(life, [charge for charge in taken.get(life.number, []) if charge.at < at]) for life in lives]
    monthly = [cents for life, charges in known if (cents := monthly_net(life, charges, at))]
    converted = sum(bool(charges) for _, charges in known)
    return CountedApart(
        trials=sum(life.started_on is not None for life, _ in known),
        converted=converted,
        paying=len(monthly),
        stopped=converted - len(monthly),
        mrr=sum(monthly),
        charged=sum(charge.cents for _, charges in known for charge in charges),
    )


def monthly_net(life: Life, charges: list[ListedCharge], at: datetime) -> int:
    """What a reader brings a month at an instant: by the last charge, until the subscription stops."""
    periods = periods_paid(life, charges, at)
    if not periods or _stops_at(life, periods[-1]) <= at:
        return 0
    return MONTHLY_NET[periods[-1].charge.cents]


def _stops_at(life: Life, last: PaidPeriod) -> datetime:
    """When it stops if no further charge comes: at once, at the end of what is read, or after the grace."""
    due, read_until = last.ends_on, last.ends_on
    is_paused = False
    for act in _since(life, last):
        if act.kind in AT_ONCE:
            return act.at
        if ends(act, life.accepted):
            return max(act.at, start_of(read_until))
        match act.kind:
            case ActKind.DAYS:
                due = read_until = due + timedelta(days=int(act.detail))
            case ActKind.PAUSE:
                due, is_paused = month_later(due, int(act.detail)), True
            case ActKind.CHARGE_DAY:
                due = day_from(due, act.detail)
    if is_paused:
        return start_of(read_until)
    return charge_at(due) if _stop_order(life, charge_at(due)) else start_of(due + timedelta(days=GRACE_DAYS))


def _since(life: Life, last: PaidPeriod) -> Iterator[AcceptedAct]:
    """Acts after the last charge, in order. A dispute is of a charge, so one in the same second came after it."""
    for act in sorted(life.accepted, key=lambda act: act.at):
        if act.at > last.charge.at or (act.kind is ActKind.DISPUTE and act.at == last.charge.at):
            yield act


def _stop_order(life: Life, due: datetime) -> bool:
    """Whether the bank answers a charge at that instant with its customer's order to stop."""
    is_ordered = False
    for act in sorted(life.accepted, key=lambda act: act.at):
        if act.at <= due:
            match act.kind:
                case ActKind.CARD_FAILS:
                    is_ordered = act.detail == STOP_ORDER
                case ActKind.CARD_WORKS | ActKind.NEW_CARD | ActKind.REPLACED:
                    is_ordered = False
    return is_ordered
