"""Payouts: each day, what has become available goes to the merchant's bank account."""

from collections.abc import Iterator
from functools import partial
from itertools import takewhile

from billing.sandbox import balance, ids, params
from billing.sandbox.balance import UNPAID
from billing.sandbox.errors import invalid
from billing.sandbox.events import emit
from billing.sandbox.lists import filters, page
from billing.sandbox.operations import operation
from billing.sandbox.store import Row
from billing.sandbox.world import Call, World

DAY = 86400
HOUR_OF_DAY = 2 * 3600
"""Payouts leave at 02:00 UTC."""


def next_at(world: World) -> int | None:
    """When the next payout leaves: the first such hour at which what is available is more than nothing."""
    total, leaves_at = 0, None
    for row in _unpaid(world):
        at = _hour_from(row["available_on"])
        if leaves_at is not None and at > leaves_at and total > 0:
            break
        total, leaves_at = total + row["net"], max(at, leaves_at or 0)
    return leaves_at if total > 0 else None


def _hour_from(moment: int) -> int:
    """The first payout hour at or after the moment."""
    return -(-(moment - HOUR_OF_DAY) // DAY) * DAY + HOUR_OF_DAY


def _unpaid(world: World) -> Iterator[Row]:
    """What waits to be paid out, oldest first."""
    table = world.store["balance_transaction"]
    return table.oldest(table.where("payout", UNPAID))


def settle_due(world: World) -> None:
    """Pay out what is available, once its hour has come. A balance below zero waits for better days."""
    while (at := next_at(world)) is not None and at <= world.clock.now():
        _pay(world, list(takewhile(partial(_is_ready, at), _unpaid(world))))


def _is_ready(at: int, row: Row) -> bool:
    return _hour_from(row["available_on"]) <= at


def _pay(world: World, paid: list[Row]) -> None:
    amount = sum(row["net"] for row in paid)
    now = world.clock.now()
    row: Row = {
        "id": ids.new("po", 24),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": now,
        "automatic": True,
        "balance_transaction": None,
        "created": now,
        "currency": paid[0]["currency"],
        "description": "STRIPE PAYOUT",
        "destination": "ba_sandbox",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid",
        "trace_id": None,
        "type": "bank_account",
    }
    row["balance_transaction"] = balance.of_payout(world, row)["id"]
    for one in paid:
        world.store.put("balance_transaction", one | {"payout": row["id"]})
    world.store.put("payout", row)
    for what in ("created", "paid", "reconciliation_completed"):
        emit(world, f"payout.{what}", row)


def fail(world: World, row: Row) -> Row:
    """The bank sends a payout back, some days after it was called paid. Raises Refusal for one that came back already."""
    if row["status"] != "paid":
        raise invalid(f"Payout {row['id']} can't fail: it is {row['status']}.")
    row = row | {
        "status": "failed",
        "failure_balance_transaction": balance.of_failed_payout(world, row)["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
    }
    world.store.put("payout", row)
    emit(world, "payout.failed", row, {"status": "paid"})
    return row


@operation("GET", "/v1/payouts/{id}", returns="payout")
def retrieve(world: World, call: Call) -> Row:
    """One payout."""
    return world.find("payout", call.ids["id"])


@operation(
    "GET",
    "/v1/payouts",
    returns="payout",
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "status": params.text()},
)
def listing(world: World, call: Call) -> Row:
    """Payouts, newest first."""
    return page(world, call, "payout", filters(call, "status"))
