"""Lists: newest first, filtered, in pages. As a fault they can lag, so that the newest objects are missing."""

from collections.abc import Callable, Iterable
from typing import Any

from billing.dev.sandbox.errors import invalid, missing
from billing.dev.sandbox.store import Row, Table
from billing.dev.sandbox.world import NOUNS, Call, SandboxWorld

MOST_BEHIND = 3600
"""The largest lag in seconds."""


def fall_behind(world: SandboxWorld, seconds: int) -> None:
    """A fault: hide objects from lists until they are `seconds` old; retrieval by id isn't affected. 0 ends it.

    Stripe says that lists are up to date. Its search lags by up to a minute, longer during an outage
    (https://docs.stripe.com/search#data-freshness)."""
    world.store.put("setting", {"id": "lists", "behind": seconds})


def behind(world: SandboxWorld) -> int:
    """The lists' lag in seconds."""
    return int((world.store.get("setting", "lists") or {}).get("behind", 0))


def page(
    world: SandboxWorld,
    call: Call,
    kind: str,
    exact: dict[str, Any],
    keep: Callable[[Row], bool] = lambda _row: True,
) -> Row:
    """One page of a table. `exact` are equality filters; `created` and the cursors come from the call."""
    table = world.store[kind]
    limit = call.params.get("limit", 10)
    lowest, highest = _bounds(call.params.get("created"))
    if lag := behind(world):
        highest = min(highest, world.clock.now() - lag)
    indexed = next((field for field in exact if table.indexes(field)), None)
    sequences = table.where(indexed, exact[indexed]) if indexed else table.where()
    found: list[Row] = []
    for row in _walk(table, call, kind, sequences):
        if row.get("deleted"):
            continue
        if row["created"] < lowest:
            if table.rising and "ending_before" not in call.params:
                break
            continue
        if row["created"] > highest or not all(row.get(field) == value for field, value in exact.items()):
            continue
        if keep(row):
            found.append(row)
        if len(found) > limit:
            break
    more = len(found) > limit
    found = found[:limit]
    if "ending_before" in call.params:
        found.reverse()
    return {"object": "list", "data": found, "has_more": more, "url": call.path}


def filters(call: Call, *fields: str) -> dict[str, Any]:
    """The call's values of these filter fields, where given."""
    return {field: call.params[field] for field in fields if field in call.params}


def _walk(table: Table, call: Call, kind: str, sequences: list[int]) -> Iterable[Row]:
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid("You can only use one of starting_after and ending_before", param="ending_before")
    for param, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in table.rows:
            raise missing(NOUNS[kind], cursor, param=param)
    if before:
        return table.oldest(sequences, after=before)
    return table.newest(sequences, before=after)


def _bounds(created: int | dict[str, int] | None) -> tuple[float, float]:
    if created is None:
        return float("-inf"), float("inf")
    if isinstance(created, int):
        return created, created
    lowest = max(created.get("gte", float("-inf")), created.get("gt", float("-inf")) + 1)
    highest = min(created.get("lte", float("inf")), created.get("lt", float("inf")) - 1)
    return lowest, highest
