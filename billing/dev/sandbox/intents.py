"""PaymentIntents: charges, mostly off session with a saved card."""

from billing.dev.sandbox import amounts, charges, ids, methods, params, paying, restrictions
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.setups import AUTOMATIC, MANDATE
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

_OPTIONS = params.group(
    {
        "card": params.group(
            {
                "request_three_d_secure": params.choice("any", "automatic", "challenge"),
                "setup_credential_usage": params.choice("installment", "recurring", "unscheduled"),
                "stored_credential_usage": params.choice("installment", "recurring", "unscheduled"),
            }
        )
    }
)
OFF_SESSION = params.either(params.flag, params.choice("one_off", "recurring"))
_COMMON = {
    "allowed_payment_method_types": params.METHOD_TYPES,
    "payment_method": params.text(),
    "payment_method_options": _OPTIONS,
    "receipt_email": params.unsettable(params.text()),
}
_DESCRIBED = {
    "customer": params.text(),
    "description": params.text(1000),
    "metadata": params.metadata,
    "statement_descriptor": params.text(),
    "statement_descriptor_suffix": params.text(),
}
_CONFIRMING = {
    "error_on_requires_action": params.flag,
    "mandate_data": MANDATE,
    "off_session": OFF_SESSION,
    "return_url": params.text(),
    "use_stripe_sdk": params.flag,
}
_FINAL = ("succeeded", "canceled")


@operation(
    "POST",
    "/v1/payment_intents",
    returns="payment_intent",
    required=("amount", "currency"),
    spec=_COMMON
    | _DESCRIBED
    | _CONFIRMING
    | {
        "amount": params.whole(),
        "automatic_payment_methods": AUTOMATIC,
        "capture_method": params.choice("automatic", "automatic_async"),
        "confirm": params.flag,
        "confirmation_method": params.choice("automatic", "manual"),
        "currency": params.CURRENCY,
    },
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create a PaymentIntent; with `confirm=true` it is paid, requires action, or is declined with 402."""
    given = call.params
    currency = amounts.currency(given["currency"])
    amounts.check(given["amount"], currency)
    _check_confirming(given)
    _check_descriptor(world, given)
    if "customer" in given:
        world.find("customer", given["customer"], param="customer")
    method = _method(world, call, given.get("customer")) if "payment_method" in given else None
    restrictions.check(world, method["id"] if method else None)
    row = begin(call, given | {"currency": currency})
    if method:
        row |= {"payment_method": method["id"], "status": "requires_confirmation"}
    world.store.put("payment_intent", row)
    emit(world, "payment_intent.created", row)
    return paying.attempt(world, call, row) if given.get("confirm") and not call.halfway else row


def _check_confirming(given: Row) -> None:
    for late in ("off_session", "return_url", "mandate_data", "error_on_requires_action"):
        if late in given and not given.get("confirm"):
            raise invalid(f"You cannot set {late} without confirm=true.", param=late)
    if given.get("confirm") and "payment_method" not in given:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. To confirm the PaymentIntent "
            "specify a payment method attached to this customer along with the customer ID.",
            code="payment_intent_unexpected_state",
        )


def _check_descriptor(world: SandboxWorld, given: Row) -> None:
    if "statement_descriptor" in given:
        raise invalid(
            "The `statement_descriptor` parameter is not supported for card payments. "
            "Use `statement_descriptor_suffix` instead.",
            param="statement_descriptor",
        )
    suffix = given.get("statement_descriptor_suffix")
    if suffix is None:
        return
    param = "statement_descriptor_suffix"
    if any(character in suffix for character in "<>\\'\"*"):
        raise invalid("The statement descriptor suffix may not contain any of < > \\ ' \" *", param=param)
    if not any(character.isalpha() for character in suffix):
        raise invalid("The statement descriptor suffix must contain at least one letter.", param=param)
    if len(charges.descriptor(world, suffix)) > 22:
        raise invalid(
            "The statement descriptor prefix and suffix together may have 22 characters.", param=param
        )


def _method(world: SandboxWorld, call: Call, customer: str | None) -> Row:
    method = methods.usable(world, call.params["payment_method"])
    methods.refuse_other_owner(method, customer, "PaymentIntent")
    methods.refuse_spent(world, method)
    return method


def begin(call: Call, given: Row) -> Row:
    """A PaymentIntent without a card yet."""
    identifier = ids.new("pi")
    types = given.get("allowed_payment_method_types")
    options = (given.get("payment_method_options") or {}).get("card", {})
    card = {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": options.get("request_three_d_secure", "automatic"),
    } | {key: options[key] for key in ("stored_credential_usage", "setup_credential_usage") if key in options}
    return {
        "id": identifier,
        "object": "payment_intent",
        "allowed_payment_method_types": types,
        "amount": given["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True}
        if types is None
        else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "client_secret": ids.client_secret(identifier),
        "confirmation_method": given.get("confirmation_method", "automatic"),
        "created": call.at,
        "currency": given["currency"],
        "customer": given.get("customer"),
        "customer_account": None,
        "description": given.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.merged({}, given.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": card},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": given.get("receipt_email"),
        "review": None,
        "setup_future_usage": given.get("setup_future_usage"),
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


@operation("GET", "/v1/payment_intents/{id}", returns="payment_intent", spec={"client_secret": params.text()})
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One PaymentIntent."""
    return world.find("payment_intent", call.ids["id"])


@operation(
    "POST",
    "/v1/payment_intents/{id}",
    returns="payment_intent",
    spec=_COMMON | _DESCRIBED | {"amount": params.whole(), "currency": params.CURRENCY},
)
def update(world: SandboxWorld, call: Call) -> Row:
    """Change an open intent."""
    row = dict(world.find("payment_intent", call.ids["id"]))
    given = call.params
    _check_descriptor(world, given)
    if row["status"] in _FINAL and set(given) - {"metadata", "description", "expand", "receipt_email"}:
        raise _wrong_state(row, "update")
    currency = amounts.currency(given.get("currency", row["currency"]))
    amounts.check(given.get("amount", row["amount"]), currency)
    row |= {"amount": given.get("amount", row["amount"]), "currency": currency}
    if "customer" in given:
        row["customer"] = world.find("customer", given["customer"], param="customer")["id"]
    if "payment_method" in given:
        row |= {
            "payment_method": _method(world, call, row["customer"])["id"],
            "status": "requires_confirmation",
        }
    row["metadata"] = params.merged(row["metadata"], given.get("metadata"))
    for field in ("description", "receipt_email", "statement_descriptor_suffix"):
        row[field] = given.get(field, row[field])
    return world.store.put("payment_intent", row)


@operation("POST", "/v1/payment_intents/{id}/confirm", returns="payment_intent", spec=_COMMON | _CONFIRMING)
def confirm(world: SandboxWorld, call: Call) -> Row:
    """Confirm an existing intent."""
    row = dict(world.find("payment_intent", call.ids["id"]))
    if row["status"] in _FINAL:
        raise _wrong_state(row, "confirm")
    if "payment_method" in call.params:
        row["payment_method"] = _method(world, call, row["customer"])["id"]
    _check_confirming({"confirm": True} | ({"payment_method": True} if row["payment_method"] else {}))
    return paying.attempt(world, call, row)


@operation(
    "POST",
    "/v1/payment_intents/{id}/cancel",
    returns="payment_intent",
    spec={
        "cancellation_reason": params.choice("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
    },
)
def cancel(world: SandboxWorld, call: Call) -> Row:
    """Cancel an open intent."""
    row = dict(world.find("payment_intent", call.ids["id"]))
    if row["status"] in _FINAL:
        raise _wrong_state(row, "cancel")
    row |= {
        "status": "canceled",
        "canceled_at": call.at,
        "next_action": None,
        "cancellation_reason": call.params.get("cancellation_reason"),
    }
    world.store.put("payment_intent", row)
    emit(world, "payment_intent.canceled", row)
    return row


def _wrong_state(row: Row, verb: str) -> Exception:
    return invalid(
        f"You cannot {verb} this PaymentIntent because it has a status of {row['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=row,
    )


@operation(
    "GET",
    "/v1/payment_intents",
    returns="payment_intent",
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "customer": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """PaymentIntents, newest first. A deleted customer is refused as a filter, as Stripe's list of PaymentMethods does
    (https://github.com/Kiln-AI/stripe_world); for this list there is no source."""
    exact = {"customer": call.params["customer"]} if "customer" in call.params else {}
    if exact:
        world.find("customer", exact["customer"], param="customer")
    return page(world, call, "payment_intent", exact)
