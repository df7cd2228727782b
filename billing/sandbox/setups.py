"""SetupIntents: saving a card for later, with authentication where the issuer asks for it."""

from billing.sandbox import ids, methods, params
from billing.sandbox.cards import Decline
from billing.sandbox.declines import decline_of, evidence, refusal
from billing.sandbox.errors import DOCS, invalid
from billing.sandbox.events import emit
from billing.sandbox.lists import filters, page
from billing.sandbox.operations import operation
from billing.sandbox.store import Row
from billing.sandbox.world import Call, World

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
def create(world: World, call: Call) -> Row:
    """A SetupIntent; `confirm=true` tries the card at once."""
    given = call.params
    if "customer" in given:
        world.find("customer", given["customer"], param="customer")
    for late in ("return_url", "mandate_data"):
        if late in given and not given.get("confirm"):
            raise invalid(f"You cannot set {late} without confirm=true.", param=late)
    method = methods.usable(world, given["payment_method"]) if "payment_method" in given else None
    row = begin(world, call.at, given)
    if method:
        _take(world, row, method)
    emit(world, "setup_intent.created", row)
    if given.get("confirm"):
        row = attempt(world, row, call.base_url, given.get("return_url"))
    return row


def begin(world: World, at: int, given: Row) -> Row:
    """A SetupIntent that waits for its card."""
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


def _take(world: World, row: Row, method: Row) -> None:
    if method["customer"] and method["customer"] != row["customer"]:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            param="payment_method",
            code="payment_method_unexpected_state",
        )
    methods.refuse_spent(world, method)
    row["payment_method"] = method["id"]
    row["status"] = "requires_confirmation"
    world.store.put("setup_intent", row)


def attempt(world: World, row: Row, base_url: str, return_url: str | None = None) -> Row:
    """Try the card: done, or 3-D Secure first, or a card error (402) that names the intent."""
    method = world.find("payment_method", row["payment_method"], param="payment_method")
    card = methods.card_of(world, method)
    if decline := decline_of(card, methods.vault_of(world, method), on="setup"):
        fail(world, row, method, decline)
        raise refusal(decline, setup_intent=row, payment_method=method)
    if card.auth in ("unless_set_up", "always") and not methods.vault_of(world, method)["set_up"]:
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


def succeed(world: World, row: Row, method: Row, *, authenticated: bool) -> Row:
    """The card is saved and, when the intent has a customer, attached."""
    vault = methods.vault_of(world, method)
    world.store.put("vault", vault | {"set_up": True, "authenticated": authenticated})
    if row["customer"]:
        method = methods.keep(world, method, row["customer"])
    row |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    row["latest_attempt"] = _attempted(world, row, method, "succeeded", None)["id"]
    world.store.put("setup_intent", row)
    emit(world, "setup_intent.succeeded", row)
    return row


def fail(world: World, row: Row, method: Row, decline: Decline | None) -> Row:
    """The issuer said no, or (`decline` None) the person did not authenticate."""
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


def _attempted(world: World, row: Row, method: Row, status: str, problem: Row | None) -> Row:
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


@operation("GET", "/v1/setup_intents/{id}", returns="setup_intent", spec={"client_secret": params.text()})
def retrieve(world: World, call: Call) -> Row:
    """One SetupIntent."""
    return world.find("setup_intent", call.ids["id"])


@operation("POST", "/v1/setup_intents/{id}", returns="setup_intent", spec=_COMMON | _DESCRIBED)
def update(world: World, call: Call) -> Row:
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
def confirm(world: World, call: Call) -> Row:
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
    return attempt(world, row, call.base_url, call.params.get("return_url"))


@operation(
    "POST",
    "/v1/setup_intents/{id}/cancel",
    returns="setup_intent",
    spec={"cancellation_reason": params.choice("abandoned", "requested_by_customer", "duplicate")},
)
def cancel(world: World, call: Call) -> Row:
    """Give up on a SetupIntent that has not succeeded."""
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
def listing(world: World, call: Call) -> Row:
    """SetupIntents, newest first."""
    exact = filters(call, "customer", "payment_method")
    return page(world, call, "setup_intent", exact)
