"""Refunds, in full or in part, never more than was paid; and every way in which they can fail."""

from collections.abc import Mapping

from billing.dev.sandbox import balance, ids, params, vault
from billing.dev.sandbox.errors import StripeError, invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

SETTLES_AFTER = 24 * 3600
BEHAVIOURS: Mapping[str, str] = {
    "succeeded": "succeed at once",
    "pending": "are pending for a day, then succeed",
    "pending_fails": "are pending for a day, then fail",
    "fails": "succeed, and fail a day later",
    "no_balance": "are refused: our balance is too low",
    "too_old": "are refused for good: the payment is too old",
    "waits_for_balance": "are pending until our balance is enough, which is when you choose something else here",
    "fails_for_balance": "are pending because our balance is too low, and fail a day later",
    "canceled": "are pending for a day, then canceled",
    "asks_reader": "wait for the reader to act, and fail a day later",
}
"""The behaviours of refunds; each text continues "Refunds …".

Stripe's API reference names the states (refunds/object: `status`, `pending_reason`, `failure_reason`). Without balance a refund is
refused, or pending until the account is topped up, depending on the account (docs.stripe.com/refunds). `requires_action` is for
payment methods without automatic refunds: Stripe mails the reader what to do. Its shape is the library's (stripe-python,
`_refund.py`). When its money moves, and how it fails, is not documented, so the product must not depend on either."""
WAITS = ("pending", "requires_action")
"""The states of an undecided refund."""
_LOST = "lost_or_stolen_card"
_SHORT = ("waits_for_balance", "fails_for_balance")


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
def create(world: SandboxWorld, call: Call) -> Row:
    """Refund `amount` cents, or all that is left."""
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
    behaviour = _behaviour(world, charge)
    if behaviour in _REFUSED:
        raise _REFUSED[behaviour]()
    row = _begin(world, call, charge, amount, behaviour)
    _count(world, charge, amount)
    emit(world, "charge.refunded", world.find("charge", charge["id"]))
    emit(world, "refund.created", row)
    return row


def _charge(world: SandboxWorld, call: Call) -> Row:
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


def _refuse_disputed(world: SandboxWorld, charge: Row) -> None:
    found = world.store["dispute"]
    for row in found.newest(found.where("charge", charge["id"])):
        if row["status"] in ("needs_response", "under_review", "lost"):
            raise invalid(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
            )


def _no_balance() -> StripeError:
    """Source of the body, with a `message_code` and no `code`: github.com/Automattic/woocommerce-payments/issues/10025"""
    return invalid(
        "Insufficient funds in your Stripe balance to refund this amount.",
        message_code="insufficient_balance_for_refund",
    )


def _too_old() -> StripeError:
    """Source of the message: github.com/woocommerce/woocommerce-gateway-stripe/issues/4778; the code isn't public."""
    return invalid("This payment is too old to be refunded. It has passed its 90-day refund window.")


_REFUSED = {"no_balance": _no_balance, "too_old": _too_old}


def behave(world: SandboxWorld, behaviour: str | None) -> None:
    """Set the behaviour of all refunds (see `BEHAVIOURS`); None: their cards decide. Refunds that waited for balance succeed unless the
    new behaviour also lacks balance."""
    world.store.put("setting", {"id": "refunds", "behave": behaviour})
    if behaviour not in (*_SHORT, "no_balance"):
        _release_waiting(world)


def ordered_behaviour(world: SandboxWorld) -> str | None:
    """The behaviour that was set for all refunds, or None."""
    behaviour: str | None = (world.store.get("setting", "refunds") or {}).get("behave")
    return behaviour


def _release_waiting(world: SandboxWorld) -> None:
    for refund in [row for row in world.store["refund"].rows.values() if _is_short(row)]:
        decide(world, refund, succeeds=True)


def _is_short(refund: Row) -> bool:
    return refund["status"] == "pending" and refund.get("pending_reason") == "insufficient_funds"


def _behaviour(world: SandboxWorld, charge: Row) -> str:
    method = world.find("payment_method", charge["payment_method"])
    return ordered_behaviour(world) or vault.card_of(world, method).refund


def _begin(world: SandboxWorld, call: Call, charge: Row, amount: int, behaviour: str) -> Row:
    asks, pending = behaviour == "asks_reader", behaviour not in ("succeeded", "fails")
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
        "status": "requires_action" if asks else "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    if asks:
        mail = {"email_sent_at": call.at, "email_sent_to": charge["billing_details"]["email"] or "none"}
        details = {"email_sent": mail, "expires_at": call.at + SETTLES_AFTER}
        row["next_action"] = {"type": "display_details", "display_details": details}
    elif pending:
        row["pending_reason"] = "insufficient_funds" if behaviour in _SHORT else "processing"
    if behaviour not in _SHORT:  # no money moves until the balance is enough
        row["balance_transaction"] = balance.of_refund(world, row)["id"]
    if behaviour not in ("succeeded", "waits_for_balance"):
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


def _count(world: SandboxWorld, charge: Row, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    world.store.put(
        "charge", charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    )


def settle_due(world: SandboxWorld) -> None:
    """Decide refunds by their behaviour, a day after they were made."""
    now = world.clock.now()
    due = [
        row
        for row in world.store["setting"].rows.values()
        if row["id"].startswith("refund:") and row["at"] <= now
    ]
    for plan in due:
        refund, to = world.find("refund", plan["refund"]), plan["to"]
        decide(
            world,
            refund,
            succeeds=to == "pending",
            status="canceled" if to == "canceled" else "failed",
            reason=_REASONS.get(to, _LOST),
        )


_REASONS = {"canceled": "merchant_request", "asks_reader": "unknown"}
"""Values of `failure_reason` in Stripe's API reference (refunds/object)."""


def disputed(world: SandboxWorld, charge: Row) -> None:
    """Fail the pending refunds of a disputed charge, so that the money isn't returned twice
    (docs.stripe.com/refunds, `charge_for_pending_refund_disputed`)."""
    pending = [
        row
        for row in world.store["refund"].rows.values()
        if row["charge"] == charge["id"] and row["status"] in WAITS
    ]
    for refund in pending:
        decide(world, refund, succeeds=False, reason="charge_for_pending_refund_disputed")


def decide(
    world: SandboxWorld,
    refund: Row,
    *,
    succeeds: bool,
    status: str = "failed",
    reason: str = _LOST,
) -> None:
    """Decide a refund: the reader's bank accepts it or returns it for a `reason`. A succeeded refund may still fail. `status` is
    `canceled` if it was cancelled in the dashboard. Raises StripeError for a decided refund."""
    waits = refund["status"] in WAITS
    if not waits and (succeeds or refund["status"] != "succeeded"):
        raise invalid(f"Refund {refund['id']} is {refund['status']}.")
    if world.store.get("setting", f"refund:{refund['id']}"):
        world.store.remove("setting", f"refund:{refund['id']}")
    refund, before = dict(refund), {"status": refund["status"]}
    lacked = refund.pop("pending_reason", None) == "insufficient_funds"
    refund.pop("next_action", None)
    if not succeeds:
        short = lacked and reason == _LOST
        refund |= {"status": status, "failure_reason": "insufficient_funds" if short else reason}
        _fail(world, refund, before)
        return
    refund["status"] = "succeeded"
    if refund["balance_transaction"] is None:
        refund["balance_transaction"] = balance.of_refund(world, refund)["id"]
    world.store.put("refund", refund)
    emit(world, "refund.updated", refund, before)


def _fail(world: SandboxWorld, refund: Row, before: Row) -> None:
    if refund["balance_transaction"] is not None:
        refund["failure_balance_transaction"] = balance.of_failed_refund(world, refund)["id"]
    world.store.put("refund", refund)
    _count(world, world.find("charge", refund["charge"]), -refund["amount"])
    if refund["status"] == "failed":
        emit(world, "refund.failed", refund, before)
    emit(world, "refund.updated", refund, before)


@operation("GET", "/v1/refunds/{id}", returns="refund")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One refund."""
    return world.find("refund", call.ids["id"])


@operation("POST", "/v1/refunds/{id}", returns="refund", spec={"metadata": params.metadata})
def update(world: SandboxWorld, call: Call) -> Row:
    """Change a refund's metadata."""
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
def listing(world: SandboxWorld, call: Call) -> Row:
    """Refunds, newest first."""
    exact = filters(call, "charge", "payment_intent")
    return page(world, call, "refund", exact)
