"""Our books against the acquirer's, one thing at a time: what each says it moved, and what a difference means (STR-11)."""

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
    """The acquirer moved money for a thing that we don't have."""
    MISSING = "missing"
    """We have it, and the acquirer moved nothing for it."""
    OTHER_AMOUNT = "other_amount"


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing in both books. Minor units (cents) of what the reader pays, as they change our balance: incoming money is
    positive; None: not in that book. `currency` is theirs; ours is always `BASE_CURRENCY`."""

    thing: Thing
    ref: str
    ours: int | None
    theirs: int | None
    currency: str = BASE_CURRENCY

    @property
    def verdict(self) -> Discrepancy | None:
        """How the books differ; None when they agree. Where ours says 0, theirs needs no movement."""
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
"""Categories of the acquirer's own movements, which we expect."""


def newly_short(short: int, known: int) -> int:
    """By how many cents more an account was short when a payout left than was known before; 0 when that explains it.

    Money that an account held before our books began is missing in them for ever. So it is reported once, with the first
    payout that took it."""
    return max(0, short - known)


def at_the_rate_of(settled: int, presented: int, part: int) -> int:
    """What a `part` of something presented settles for, at the rate of the whole (not 0); rounded half away from zero. The
    sign of `part` stays."""
    exact = abs(settled) * abs(part)
    rounded = (2 * exact + abs(presented)) // (2 * abs(presented))
    return rounded if part >= 0 else -rounded


def disputed_part(
    paid: int, currency: str, taken: int, taken_in: str, *, settled: int = 0, settled_in: str = ""
) -> int:
    """How much of a charge is disputed: minor units of its `currency`, at least one and at most `paid`. `taken` is what the
    dispute names, or takes, in any currency. From the currency that the charge `settled` in, the charge's own rate converts
    it back. From any other, the whole charge is disputed."""
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
    return [
        Pair(thing, ref, ours.get(ref), *theirs.get(ref, (None, BASE_CURRENCY)))
        for ref in sorted(ours.keys() | theirs.keys())
    ]
