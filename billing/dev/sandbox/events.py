"""Events, each with a snapshot of its object."""

import json
from fnmatch import fnmatchcase
from typing import Any

from billing.dev.sandbox import ids, params
from billing.dev.sandbox.lists import page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import API_VERSION, Call, SandboxWorld

KEPT_SECONDS = 30 * 24 * 3600


def emit(world: SandboxWorld, kind: str, row: Row, previous: Row | None = None) -> None:
    """Record an event of type `kind` about `row`, and plan its deliveries."""
    event: Row = {
        "id": ids.new("evt", 24),
        "type": kind,
        "created": world.clock.now(),
        "snapshot": json.dumps(row),
        "previous": previous,
        "request": world.cause or {"id": None, "idempotency_key": None},
    }
    world.store.put("event", event)
    world.on_event(event)


def rendered(world: SandboxWorld, event: Row) -> Row:
    """The event object of the API and of webhooks."""
    inside: dict[str, Any] = {"object": json.loads(event["snapshot"])}
    if event["previous"]:
        inside["previous_attributes"] = event["previous"]
    deliveries = world.store["delivery"]
    waiting = sum(
        row["state"] == "pending" for row in deliveries.newest(deliveries.where("event", event["id"]))
    )
    return {
        "id": event["id"],
        "object": "event",
        "api_version": API_VERSION,
        "created": event["created"],
        "data": inside,
        "livemode": False,
        "pending_webhooks": waiting,
        "request": event["request"],
        "type": event["type"],
    }


def wants(patterns: list[str], kind: str) -> bool:
    """Whether a list such as `["charge.*", "refund.created"]` covers the event type."""
    return any(fnmatchcase(kind, pattern) for pattern in patterns)


def prune(world: SandboxWorld) -> None:
    """Remove events older than 30 days, with their deliveries, as Stripe does."""
    events, deliveries = world.store["event"], world.store["delivery"]
    horizon = world.clock.now() - KEPT_SECONDS
    old = []
    for event in events.oldest(events.where()):
        if event["created"] >= horizon:
            break
        old.append(event["id"])
    for identifier in old:
        rows = list(deliveries.newest(deliveries.where("event", identifier)))
        if any(row["state"] == "pending" for row in rows):
            continue
        for row in rows:
            world.store.remove("delivery", row["id"])
        world.store.remove("event", identifier)


@operation("GET", "/v1/events/{id}", returns="event")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One event."""
    return rendered(world, world.find("event", call.ids["id"]))


@operation(
    "GET",
    "/v1/events",
    returns="event",
    many=True,
    spec=params.LISTING
    | {
        "created": params.RANGE,
        "type": params.text(),
        "types": params.listed(params.text()),
        "delivery_success": params.flag,
    },
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Events, newest first; `type` may end in `*`."""
    kinds = call.params.get("types") or ([call.params["type"]] if "type" in call.params else ["*"])
    success = call.params.get("delivery_success")

    def keep(event: Row) -> bool:
        if not wants(kinds, event["type"]):
            return False
        if success is None:
            return True
        deliveries = world.store["delivery"]
        rows = deliveries.newest(deliveries.where("event", event["id"]))
        return all(row["state"] == "succeeded" for row in rows) is success

    exact = {"type": kinds[0]} if len(kinds) == 1 and "*" not in kinds[0] else {}
    found = page(world, call, "event", exact, keep)
    return found | {"data": [rendered(world, event) for event in found["data"]]}
