"""Checkout Sessions in payment mode: a page where a person pays with a new or a saved card."""

from typing import Any

from billing.dev.sandbox import amounts, ids, intents, methods, params, paying, vault
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

REDISPLAY = params.choice("always", "limited", "unspecified")
PARAMS: dict[str, params.Kind] = {
    "line_items": params.listed(
        params.group(
            {
                "price_data": params.group(
                    {
                        "currency": params.CURRENCY,
                        "product_data": params.group(
                            {"description": params.text(), "name": params.text()}, required=("name",)
                        ),
                        "unit_amount": params.whole(0),
                    },
                    required=("currency", "product_data", "unit_amount"),
                ),
                "quantity": params.whole(1),
            },
            required=("price_data", "quantity"),
        )
    ),
    "payment_intent_data": params.group(
        {
            "description": params.text(1000),
            "metadata": params.metadata,
            "setup_future_usage": params.choice("off_session", "on_session"),
            "statement_descriptor_suffix": params.text(),
        }
    ),
    "saved_payment_method_options": params.group({"allow_redisplay_filters": params.listed(REDISPLAY)}),
}


def check(given: Row) -> None:
    """Raise StripeError for parameters of the other mode, and for a payment without items."""
    if given["mode"] == "setup":
        for name in PARAMS:
            if name in given:
                raise invalid(f"You can not pass `{name}` in `setup` mode.", param=name)
        return
    if "setup_intent_data" in given:
        raise invalid("You can not pass `setup_intent_data` in `payment` mode.", param="setup_intent_data")
    if not given.get("line_items"):
        raise invalid("Missing required param: line_items.", param="line_items", code="parameter_missing")
    found = {item["price_data"]["currency"].lower() for item in given["line_items"]}
    if len(found) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    amounts.check(_total(given), amounts.currency(found.pop()))


def _total(given: Row) -> int:
    return sum(int(item["price_data"]["unit_amount"]) * int(item["quantity"]) for item in given["line_items"])


def opened(world: SandboxWorld, identifier: str, given: Row) -> Row:
    """The fields of a payment session. Its PaymentIntent is created when the person presses the button."""
    world.store.put("sale", {"id": identifier, **{name: given.get(name) for name in PARAMS}})
    total = _total(given)
    saved = given.get("saved_payment_method_options")
    return {
        "mode": "payment",
        "currency": given["line_items"][0]["price_data"]["currency"].lower(),
        "amount_subtotal": total,
        "amount_total": total,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "payment_status": "unpaid",
        "saved_payment_method_options": saved
        and {
            "allow_redisplay_filters": saved.get("allow_redisplay_filters"),
            "payment_method_remove": "disabled",
            "payment_method_save": None,
        },
    }


def items(world: SandboxWorld, session: Row) -> list[Row]:
    """The line items: `name`, and `amount` in minor units."""
    sale = world.store.get("sale", session["id"]) or {"line_items": []}
    return [
        {
            "name": item["price_data"]["product_data"]["name"],
            "amount": item["price_data"]["unit_amount"] * item["quantity"],
        }
        for item in sale["line_items"]
    ]


def kept_cards(world: SandboxWorld, session: Row) -> list[Row]:
    """The customer's saved cards that the page may offer; by default only those marked `always`."""
    if session["mode"] != "payment" or not session["customer"]:
        return []
    shown = (session["saved_payment_method_options"] or {}).get("allow_redisplay_filters") or ["always"]
    table = world.store["payment_method"]
    found = table.newest(table.where("customer", session["customer"]))
    return [method for method in found if method["allow_redisplay"] in shown]


def submit(world: SandboxWorld, session: Row, method: Row, base_url: str) -> Row:
    """Pay as the page's button does; return the PaymentIntent. Raises a card error if declined."""
    call = _button_call(world, session, base_url)
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is None:
        intent = intents.begin(call, _intent_params(world, session))
        session["payment_intent"] = intent["id"]
        world.store.put("payment_intent", intent)
        emit(world, "payment_intent.created", intent)
        world.store.put("checkout.session", session)
    intent = dict(intent) | {"payment_method": method["id"]}
    world.store.put("payment_intent", intent)
    return paying.attempt(world, call, intent)


def _button_call(world: SandboxWorld, session: Row, base_url: str) -> Call:
    """The API call that the button stands for."""
    return Call(
        method="POST",
        path=f"/c/pay/{session['id']}",
        ids={},
        params={"return_url": f"{base_url}/c/pay/{session['id']}"},
        at=world.clock.now(),
        request_id=ids.new("req", 14),
        idempotency_key=None,
        base_url=base_url,
    )


def _intent_params(world: SandboxWorld, session: Row) -> dict[str, Any]:
    sale = world.store.get("sale", session["id"]) or {}
    more = sale.get("payment_intent_data") or {}
    return {
        "amount": session["amount_total"],
        "currency": session["currency"],
        "payment_method_options": session["payment_method_options"],
        **({"customer": session["customer"]} if session["customer"] else {}),
        **{
            name: more[name]
            for name in ("description", "metadata", "statement_descriptor_suffix")
            if name in more
        },
        **({"setup_future_usage": more["setup_future_usage"]} if "setup_future_usage" in more else {}),
    }


def keep(world: SandboxWorld, intent: Row) -> None:
    """After a payment with `setup_future_usage`, save the card with its customer."""
    if not intent["setup_future_usage"] or not intent["customer"]:
        return
    method = world.find("payment_method", intent["payment_method"])
    world.store.put("vault", vault.contents(world, method) | {"set_up": True, "used": False})
    methods.keep(world, method, intent["customer"])
