"""The SQL function `entitlement(zone)`: the one definition of entitled, for pages, the access cache and newsletters.

A migration creates it. It has a row for each entitlement: reader_id, reason, begins_at, until, renews, features. One that
renews outlives `until`: a late charge must lock no payer out. A paused subscription begins, and renews, at the end of its pause,
even before a worker has ended it. It agrees with `rules.access.entitlement_of`, which decides
about one subscription; `tests/access/test_one_definition.py` compares them."""

from datetime import datetime
from typing import Any

from billing.rules.access import Entitlement, Reason

AT = "(e.begins_at <= :at AND (e.renews OR e.until > :at))"
"""The condition, on a row `e`, that it holds at `:at`."""
AHEAD = "(e.renews AND e.begins_at > '-infinity')"
"""The condition, on a row `e`, that it holds only from `until` on."""


def entitled(reader_id: str, more: str = "true") -> str:
    """An SQL condition: the reader (an expression) has an entitlement at `:at`, in `:zone`, that meets `more`."""
    return f"EXISTS (SELECT FROM entitlement(:zone) e WHERE e.reader_id = {reader_id} AND {AT} AND {more})"


def entitlements_json(reader_id: str, which: str) -> str:
    """An SQL expression: those entitlements of the reader (an expression) that meet `which`, for `parse`."""
    row = f"jsonb_build_array(e.reason, e.until, e.features, e.renews, {AHEAD})"
    return f"(SELECT jsonb_agg({row}) FROM entitlement(:zone) e WHERE e.reader_id = {reader_id} AND {which})"  # noqa: S608


def parse(found: list[list[Any]] | None) -> tuple[Entitlement, ...]:
    """The value of `entitlements_json`."""
    return tuple(
        Entitlement(Reason(reason), datetime.fromisoformat(until), frozenset(features), renews, ahead)
        for reason, until, features, renews, ahead in found or ()
    )
