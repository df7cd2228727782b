"""Our books against the acquirer's, one thing at a time: what each says it moved, and what it means when they differ (STR-11)."""

from dataclasses import dataclass
from enum import StrEnum


class Thing(StrEnum):
    """What moves money at the acquirer because of a reader."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"


class Verdict(StrEnum):
    """How two books differ about one thing."""

    UNKNOWN = "unknown"
    """The acquirer moved money, and we have no such thing."""
    MISSING = "missing"
    """We have it, and the acquirer moved nothing for it."""
    OTHER_AMOUNT = "other_amount"


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing in both books. Cents as they change our balance: what came in is positive; None: not in that book."""

    thing: Thing
    ref: str
    ours: int | None
    theirs: int | None

    @property
    def verdict(self) -> Verdict | None:
        """How the books differ; None when they agree. What we expect to have moved nothing needs no movement there."""
        if self.ours == (self.theirs or 0):
            return None
        if self.ours is None:
            return Verdict.UNKNOWN
        return Verdict.MISSING if self.theirs is None else Verdict.OTHER_AMOUNT


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


def pairs(thing: Thing, ours: dict[str, int], theirs: dict[str, int]) -> list[Pair]:
    """Both books side by side, by reference."""
    return [Pair(thing, ref, ours.get(ref), theirs.get(ref)) for ref in sorted(ours.keys() | theirs.keys())]
