"""SetupIntents: save a card for later, with authentication if the issuer requires it."""

from billing.dev.sandbox import methods, params, saving
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

_CARD_OPTIONS = params.group(
    {
        "card": params.group(
            {
                "request_three_d_secure": params.choice("any", "automatic", "challenge"),
                "setup_credential_usage": params.choice("installment", "recurring", "unscheduled"),
            }
        )
    }
)
MANDATE = params.group(
    {
        "customer_acceptance": params.group(
            {
                "accepted_at": params.whole(),
                "type": params.choice("online", "offline"),
                "online": params.group({"ip_address": params.text(), "user_agent": params.text()}),
                "offline": params.group({}),
            },
            required=("type",),
        )
    },
    required=("customer_acceptance",),
)
AUTOMATIC = params.group(
    {"enabled": params.flag, "allow_redirects": params.choice("always", "never")}, required=("enabled",)
)
_COMMON = {
    "allowed_payment_method_types": params.METHOD_TYPES,
    "payment_method": params.text(),
    "payment_method_options": _CARD_OPTIONS,
}
_DESCRIBED = {"customer": params.text(), "description": params.text(1000), "metadata": params.metadata}


@operation(
    "POST",
    "/v1/setup_intents",
    returns="setup_intent",
    spec=_COMMON
    | _DESCRIBED
    | {
        "automatic_payment_methods": AUTOMATIC,
        "confirm": params.flag,
        "mandate_data": MANDATE,
        "return_url": params.text(),
        "usage": params.choice("off_session", "on_session"),
        "use_stripe_sdk": params.flag,
    },
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create a SetupIntent; `confirm=true` tries the card at once."""
    given = call.params
    if "customer" in given:
        world.find("customer", given["customer"], param="customer")
    for late in ("return_url", "mandate_data"):
        if late in given and not given.get("confirm"):
            raise invalid(f"You cannot set {late} without confirm=true.", param=late)
    method = methods.usable(world, given["payment_method"]) if "payment_method" in given else None
    if method:
        check_takeable(world, method, given.get("customer"))
    row = saving.begin(world, call.at, given)
    if method:
        _take(world, row, method)
    emit(world, "setup_intent.created", row)
    if given.get("confirm"):
        row = saving.attempt(world, row, call.base_url, given.get("return_url"))
    return row


def _take(world: SandboxWorld, row: Row, method: Row) -> None:
    check_takeable(world, method, row["customer"])
    row |= {"payment_method": method["id"], "status": "requires_confirmation"}
    world.store.put("setup_intent", row)


def check_takeable(world: SandboxWorld, method: Row, customer: str | None) -> None:
    """Raise StripeError for a card of another customer, or one that can't be used again."""
    methods.refuse_other_owner(method, customer, "SetupIntent")
    methods.refuse_spent(world, method)


@operation("GET", "/v1/setup_intents/{id}", returns="setup_intent", spec={"client_secret": params.text()})
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One SetupIntent."""
    return world.find("setup_intent", call.ids["id"])


@operation("POST", "/v1/setup_intents/{id}", returns="setup_intent", spec=_COMMON | _DESCRIBED)
def update(world: SandboxWorld, call: Call) -> Row:
    """Change a SetupIntent that has not succeeded."""
    row = dict(world.find("setup_intent", call.ids["id"]))
    _refuse_settled(row, "update")
    given = call.params
    if "customer" in given:
        row["customer"] = world.find("customer", given["customer"], param="customer")["id"]
    row["description"] = given.get("description", row["description"])
    row["metadata"] = params.merged(row["metadata"], given.get("metadata"))
    if "payment_method" in given:
        _take(world, row, methods.usable(world, given["payment_method"]))
    return world.store.put("setup_intent", row)


@operation(
    "POST",
    "/v1/setup_intents/{id}/confirm",
    returns="setup_intent",
    spec=_COMMON | {"mandate_data": MANDATE, "return_url": params.text(), "use_stripe_sdk": params.flag},
)
def confirm(world: SandboxWorld, call: Call) -> Row:
    """Try the card."""
    row = dict(world.find("setup_intent", call.ids["id"]))
    _refuse_settled(row, "confirm")
    if "payment_method" in call.params:
        _take(world, row, methods.usable(world, call.params["payment_method"]))
    if row["payment_method"] is None:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with "
            "a payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
            setup_intent=row,
        )
    return saving.attempt(world, row, call.base_url, call.params.get("return_url"))


@operation(
    "POST",
    "/v1/setup_intents/{id}/cancel",
    returns="setup_intent",
    spec={"cancellation_reason": params.choice("abandoned", "requested_by_customer", "duplicate")},
)
def cancel(world: SandboxWorld, call: Call) -> Row:
    """Cancel a SetupIntent that has not succeeded."""
    row = dict(world.find("setup_intent", call.ids["id"]))
    _refuse_settled(row, "cancel")
    row |= {
        "status": "canceled",
        "next_action": None,
        "cancellation_reason": call.params.get("cancellation_reason"),
    }
    world.store.put("setup_intent", row)
    emit(world, "setup_intent.canceled", row)
    return row


def _refuse_settled(row: Row, verb: str) -> None:
    if row["status"] in ("succeeded", "canceled"):
        raise invalid(
            f"You cannot {verb} this SetupIntent because it has a status of {row['status']}.",
            code="setup_intent_unexpected_state",
            setup_intent=row,
        )


@operation(
    "GET",
    "/v1/setup_intents",
    returns="setup_intent",
    many=True,
    spec=params.LISTING
    | {"created": params.RANGE, "customer": params.text(), "payment_method": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """SetupIntents, newest first."""
    exact = filters(call, "customer", "payment_method")
    return page(world, call, "setup_intent", exact)
