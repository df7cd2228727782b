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
    _refuse_disputed(world, charge)
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


def _refuse_disputed(world: World, charge: Row) -> None:
    found = world.store["dispute"]
    for row in found.newest(found.where("charge", charge["id"])):
        if row["status"] in ("needs_response", "under_review", "lost"):
            raise invalid(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
            )


def behave(world: World, how: str | None) -> None:
    """From now on all refunds behave so (`succeeded`, `pending`, `pending_fails`, `fails`); None: as their cards say."""
    world.store.put("setting", {"id": "refunds", "behave": how})


def _behaviour(world: World, charge: Row) -> str:
    told = (world.store.get("setting", "refunds") or {}).get("behave")
    method = world.find("payment_method", charge["payment_method"])
    return told or vault.card_of(world, method).refund


def _begin(world: World, call: Call, charge: Row, amount: int) -> Row:
    behaviour = _behaviour(world, charge)
    pending = behaviour.startswith("pending")
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
        decide(world, world.find("refund", plan["refund"]), succeeds=plan["to"] == "pending")


def decide(world: World, refund: Row, *, succeeds: bool) -> None:
    """The reader's bank takes the money, or sends it back; one that has succeeded may still fail. Raises Refusal."""
    if refund["status"] not in ("pending", "succeeded") or (succeeds and refund["status"] != "pending"):
        raise invalid(f"Refund {refund['id']} is {refund['status']}.")
    if world.store.get("setting", f"refund:{refund['id']}"):
        world.store.remove("setting", f"refund:{refund['id']}")
    refund, before = dict(refund), {"status": refund["status"]}
    refund.pop("pending_reason", None)
    if not succeeds:
        _fall_through(world, refund, before)
        return
    refund["status"] = "succeeded"
    world.store.put("refund", refund)
    emit(world, "refund.updated", refund, before)


def _fall_through(world: World, refund: Row, before: Row) -> None:
    refund |= {
        "status": "failed",
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": balance.of_failed_refund(world, refund)["id"],
    }
    world.store.put("refund", refund)
    _count(world, world.find("charge", refund["charge"]), -refund["amount"])
    emit(world, "refund.failed", refund, before)
    emit(world, "refund.updated", refund, before)


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
