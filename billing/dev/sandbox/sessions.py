"""Checkout Sessions: a hosted page where a person saves a card or pays (see `selling`)."""

from billing.dev.sandbox import amounts, ids, methods, params, saving, selling, vault
from billing.dev.sandbox.cards import SandboxCard
from billing.dev.sandbox.customers import blank
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

LIFETIME = 24 * 3600
SHORTEST = 30 * 60
_MESSAGE = params.unsettable(params.group({"message": params.text(1200)}, required=("message",)))
_TEXTS = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")


@operation(
    "POST",
    "/v1/checkout/sessions",
    returns="checkout.session",
    spec={
        "allowed_payment_method_types": params.METHOD_TYPES,
        "billing_address_collection": params.choice("auto", "required"),
        "cancel_url": params.web_address,
        "client_reference_id": params.text(200),
        "currency": params.CURRENCY,
        "custom_text": params.group(dict.fromkeys(_TEXTS, _MESSAGE)),
        "customer": params.text(),
        "customer_creation": params.choice("always", "if_required"),
        "customer_email": params.text(800),
        "expires_at": params.whole(),
        "locale": params.text(),
        "metadata": params.metadata,
        "mode": params.choice("payment", "setup", "subscription"),
        "payment_method_options": params.group(
            {"card": params.group({"request_three_d_secure": params.choice("any", "automatic", "challenge")})}
        ),
        "setup_intent_data": params.group({"description": params.text(1000), "metadata": params.metadata}),
        "submit_type": params.choice("auto", "pay", "book", "donate", "subscribe"),
        "success_url": params.web_address,
        "ui_mode": params.choice("hosted_page"),
    }
    | selling.PARAMS,
    required=("mode",),
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create an open session; `url` is its page. In setup mode its SetupIntent is created too."""
    given = call.params
    _check(world, call, given)
    row = _blank(call, given)
    if given["mode"] == "payment":
        return world.store.put("checkout.session", row | selling.opened(world, row["id"], given))
    seed = given.get("setup_intent_data", {}) | {
        key: given[key]
        for key in ("customer", "allowed_payment_method_types", "payment_method_options")
        if key in given
    }
    intent = saving.begin(world, call.at, seed)
    emit(world, "setup_intent.created", intent)
    return world.store.put("checkout.session", row | {"setup_intent": intent["id"]})


def _check(world: SandboxWorld, call: Call, given: Row) -> None:
    if given["mode"] == "subscription":
        raise invalid("The sandbox supports Checkout in setup and payment mode only.", param="mode")
    selling.check(given)
    if "success_url" not in given:
        raise invalid("Missing required param: success_url.", param="success_url", code="parameter_missing")
    saves = given["mode"] == "setup"
    if saves and "currency" not in given and "allowed_payment_method_types" not in given:
        raise invalid("Missing required param: currency.", param="currency", code="parameter_missing")
    if "currency" in given:
        amounts.currency(given["currency"])
    if "customer" in given and "customer_email" in given:
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    if "customer" in given:
        world.find("customer", given["customer"], param="customer")
    _check_end(call, given.get("expires_at"))


def _check_end(call: Call, until: int | None) -> None:
    """Source of the messages: github.com/skillrecordings/products/pull/344, github.com/alexmorrisnz/moodle-paygw_stripe/pull/72."""
    if until is not None and until < call.at + SHORTEST:
        words = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
    elif until is not None and until > call.at + LIFETIME:
        words = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
    else:
        return
    raise invalid(words, param="expires_at")


def _blank(call: Call, given: Row) -> Row:
    identifier = ids.new("cs_test", 58)
    options = given.get("payment_method_options", {}).get("card", {})
    nothing = (
        "adaptive_pricing after_expiration allow_promotion_codes amount_subtotal amount_total client_secret "
        "collected_information consent consent_collection currency_conversion customer_account customer_details "
        "discounts invoice invoice_creation origin_context payment_intent payment_link "
        "payment_method_configuration_details permissions recovered_from saved_payment_method_options setup_intent "
        "shipping_address_collection shipping_cost subscription total_details wallet_options"
    )
    return dict.fromkeys(nothing.split()) | {
        "id": identifier,
        "object": "checkout.session",
        "allowed_payment_method_types": given.get("allowed_payment_method_types"),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "created": call.at,
        "currency": given.get("currency", "").lower() or None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(_TEXTS) | given.get("custom_text", {}),
        "customer": given.get("customer"),
        "customer_creation": given.get("customer_creation", None if "customer" in given else "if_required"),
        "customer_email": given.get("customer_email"),
        "expires_at": given.get("expires_at", call.at + LIFETIME),
        "livemode": False,
        "locale": given.get("locale"),
        "metadata": params.merged({}, given.get("metadata")),
        "mode": "setup",
        "payment_method_collection": "always",
        "payment_method_options": {
            "card": {"request_three_d_secure": options.get("request_three_d_secure", "automatic")}
        },
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "submit_type": given.get("submit_type"),
        "success_url": given["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{call.base_url}/c/pay/{identifier}",
    }


def submit(world: SandboxWorld, session: Row, card: SandboxCard, entered: Row, base_url: str) -> Row:
    """Save or pay with a new card, as the page's button does; return the intent. Raises a card error if declined.

    `entered` has `month`, `year`, `holder` and `email`.
    """
    method = vault.mint(world, card, expiry=(entered["month"], entered["year"]), name=entered["holder"])
    method["billing_details"] = method["billing_details"] | {"email": entered["email"]}
    world.store.put("payment_method", method)
    return submit_kept(world, session, method, base_url)


def submit_kept(world: SandboxWorld, session: Row, method: Row, base_url: str) -> Row:
    """The same with a saved card."""
    if session["mode"] == "payment":
        intent = selling.submit(world, session, method, base_url)
    else:
        intent = dict(world.find("setup_intent", session["setup_intent"])) | {"payment_method": method["id"]}
        intent = saving.attempt(world, intent, base_url, f"{base_url}/c/pay/{session['id']}")
    if intent["status"] == "succeeded":
        complete(world, world.find("checkout.session", session["id"]), method)
    return intent


def complete(world: SandboxWorld, session: Row, method: Row) -> Row:
    """Complete the session after the card was saved or the payment succeeded, and fill in the person's details."""
    if session["mode"] == "payment":
        selling.keep(world, world.find("payment_intent", session["payment_intent"]))
        session = session | {"payment_status": "paid"}
    details = method["billing_details"]
    owner = world.store.get("customer", session["customer"] or "")
    if owner is None and session["customer_creation"] == "always":
        owner = blank(world.clock.now()) | {"email": details["email"], "name": details["name"]}
        world.store.put("customer", owner)
        emit(world, "customer.created", owner)
        _give(world, session, method, owner)
    email = session["customer_email"] or (owner or {}).get("email") or details["email"]
    session = session | {
        "status": "complete",
        "url": None,
        "customer": owner["id"] if owner else None,
        "customer_details": {
            "address": dict.fromkeys(params.ADDRESS) | {"country": "ZA"},
            "business_name": None,
            "email": email,
            "individual_name": None,
            "name": details["name"],
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": None,
        },
    }
    world.store.put("checkout.session", session)
    emit(world, "checkout.session.completed", session)
    return session


def _give(world: SandboxWorld, session: Row, method: Row, owner: Row) -> None:
    if session["mode"] == "payment":
        return
    intent = world.find("setup_intent", session["setup_intent"])
    world.store.put("setup_intent", intent | {"customer": owner["id"]})
    methods.keep(world, method, owner["id"])


def close(world: SandboxWorld, session: Row) -> Row:
    """Expire an open session; its page takes no card any more."""
    session = session | {"status": "expired", "url": None}
    world.store.put("checkout.session", session)
    kind = "setup_intent" if session["setup_intent"] else "payment_intent"
    intent = world.store.get(kind, session[kind] or "")
    if intent is not None and intent["status"] not in ("succeeded", "canceled"):
        intent = intent | {"status": "canceled", "cancellation_reason": "abandoned", "next_action": None}
        if kind == "payment_intent":
            intent["canceled_at"] = world.clock.now()
        world.store.put(kind, intent)
        emit(world, f"{kind}.canceled", intent)
    emit(world, "checkout.session.expired", session)
    return session


def expire_due(world: SandboxWorld) -> None:
    """Expire the open sessions that are due."""
    table = world.store["checkout.session"]
    now = world.clock.now()
    for session in list(table.oldest(table.where("status", "open"))):
        if session["expires_at"] <= now:
            close(world, session)


@operation("GET", "/v1/checkout/sessions/{id}", returns="checkout.session")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One session."""
    return world.find("checkout.session", call.ids["id"])


@operation("POST", "/v1/checkout/sessions/{id}/expire", returns="checkout.session")
def expire(world: SandboxWorld, call: Call) -> Row:
    """Close an open session at once."""
    session = world.find("checkout.session", call.ids["id"])
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return close(world, session)


@operation(
    "GET",
    "/v1/checkout/sessions",
    returns="checkout.session",
    many=True,
    spec=params.LISTING
    | {
        "created": params.RANGE,
        "customer": params.text(),
        "customer_details": params.group({"email": params.text()}),
        "status": params.choice("open", "complete", "expired"),
    },
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Sessions, newest first."""
    exact = filters(call, "customer", "status")
    email = call.params.get("customer_details", {}).get("email")
    return page(
        world,
        call,
        "checkout.session",
        exact,
        lambda row: email is None or (row["customer_details"] or {}).get("email") == email,
    )
