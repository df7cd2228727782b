"""Customers: Stripe's object for a person with cards."""

import re

from billing.dev.sandbox import ids, methods, params
from billing.dev.sandbox.errors import invalid, missing
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

_FIELDS = {
    "address": params.unsettable(params.group(params.ADDRESS)),
    "description": params.unsettable(params.text()),
    "email": params.unsettable(params.text(512)),
    "invoice_settings": params.group({"default_payment_method": params.unsettable(params.text())}),
    "metadata": params.metadata,
    "name": params.unsettable(params.text(256)),
    "phone": params.unsettable(params.text(20)),
    "preferred_locales": params.listed(params.text()),
    "tax_exempt": params.choice("none", "exempt", "reverse"),
}


@operation(
    "POST",
    "/v1/customers",
    returns="customer",
    spec=_FIELDS | {"payment_method": params.text(), "validate": params.flag},
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create a customer, with the card attached that `payment_method` names."""
    given = dict(call.params)
    method = given.pop("payment_method", None)
    card = methods.usable(world, method) if method else None
    row = blank(call.at)
    _check_email(given.get("email"))
    _apply(world, row, given)
    if card:
        methods.attach_to(world, card, row["id"])
    world.store.put("customer", row)
    emit(world, "customer.created", row)
    return row


def _check_email(email: str | None) -> None:
    """Refuse invalid addresses as Stripe does, among them domains without a dot and addresses with a space.

    Message: https://github.com/fjordllc/bootcamp/issues/4134; `param`: https://github.com/masslight/ottehr/pull/7956; `code`:
    https://github.com/mage2pro/stripe/issues/72. Stripe's other rules are not public."""
    if email and not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", email):
        raise invalid(f"Invalid email address: {email}", param="email", code="email_invalid")


def blank(at: int) -> Row:
    """A customer with empty fields."""
    return {
        "id": ids.new("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": at,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ids.random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _apply(world: SandboxWorld, row: Row, given: Row) -> Row:
    given.pop("validate", None)
    before = {key: row[key] for key in given if key != "expand"}
    if settings := given.pop("invoice_settings", None):
        default = settings.get("default_payment_method")
        if default:
            methods.of_customer(world, default, row["id"], "invoice_settings[default_payment_method]")
        row["invoice_settings"] = row["invoice_settings"] | settings
    if "metadata" in given:
        row["metadata"] = params.merged(row["metadata"], given.pop("metadata"))
    if given.get("address"):
        given["address"] = dict.fromkeys(params.ADDRESS) | given["address"]
    given.pop("expand", None)
    row.update(given)
    return {key: value for key, value in before.items() if row[key] != value}


@operation("GET", "/v1/customers/{id}", returns="customer")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One customer; a deleted one is marked as such."""
    row = world.store.get("customer", call.ids["id"])
    if row is None:
        raise missing("customer", call.ids["id"], in_path=True)
    return row


@operation("POST", "/v1/customers/{id}", returns="customer", spec=_FIELDS | {"validate": params.flag})
def update(world: SandboxWorld, call: Call) -> Row:
    """Change the given fields."""
    row = dict(world.find("customer", call.ids["id"]))
    _check_email(call.params.get("email"))
    previous = _apply(world, row, dict(call.params))
    world.store.put("customer", row)
    if previous:
        emit(world, "customer.updated", row, previous)
    return row


@operation("DELETE", "/v1/customers/{id}", returns="customer")
def delete(world: SandboxWorld, call: Call) -> Row:
    """Delete a customer: cards are detached, and the id stays known as deleted. Stripe promises no event for each card, so none is
    sent."""
    return remove(world, world.find("customer", call.ids["id"]))


def remove(world: SandboxWorld, row: Row) -> Row:
    """Delete a customer; return the stub that stays."""
    table = world.store["payment_method"]
    for method in list(table.newest(table.where("customer", row["id"]))):
        methods.detach_from(world, method, silently=True)
    gone = {"id": row["id"], "object": "customer", "deleted": True}
    world.store.put("customer", gone)
    emit(world, "customer.deleted", row)
    return gone


@operation(
    "GET",
    "/v1/customers",
    returns="customer",
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "email": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Customers, newest first."""
    exact = {"email": call.params["email"]} if "email" in call.params else {}
    return page(world, call, "customer", exact)
