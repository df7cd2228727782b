"""When money given back needs two members of staff (SEC-6): one sum above the limit, or several that together are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GivenAlone:
    """Cents given back today on one member's decision: to this reader by all members, and by this member to all readers."""

    to_reader: int
    by_member: int


def is_needed(cents: int, given: GivenAlone, *, limit: int, day_limit: int) -> bool:
    """Whether two members must decide about `cents` more. Without that a reader may receive `limit` a day, and a member may give
    `day_limit`. Money that is owed needs no decision: it counts as no cents."""
    return cents > 0 and (cents + given.to_reader > limit or cents + given.by_member > day_limit)
