"""Revenue by civil day: what a period's price earns on each of its days, and what a refund takes back of it."""

from dataclasses import dataclass
from datetime import date

from billing.rules.periods import civil


class NotASpan(ValueError):
    """An amount of at least nothing is spread over at least one day."""


@dataclass(frozen=True, slots=True)
class Spread:
    """`amount` cents without VAT, earned day by day from `starts_on` up to, and without, `ends_on`. Raises NotASpan.

    By largest remainder: each day earns the same whole cents, and the first days one cent more until none is left. So the
    days sum exactly to the amount. `billing.ledger.recognition` and `billing.ledger.deferred` say the same in SQL: change all three."""

    amount: int
    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        if self.amount < 0 or civil(self.ends_on) <= civil(self.starts_on):
            raise NotASpan(f"{self.amount} cents from {self.starts_on} to {self.ends_on}")

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.ends_on - self.starts_on).days

    def share(self, on: date) -> int:
        """Cents earned on the day `on`; nothing outside the span."""
        if not self.starts_on <= civil(on) < self.ends_on:
            return 0
        each, over = divmod(self.amount, self.days)
        return each + ((on - self.starts_on).days < over)

    def earned(self, before: date) -> int:
        """Cents earned by the days before `before`."""
        passed = min(max((civil(before) - self.starts_on).days, 0), self.days)
        each, over = divmod(self.amount, self.days)
        return each * passed + min(passed, over)


def worth_of(days: int, *, net: int, in_days: int) -> int:
    """What `days` given away are worth in cents, where a period of `in_days` days costs `net` cents; rounded once, half a cent up."""
    return (2 * net * days + in_days) // (2 * in_days)


@dataclass(frozen=True, slots=True)
class Taken:
    """A refund's net cents: first from what isn't earned yet, the rest from what is."""

    deferred: int
    earned: int


def take_back(net: int, unearned: int) -> Taken:
    """How `net` cents given back divide. Unearned money goes first: the reader gives up days to come before days already read."""
    deferred = min(net, max(unearned, 0))
    return Taken(deferred, net - deferred)
