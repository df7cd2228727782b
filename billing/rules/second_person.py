"""When money given back needs two members of staff (SEC-6): one sum above the limit, or several that together are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GivenAlone:
    """Cents that members have given back alone today: all of them to this reader, and this member to all readers."""

    to_reader: int
    by_member: int


def is_needed(cents: int, given: GivenAlone, *, limit: int, day_limit: int) -> bool:
    """Whether `cents` more are for two to decide. `limit` is what a reader may be given by one member alone in a day, `day_limit`
    what one member may give alone in a day. What nobody decides about, because it is owed, is no cents."""
    if cents <= 0:
        return False
    return cents + given.to_reader > limit or cents + given.by_member > day_limit
