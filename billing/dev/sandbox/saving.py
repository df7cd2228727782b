"""Confirm a SetupIntent: the card is saved, declined, or requires the person's action."""

from billing.dev.sandbox import ids, methods, params, vault
from billing.dev.sandbox.cards import IssuerDecline
from billing.dev.sandbox.declines import decline_of, evidence, refusal
from billing.dev.sandbox.errors import DOCS
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld


def begin(world: SandboxWorld, at: int, given: Row) -> Row:
    """Create a SetupIntent without a card yet."""
    identifier = ids.new("seti")
    options = (given.get("payment_method_options") or {}).get("card", {})
    types = given.get("allowed_payment_method_types")
    row: Row = {
        "id": identifier,
        "object": "setup_intent",
        "allowed_payment_method_types": types,
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True}
        if types is None
        else None,
        "cancellation_reason": None,
        "client_secret": ids.client_secret(identifier),
        "created": at,
        "customer": given.get("customer"),
        "customer_account": None,
        "description": given.get("description"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": params.merged({}, given.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": options.get("request_three_d_secure", "automatic"),
            }
            | (
                {"setup_credential_usage": options["setup_credential_usage"]}
                if "setup_credential_usage" in options
                else {}
            )
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": given.get("usage", "off_session"),
    }
    return world.store.put("setup_intent", row)


def attempt(world: SandboxWorld, row: Row, base_url: str, return_url: str | None = None) -> Row:
    """Try the card: it is saved, requires 3-D Secure, or a card error (402) with the intent is raised."""
    method = world.find("payment_method", row["payment_method"], param="payment_method")
    card = vault.card_of(world, method)
    if decline := decline_of(card, vault.contents(world, method), on="setup"):
        fail(world, row, method, decline)
        raise refusal(decline, setup_intent=row, payment_method=method)
    if card.auth in ("unless_set_up", "always") and not vault.contents(world, method)["set_up"]:
        link = f"{base_url}/c/authenticate/{row['id']}"
        action: Row = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": link},
        }
        if return_url:
            action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": link}}
        row |= {"status": "requires_action", "next_action": action, "last_setup_error": None}
        row["latest_attempt"] = _attempted(world, row, method, "requires_action", None)["id"]
        world.store.put("setup_intent", row)
        emit(world, "setup_intent.requires_action", row)
        return row
    return succeed(world, row, method, authenticated=False)


def succeed(world: SandboxWorld, row: Row, method: Row, *, authenticated: bool) -> Row:
    """Save the card and attach it to the intent's customer, if any."""
    kept = vault.contents(world, method)
    world.store.put("vault", kept | {"set_up": True, "authenticated": authenticated})
    if row["customer"]:
        method = methods.keep(world, method, row["customer"])
    row |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    row["latest_attempt"] = _attempted(world, row, method, "succeeded", None)["id"]
    world.store.put("setup_intent", row)
    emit(world, "setup_intent.succeeded", row)
    return row


def fail(world: SandboxWorld, row: Row, method: Row, decline: IssuerDecline | None) -> Row:
    """Fail the intent: the issuer declined, or without `decline` the person didn't authenticate."""
    problem: Row = evidence(decline) if decline else _not_authenticated()
    row |= {
        "status": "requires_payment_method",
        "next_action": None,
        "payment_method": None,
        "last_setup_error": problem | {"payment_method": method},
    }
    row["latest_attempt"] = _attempted(world, row, method, "failed", problem)["id"]
    world.store.put("setup_intent", row)
    emit(world, "setup_intent.setup_failed", row)
    return row


def _not_authenticated() -> Row:
    code = "setup_intent_authentication_failure"
    return {
        "code": code,
        "doc_url": DOCS + code.replace("_", "-"),
        "message": "We are unable to authenticate your payment method. Please choose a different payment method "
        "and try again.",
        "type": "invalid_request_error",
    }


def _attempted(world: SandboxWorld, row: Row, method: Row, status: str, problem: Row | None) -> Row:
    return world.store.put(
        "setup_attempt",
        {
            "id": ids.new("setatt"),
            "object": "setup_attempt",
            "application": None,
            "created": world.clock.now(),
            "customer": row["customer"],
            "customer_account": None,
            "flow_directions": None,
            "livemode": False,
            "on_behalf_of": None,
            "payment_method": method["id"],
            "payment_method_details": {"type": "card", "card": {"three_d_secure": None}},
            "setup_error": problem,
            "setup_intent": row["id"],
            "status": status,
            "usage": row["usage"],
        },
    )
