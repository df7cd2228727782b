"""Confirm a PaymentIntent: it is paid, declined, or requires the person's action."""

from billing.dev.sandbox import charges, restrictions, vault
from billing.dev.sandbox.cards import AUTHENTICATION, EXPIRED, IssuerDecline, SandboxCard
from billing.dev.sandbox.declines import decline_of, evidence, refusal
from billing.dev.sandbox.errors import DOCS
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld


def attempt(world: SandboxWorld, call: Call, row: Row) -> Row:
    """Try to charge: the intent is paid, requires action, or a card error (402) with the intent is raised."""
    method = world.find("payment_method", row["payment_method"], param="payment_method")
    card, kept = vault.card_of(world, method), vault.contents(world, method)
    off_session = call.params.get("off_session", False) is not False
    if off_session and restrictions.asks_person(kept):
        return _ask_person(world, call, row)
    decline = _refused(call.at, card, method, kept)
    if _needs_person(card, kept["set_up"], off_session):
        if not off_session and not call.params.get("error_on_requires_action"):
            return _ask_person(world, call, row)
        decline = AUTHENTICATION
    if decline is not None:
        return decline_charge(world, row, method, decline)
    return pay(world, row, method)


def _needs_person(card: SandboxCard, set_up: bool, off_session: bool) -> bool:
    if card.auth == "on_session":
        return not off_session
    return card.auth == "always" or (card.auth == "unless_set_up" and not (set_up and off_session))


def _refused(at: int, card: SandboxCard, method: Row, kept: Row) -> IssuerDecline | None:
    if vault.is_past(method["card"]["exp_year"], method["card"]["exp_month"], at):
        return EXPIRED
    return decline_of(card, kept, on="charge")


def _ask_person(world: SandboxWorld, call: Call, row: Row) -> Row:
    link = f"{call.base_url}/c/authenticate/{row['id']}"
    back = call.params.get("return_url")
    action: Row = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": link},
    }
    if back:
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": back, "url": link}}
    row |= {"status": "requires_action", "next_action": action, "last_payment_error": None}
    world.store.put("payment_intent", row)
    emit(world, "payment_intent.requires_action", row)
    return row


def authenticate(world: SandboxWorld, row: Row, method: Row, at: int) -> Row:
    """Charge after a successful 3-D Secure; raises a card error if the issuer declines."""
    decline = _refused(at, vault.card_of(world, method), method, vault.contents(world, method))
    return decline_charge(world, row, method, decline) if decline else pay(world, row, method)


def abandon(world: SandboxWorld, row: Row, method: Row) -> Row:
    """Fail the 3-D Secure: the intent requires another card."""
    code = "payment_intent_authentication_failure"
    row |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": {
            "code": code,
            "doc_url": DOCS + code.replace("_", "-"),
            "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a "
            "new PaymentMethod to attempt to fulfill this PaymentIntent again.",
            "payment_method": method,
            "type": "invalid_request_error",
        },
    }
    world.store.put("payment_intent", row)
    emit(world, "payment_intent.payment_failed", row)
    return row


def decline_charge(world: SandboxWorld, row: Row, method: Row, decline: IssuerDecline) -> Row:
    """Record the declined charge, then raise the card error (402) with the intent."""
    charge = charges.make(world, row, method, decline)
    row |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "latest_charge": charge["id"],
        "last_payment_error": evidence(decline) | {"charge": charge["id"], "payment_method": method},
    }
    world.store.put("payment_intent", row)
    emit(world, "payment_intent.payment_failed", row)
    raise refusal(decline, charge=charge["id"], payment_intent=row, payment_method=method)


def pay(world: SandboxWorld, row: Row, method: Row) -> Row:
    """Make the charge."""
    charge = charges.make(world, row, method, None)
    if method["customer"] is None:
        world.store.put("vault", vault.contents(world, method) | {"used": True})
    row |= {
        "status": "succeeded",
        "amount_received": row["amount"],
        "next_action": None,
        "last_payment_error": None,
        "latest_charge": charge["id"],
    }
    world.store.put("payment_intent", row)
    emit(world, "payment_intent.succeeded", row)
    return row
