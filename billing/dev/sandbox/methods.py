"""PaymentMethods: saved cards. Their behaviour is in the vault."""

from typing import Any

from billing.dev.sandbox import params, vault
from billing.dev.sandbox.cards import named
from billing.dev.sandbox.declines import decline_of, refusal
from billing.dev.sandbox.errors import invalid, missing
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

_BILLING = params.group(
    {
        "address": params.unsettable(params.group(params.ADDRESS)),
        "email": params.unsettable(params.text()),
        "name": params.unsettable(params.text()),
        "phone": params.unsettable(params.text()),
    }
)
_REDISPLAY = params.choice("always", "limited", "unspecified")


def usable(world: SandboxWorld, identifier: str, param: str | None = "payment_method") -> Row:
    """The PaymentMethod with this id. A test name such as `pm_card_visa` makes a new one."""
    if card := named(identifier):
        return vault.mint(world, card)
    return world.find("payment_method", identifier, param=param)


def of_customer(world: SandboxWorld, identifier: str, customer: str, param: str) -> Row:
    """The customer's PaymentMethod; raises StripeError if it isn't attached to the customer."""
    method = world.store.get("payment_method", identifier)
    if method is None or method["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {identifier}. "
            "The payment method must be attached to the customer.",
            param=param,
            code="resource_missing",
        )
    return method


def refuse_other_owner(method: Row, customer: str | None, intent: str) -> None:
    """Refuse a card of another customer than the intent's. `intent` is Stripe's name of the object.

    Source of the messages, which have no code: https://github.com/Kiln-AI/stripe_world, recorded at 2026-08-26.dahlia."""
    owner = method["customer"]
    if owner is None or owner == customer:
        return
    if customer is not None:
        raise invalid(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied {customer}. Please use this "
            "PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )
    if intent == "SetupIntent":
        raise invalid(
            f"The payment method supplied ({method['id']}) belongs to the Customer {owner}. Please include the Customer "
            "in the `customer` parameter on the SetupIntent.",
            param="payment_method",
        )
    raise invalid(
        f"The `payment_method` parameter supplied {method['id']} belongs to the Customer {owner}. Please include the "
        "Customer in the `customer` parameter on the PaymentIntent.",
        param="source",
        code="parameter_missing",
    )


def attach_to(world: SandboxWorld, method: Row, customer: str) -> Row:
    """Attach a card; raises a card error if the issuer declines."""
    if decline := decline_of(vault.card_of(world, method), vault.contents(world, method), on="setup"):
        raise refusal(decline)
    return keep(world, method, customer)


def keep(world: SandboxWorld, method: Row, customer: str) -> Row:
    """Attach without a check by the issuer."""
    if method["customer"] == customer:
        return method
    method = method | {"customer": customer}
    world.store.put("payment_method", method)
    emit(world, "payment_method.attached", method)
    return method


def detach_from(world: SandboxWorld, method: Row, *, silently: bool = False) -> Row:
    """Detach the card from its customer for good; `silently`: without an event."""
    previous = {"customer": method["customer"]}
    method = method | {"customer": None}
    world.store.put("payment_method", method)
    world.store.put("vault", vault.contents(world, method) | {"used": True})
    owner = world.store.get("customer", previous["customer"])
    if (
        owner
        and not owner.get("deleted")
        and owner["invoice_settings"]["default_payment_method"] == method["id"]
    ):
        settings = owner["invoice_settings"] | {"default_payment_method": None}
        world.store.put("customer", owner | {"invoice_settings": settings})
    if not silently:
        emit(world, "payment_method.detached", method, previous)
    return method


@operation(
    "POST",
    "/v1/payment_methods",
    returns="payment_method",
    required=("type",),
    spec={
        "type": params.choice("card"),
        "card": params.group(
            {
                "token": params.text(),
                "number": params.text(),
                "exp_month": params.whole(),
                "exp_year": params.whole(),
                "cvc": params.text(),
            }
        ),
        "billing_details": _BILLING,
        "metadata": params.metadata,
        "allow_redisplay": _REDISPLAY,
    },
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create a PaymentMethod from a test token. Card numbers are refused, as for accounts without PCI proof."""
    given: dict[str, Any] = call.params.get("card") or {}
    if "number" in given:
        raise invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe. To continue processing use "
            "Stripe.js, the Stripe mobile bindings, or Stripe Elements.",
            param="card[number]",
        )
    if "token" not in given:
        raise invalid("Missing required param: card[token].", param="card[token]", code="parameter_missing")
    card = named(given["token"]) if given["token"].startswith("tok_") else None
    if card is None:
        raise missing("token", given["token"], param="card[token]")
    row = vault.mint(world, card)
    _change(row, call.params)
    return world.store.put("payment_method", row)


def _change(row: Row, given: Row) -> Row:
    before = {key: row[key] for key in ("billing_details", "metadata", "allow_redisplay", "card")}
    if details := given.get("billing_details"):
        row["billing_details"] = row["billing_details"] | details
    row["metadata"] = params.merged(row["metadata"], given.get("metadata"))
    row["allow_redisplay"] = given.get("allow_redisplay", row["allow_redisplay"])
    if "exp_month" in given.get("card", {}) or "exp_year" in given.get("card", {}):
        row["card"] = row["card"] | given["card"]
    return {key: value for key, value in before.items() if row[key] != value}


@operation("GET", "/v1/payment_methods/{id}", returns="payment_method")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One PaymentMethod; for a test name a new one."""
    return usable(world, call.ids["id"], param=None)


@operation(
    "POST",
    "/v1/payment_methods/{id}",
    returns="payment_method",
    spec={
        "billing_details": _BILLING,
        "card": params.group({"exp_month": params.whole(1, 12), "exp_year": params.whole(2000, 2100)}),
        "metadata": params.metadata,
        "allow_redisplay": _REDISPLAY,
    },
)
def update(world: SandboxWorld, call: Call) -> Row:
    """Change expiry, billing details or metadata of an attached card."""
    row = dict(world.find("payment_method", call.ids["id"]))
    if row["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.")
    previous = _change(row, call.params)
    world.store.put("payment_method", row)
    emit(world, "payment_method.updated", row, previous)
    return row


@operation(
    "POST",
    "/v1/payment_methods/{id}/attach",
    returns="payment_method",
    required=("customer",),
    spec={"customer": params.text()},
)
def attach(world: SandboxWorld, call: Call) -> Row:
    """Attach to a customer."""
    customer = world.find("customer", call.params["customer"], param="customer")
    method = usable(world, call.ids["id"], param=None)
    if method["customer"] == customer["id"]:
        return method
    if method["customer"]:
        raise invalid("The payment method you provided has already been attached to a customer.")
    if _spent(world, method):
        # only a message, without code or param: https://github.com/stripe/stripe-php/issues/1221
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again."
        )
    return attach_to(world, method, customer["id"])


def refuse_spent(world: SandboxWorld, method: Row) -> None:
    """Refuse a detached card, or one that paid without being attached.

    The body has only a message and a type: https://github.com/Automattic/woocommerce-payments/issues/323"""
    if _spent(world, method):
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with "
            "a connected account without Customer attachment, or was detached from a Customer. It may not be used again. "
            "To use a PaymentMethod multiple times, you must attach it to a Customer first."
        )


def _spent(world: SandboxWorld, method: Row) -> bool:
    return bool(vault.contents(world, method)["used"]) and method["customer"] is None


@operation("POST", "/v1/payment_methods/{id}/detach", returns="payment_method")
def detach(world: SandboxWorld, call: Call) -> Row:
    """Detach from its customer."""
    method = world.find("payment_method", call.ids["id"])
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    return detach_from(world, method)


_LISTING = params.LISTING | {"type": params.text(), "allow_redisplay": _REDISPLAY}


@operation(
    "GET",
    "/v1/payment_methods",
    returns="payment_method",
    many=True,
    spec=_LISTING | {"customer": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Cards of one customer. Without a customer the list is empty (https://github.com/Kiln-AI/stripe_world)."""
    if "customer" not in call.params:
        return page(world, call, "payment_method", {}, lambda _row: False)
    customer = world.find("customer", call.params["customer"], param="customer")
    return _cards_of(world, call, customer["id"])


@operation("GET", "/v1/customers/{id}/payment_methods", returns="payment_method", many=True, spec=_LISTING)
def of_one(world: SandboxWorld, call: Call) -> Row:
    """Cards of the customer in the path."""
    return _cards_of(world, call, world.find("customer", call.ids["id"])["id"])


@operation("GET", "/v1/customers/{id}/payment_methods/{method}", returns="payment_method")
def one_of_one(world: SandboxWorld, call: Call) -> Row:
    """One card of the customer in the path."""
    customer = world.find("customer", call.ids["id"])
    method = world.find("payment_method", call.ids["method"])
    if method["customer"] != customer["id"]:
        raise missing("PaymentMethod", method["id"], in_path=True)
    return method


def _cards_of(world: SandboxWorld, call: Call, customer: str) -> Row:
    exact = {"customer": customer} | {
        key: call.params[key] for key in ("type", "allow_redisplay") if key in call.params
    }
    return page(world, call, "payment_method", exact)
