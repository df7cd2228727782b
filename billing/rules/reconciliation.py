"""Our books against the acquirer's, one thing at a time: what each says it moved, and what it means when they differ (STR-11)."""

from dataclasses import dataclass
from enum import StrEnum

from billing.rules.money import BASE_CURRENCY


class Thing(StrEnum):
    """What moves money at the acquirer because of a reader."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"


class Discrepancy(StrEnum):
    """How two books differ about one thing."""

    UNKNOWN = "unknown"
    """The acquirer moved money, and we have no such thing."""
    MISSING = "missing"
    """We have it, and the acquirer moved nothing for it."""
    OTHER_AMOUNT = "other_amount"


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing in both books. Minor units (cents) of what the reader pays, as they change our balance: what came in is positive;
    None: not in that book. `currency` is theirs; ours is the one of our books."""

    thing: Thing
    ref: str
    ours: int | None
    theirs: int | None
    currency: str = BASE_CURRENCY

    @property
    def verdict(self) -> Discrepancy | None:
        """How the books differ; None when they agree. What we expect to have moved nothing needs no movement there."""
        alike = self.currency == BASE_CURRENCY or not self.theirs
        if alike and self.ours == (self.theirs or 0):
            return None
        if self.ours is None:
            return Discrepancy.UNKNOWN
        return Discrepancy.MISSING if self.theirs is None else Discrepancy.OTHER_AMOUNT


MOVED_BY: dict[str, Thing] = {
    "charge": Thing.CHARGE,
    "refund": Thing.REFUND,
    "refund_failure": Thing.REFUND,
    "dispute": Thing.DISPUTE,
    "dispute_reversal": Thing.DISPUTE,
}
"""The acquirer's categories of movements that belong to a thing of ours."""
BY_ITSELF = ("payout", "payout_reversal", "fee")
"""Categories of what it does by itself, and we expect."""


def newly_short(short: int, known: int) -> int:
    """By how many cents more an account was short when a payout left than was known before; 0 when that explains it.

    What an account held before our books began is missing in them for ever, so it is told once, with the first payout that
    took it along."""
    return max(0, short - known)


def at_the_rate_of(settled: int, presented: int, part: int) -> int:
    """What a `part` of something presented settles for at the rate at which the whole (not 0) settled; rounded half away from
    zero. `part` keeps its sign."""
    exact = abs(settled) * abs(part)
    rounded = (2 * exact + abs(presented)) // (2 * abs(presented))
    return rounded if part >= 0 else -rounded


def disputed_part(
    paid: int, currency: str, taken: int, taken_in: str, *, settled: int = 0, settled_in: str = ""
) -> int:
    """How much of a charge is disputed: minor units of its `currency`, at least one and at most `paid`. `taken` is what the
    dispute says, or takes, in any currency; the charge's own rate turns what it had `settled` for back. Where neither is
    known, it is the whole charge."""
    if taken_in == currency:
        part = taken
    elif settled and taken_in == settled_in:
        part = at_the_rate_of(paid, settled, taken)
    else:
        part = paid
    return max(1, min(part, paid))


Theirs = tuple[int, str]
"""What an acquirer moved: minor units, and of which currency."""


def pairs(thing: Thing, ours: dict[str, int], theirs: dict[str, Theirs]) -> list[Pair]:
    """Both books side by side, by reference."""
    found = []
    for ref in sorted(ours.keys() | theirs.keys()):
        moved, currency = theirs.get(ref, (None, BASE_CURRENCY))
        found.append(Pair(thing, ref, ours.get(ref), moved, currency))
    return found
