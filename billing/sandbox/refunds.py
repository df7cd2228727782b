"""Refunds: in full or in part, never more than was paid."""

from billing.sandbox import balance, ids, params, vault
from billing.sandbox.errors import invalid
from billing.sandbox.events import emit
from billing.sandbox.lists import filters, page
from billing.sandbox.operations import operation
from billing.sandbox.store import Row
from billing.sandbox.world import Call, World

SETTLES_AFTER = 24 * 3600


@operation(
    "POST",
    "/v1/refunds",
    returns="refund",
    spec={
        "amount": params.whole(),
        "charge": params.text(),
        "metadata": params.metadata,
        "payment_intent": params.text(),
        "reason": params.choice("duplicate", "fraudulent", "requested_by_customer"),
    },
)
def create(world: World, call: Call) -> Row:
    """Give back `amount` cents, or all that is left."""
    charge = _charge(world, call)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = call.params.get("amount", left)
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer"
        )
    if amount > left:
        unit = charge["currency"].upper()
        raise invalid(
            f"Refund amount ({unit} {amount / 100:.2f}) is greater than unrefunded amount on charge "
            f"({unit} {left / 100:.2f})",
            param="amount",
        )
    row = _begin(world, call, charge, amount)
    _count(world, charge, amount)
    emit(world, "charge.refunded", world.find("charge", charge["id"]))
    emit(world, "refund.created", row)
    return row


def _charge(world: World, call: Call) -> Row:
    given = call.params
    if ("charge" in given) == ("payment_intent" in given):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if "charge" in given:
        charge = world.find("charge", given["charge"], param="charge")
        if not charge["paid"]:
            raise invalid(
                f"Charge {charge['id']} was not successful and can't be refunded.",
                code="charge_not_refundable",
            )
        return charge
    intent = world.find("payment_intent", given["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
            code="payment_intent_unexpected_state",
        )
    return world.find("charge", intent["latest_charge"])


def _begin(world: World, call: Call, charge: Row, amount: int) -> Row:
    method = world.find("payment_method", charge["payment_method"])
    behaviour = vault.card_of(world, method).refund
    pending = behaviour == "pending"
    row: Row = {
        "id": ids.new("re", 24),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.at,
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "pending" if pending else "refund",
            },
            "type": "card",
        },
        "metadata": params.merged({}, call.params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": call.params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    if pending:
        row["pending_reason"] = "processing"
    row["balance_transaction"] = balance.of_refund(world, row)["id"]
    if behaviour != "succeeded":
        world.store.put(
            "setting",
            {
                "id": f"refund:{row['id']}",
                "refund": row["id"],
                "at": call.at + SETTLES_AFTER,
                "to": behaviour,
            },
        )
    return world.store.put("refund", row)


def _count(world: World, charge: Row, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    world.store.put(
        "charge", charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    )


def settle_due(world: World) -> None:
    """Let refunds that were pending succeed, and those that must fail, fail, a day after they were made."""
    now = world.clock.now()
    due = [
        row
        for row in world.store["setting"].rows.values()
        if row["id"].startswith("refund:") and row["at"] <= now
    ]
    for plan in due:
        refund = dict(world.find("refund", plan["refund"]))
        refund.pop("pending_reason", None)
        if plan["to"] == "pending":
            refund["status"] = "succeeded"
            world.store.put("refund", refund)
            emit(world, "refund.updated", refund, {"status": "pending"})
        else:
            _fall_through(world, refund)
        world.store.remove("setting", plan["id"])


def _fall_through(world: World, refund: Row) -> None:
    refund |= {
        "status": "failed",
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": balance.of_failed_refund(world, refund)["id"],
    }
    world.store.put("refund", refund)
    _count(world, world.find("charge", refund["charge"]), -refund["amount"])
    emit(world, "refund.failed", refund, {"status": "succeeded"})
    emit(world, "refund.updated", refund, {"status": "succeeded"})


@operation("GET", "/v1/refunds/{id}", returns="refund")
def retrieve(world: World, call: Call) -> Row:
    """One refund."""
    return world.find("refund", call.ids["id"])


@operation("POST", "/v1/refunds/{id}", returns="refund", spec={"metadata": params.metadata})
def update(world: World, call: Call) -> Row:
    """Change its metadata."""
    row = world.find("refund", call.ids["id"])
    row = row | {"metadata": params.merged(row["metadata"], call.params.get("metadata"))}
    world.store.put("refund", row)
    emit(world, "refund.updated", row)
    return row


@operation(
    "GET",
    "/v1/refunds",
    returns="refund",
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "charge": params.text(), "payment_intent": params.text()},
)
def listing(world: World, call: Call) -> Row:
    """Refunds, newest first."""
    exact = filters(call, "charge", "payment_intent")
    return page(world, call, "refund", exact)
