"""Webhook endpoints: the addresses that get events, and their signing secrets."""

from billing.dev.sandbox import ids, params
from billing.dev.sandbox.errors import invalid, missing
from billing.dev.sandbox.lists import page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import API_VERSION, Call, SandboxWorld

MOST = 16
_FIELDS = {
    "description": params.unsettable(params.text()),
    "enabled_events": params.listed(params.text()),
    "metadata": params.metadata,
    "url": params.web_address,
}


@operation(
    "POST",
    "/v1/webhook_endpoints",
    returns="webhook_endpoint",
    required=("url", "enabled_events"),
    spec=_FIELDS | {"api_version": params.choice(API_VERSION)},
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create an endpoint; only this answer contains its secret."""
    if len(world.store["webhook_endpoint"].rows) >= MOST:
        raise invalid(
            f"You have reached the maximum of {MOST} test webhook endpoints.", code="resource_limit_exceeded"
        )
    given = call.params
    row = add(world, given["url"], given["enabled_events"], secret=None, version=given.get("api_version"))
    row |= {
        "description": given.get("description"),
        "metadata": params.merged({}, given.get("metadata")),
    }
    return dict(row)


def add(
    world: SandboxWorld, url: str, events: list[str], *, secret: str | None, version: str | None = API_VERSION
) -> Row:
    """Add an endpoint; without `secret` a new one is generated."""
    row: Row = {
        "id": ids.new("we"),
        "object": "webhook_endpoint",
        "api_version": version,
        "application": None,
        "created": world.clock.now(),
        "description": None,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "secret": secret or "whsec_" + ids.random_text(32),
        "status": "enabled",
        "url": url,
    }
    return world.store.put("webhook_endpoint", row)


def _shown(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "secret"}


@operation("GET", "/v1/webhook_endpoints/{id}", returns="webhook_endpoint")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One endpoint, without its secret."""
    return _shown(world.find("webhook_endpoint", call.ids["id"]))


@operation(
    "POST", "/v1/webhook_endpoints/{id}", returns="webhook_endpoint", spec=_FIELDS | {"disabled": params.flag}
)
def update(world: SandboxWorld, call: Call) -> Row:
    """Change an endpoint's address, events or status."""
    row = dict(world.find("webhook_endpoint", call.ids["id"]))
    given = dict(call.params)
    given.pop("expand", None)
    if "disabled" in given:
        row["status"] = "disabled" if given.pop("disabled") else "enabled"
    if "metadata" in given:
        row["metadata"] = params.merged(row["metadata"], given.pop("metadata"))
    return _shown(world.store.put("webhook_endpoint", row | given))


@operation("DELETE", "/v1/webhook_endpoints/{id}", returns="webhook_endpoint")
def delete(world: SandboxWorld, call: Call) -> Row:
    """Delete an endpoint."""
    identifier = call.ids["id"]
    if world.store.get("webhook_endpoint", identifier) is None:
        raise missing("webhook endpoint", identifier, in_path=True)
    world.store.remove("webhook_endpoint", identifier)
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}


@operation("GET", "/v1/webhook_endpoints", returns="webhook_endpoint", many=True, spec=params.LISTING)
def listing(world: SandboxWorld, call: Call) -> Row:
    """All endpoints, newest first, without secrets."""
    found = page(world, call, "webhook_endpoint", {})
    return found | {"data": [_shown(row) for row in found["data"]]}
