"""Early fraud warnings: the card's issuer reports a possibly fraudulent charge before any dispute."""

from billing.dev.sandbox import ids, params
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

KIND = "radar.early_fraud_warning"


def warn(world: SandboxWorld, charge: Row) -> Row:
    """Warn about a paid charge. The warning is actionable unless the charge is refunded or disputed."""
    if not charge["paid"]:
        raise invalid(f"Charge {charge['id']} was not paid.")
    row: Row = {
        "id": ids.new("issfr", 24),
        "object": KIND,
        "actionable": not charge["refunded"] and not charge["disputed"],
        "charge": charge["id"],
        "created": world.clock.now(),
        "fraud_type": "unauthorized_use_of_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    world.store.put(KIND, row)
    emit(world, f"{KIND}.created", row)
    return row


@operation("GET", "/v1/radar/early_fraud_warnings/{id}", returns=KIND)
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One warning."""
    return world.find(KIND, call.ids["id"])


@operation(
    "GET",
    "/v1/radar/early_fraud_warnings",
    returns=KIND,
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "charge": params.text(), "payment_intent": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Warnings, newest first."""
    return page(world, call, KIND, filters(call, "charge", "payment_intent"))
