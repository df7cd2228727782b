"""Payouts: the available balance goes to the merchant's bank account, daily or on request."""

from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from typing import Any

from billing.dev.sandbox import balance, ids, params, settlement
from billing.dev.sandbox.balance import UNPAID
from billing.dev.sandbox.errors import StripeError, invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

DAY = 86400
HOUR_OF_DAY = 2 * 3600
"""Payouts leave at 02:00 UTC."""
SCHEDULES = ("automatic", "manual")
LISTINGS = ("completed", "in_progress")


def behave(world: SandboxWorld, schedule: str, listing: str) -> None:
    """Set how payouts behave: `automatic` ones are made daily, `manual` ones only on request. The list of an automatic payout's
    transactions is `completed` at once, or `in_progress` until `list_now`."""
    world.store.put("setting", {"id": "payouts", "schedule": schedule, "listing": listing})


def _setting(world: SandboxWorld, name: str, default: str) -> str:
    return str((world.store.get("setting", "payouts") or {}).get(name, default))


def next_at(world: SandboxWorld) -> int | None:
    """When the next automatic payout is made: the first payout hour with an available balance above zero."""
    found = (_next_in(world, currency) for currency in _paid_daily(world))
    return min((at for at in found if at is not None), default=None)


def _paid_daily(world: SandboxWorld) -> list[str]:
    """Currencies with automatic payouts."""
    manual = _setting(world, "schedule", "automatic") == "manual"
    return [] if manual else settlement.currencies(world)


def _next_in(world: SandboxWorld, currency: str) -> int | None:
    total, leaves_at = 0, None
    for row in _unpaid(world, currency):
        at = _hour_from(row["available_on"])
        if leaves_at is not None and at > leaves_at and total > 0:
            break
        total, leaves_at = total + row["net"], max(at, leaves_at or 0)
    return leaves_at if total > 0 else None


def _hour_from(moment: int) -> int:
    """The first payout hour at or after the moment."""
    return -(-(moment - HOUR_OF_DAY) // DAY) * DAY + HOUR_OF_DAY


def _unpaid(world: SandboxWorld, currency: str) -> Iterator[Row]:
    """The unpaid balance transactions of a currency, oldest first."""
    table = world.store["balance_transaction"]
    waiting = table.oldest(table.where("payout", UNPAID))
    return (row for row in waiting if row["currency"] == currency)


def settle_due(world: SandboxWorld) -> None:
    """Make the automatic payouts that are due, unless the balance is negative, and complete manual ones."""
    now = world.clock.now()
    for currency in _paid_daily(world):
        while (at := _next_in(world, currency)) is not None and at <= now:
            _pay(world, currency, list(takewhile(partial(_is_ready, at), _unpaid(world, currency))))
    plans = world.store["setting"].rows.values()
    for plan in [row for row in plans if row["id"].startswith("payout:") and row["at"] <= now]:
        world.store.remove("setting", plan["id"])
        _arrive(world, world.find("payout", plan["payout"]))


def _is_ready(at: int, row: Row) -> bool:
    return _hour_from(row["available_on"]) <= at


def _pay(world: SandboxWorld, currency: str, paid: list[Row]) -> Row:
    """Make an automatic payout of these transactions. If their sum is negative, it debits the bank account."""
    status = _setting(world, "listing", "completed")
    amount = sum(row["net"] for row in paid)
    row = _blank(world, amount, currency, reconciliation_status=status, status="paid")
    row["balance_transaction"] = balance.of_payout(world, row, in_payout=row["id"])["id"]
    for transaction in paid:
        world.store.put("balance_transaction", transaction | {"payout": row["id"]})
    world.store.put("payout", row)
    emit(world, "payout.created", row)
    emit(world, "payout.paid", row)
    if status == "completed":
        emit(world, "payout.reconciliation_completed", row)
    return row


def list_now(world: SandboxWorld, row: Row) -> Row:
    """Complete the list of an automatic payout's transactions."""
    row = world.store.put("payout", row | {"reconciliation_status": "completed"})
    emit(world, "payout.reconciliation_completed", row)
    return row


def debit(world: SandboxWorld) -> Row:
    """Debit a negative available balance from the bank account, as an automatic payout with a negative amount
    (https://docs.stripe.com/payouts#negative-payouts)."""
    currency = settlement.currency_of(world)
    paid = [row for row in _unpaid(world, currency) if row["available_on"] <= world.clock.now()]
    if sum(row["net"] for row in paid) >= 0:
        raise invalid("The available balance isn't below zero.")
    return _pay(world, currency, paid)


def _blank(world: SandboxWorld, amount: int, currency: str, **more: Any) -> Row:
    now = world.clock.now()
    return {
        "id": ids.new("po", 24),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": now,
        "automatic": True,
        "balance_transaction": None,
        "created": now,
        "currency": currency,
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
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
        **more,
    }


@operation(
    "POST",
    "/v1/payouts",
    returns="payout",
    spec={
        "amount": params.whole(1),
        "currency": params.CURRENCY,
        "description": params.text(),
        "metadata": params.metadata,
        "method": params.choice("standard", "instant"),
        "statement_descriptor": params.text(22),
    },
    required=("amount", "currency"),
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Create a manual payout, as by the API or the dashboard. Stripe doesn't itemise those
    (https://docs.stripe.com/payouts/reconciliation)."""
    given = call.params
    row = by_hand(world, given.get("method", "standard"), given["currency"].lower(), given["amount"])
    said = {name: given[name] for name in ("description", "statement_descriptor") if name in given}
    return world.store.put("payout", row | said | {"metadata": params.merged({}, given.get("metadata"))})


def _too_low() -> StripeError:
    """Source of the body: https://github.com/stripe/stripe-node/issues/1147, https://github.com/antiwork/gumroad/pull/5479."""
    return invalid(
        "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low.  You can use the "
        "/v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance).",
        code="balance_insufficient",
    )


def by_hand(
    world: SandboxWorld,
    method: str,
    currency: str = "",
    amount: int | None = None,
    *,
    fee_apart: bool = False,
) -> Row:
    """Make a manual payout of `amount` cents; defaults: the whole balance, in the settlement currency.

    `standard` pays out the available balance and arrives a day later. `instant` includes the pending balance, arrives at once, and
    costs a fee. The fee is in the payout's balance transaction, or in a separate one (`fee_apart`); no source says which. Raises
    StripeError if the balance is too low."""
    instant, now = method == "instant", world.clock.now()
    currency = currency or settlement.currency_of(world)
    waiting = _unpaid(world, currency)
    held = sum(row["net"] for row in waiting if instant or row["available_on"] <= now)
    if amount is None:
        amount = held - (balance.instant_fee_on(world.merchant, held) if instant else 0)
    fee = balance.instant_fee_on(world.merchant, amount) if instant else 0
    if amount < 1 or amount + fee > held:
        raise _too_low()
    row = _blank(
        world,
        amount,
        currency,
        arrival_date=now if instant else now + DAY,
        automatic=False,
        description=None,
        method=method,
        reconciliation_status="not_applicable",
        status="pending",
    )
    row["balance_transaction"] = balance.of_payout(world, row, fee=0 if fee_apart else fee)["id"]
    if fee and fee_apart:
        balance.of_fee(world, fee, currency, "Instant payout fee")
    world.store.put("payout", row)
    emit(world, "payout.created", row)
    if instant:
        return _arrive(world, row)
    world.store.put("setting", {"id": f"payout:{row['id']}", "payout": row["id"], "at": row["arrival_date"]})
    return row


def _arrive(world: SandboxWorld, row: Row) -> Row:
    if row["status"] != "pending":
        return row
    row = world.store.put("payout", row | {"status": "paid"})
    emit(world, "payout.paid", row)
    return row


def fail(world: SandboxWorld, row: Row) -> Row:
    """Let the bank return a payout, days after it was paid. Raises StripeError if it has failed already."""
    if row["status"] not in ("paid", "pending"):
        raise invalid(f"Payout {row['id']} can't fail: it is {row['status']}.")
    before = {"status": row["status"]}
    row = row | {
        "status": "failed",
        "failure_balance_transaction": balance.of_failed_payout(world, row)["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
    }
    world.store.put("payout", row)
    emit(world, "payout.failed", row, before)
    return row


@operation("GET", "/v1/payouts/{id}", returns="payout")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One payout. The bank's reference is known a day after the money has arrived (https://docs.stripe.com/payouts/trace-id)."""
    return _traced(world, world.find("payout", call.ids["id"]))


def _traced(world: SandboxWorld, row: Row) -> Row:
    if row["status"] not in ("paid", "failed") or world.clock.now() < row["arrival_date"] + DAY:
        return row
    if row["status"] == "failed":
        return row | {"trace_id": {"status": "unsupported", "value": None}}
    return row | {"trace_id": {"status": "supported", "value": f"SBX{row['id'][-10:].upper()}"}}


@operation(
    "GET",
    "/v1/payouts",
    returns="payout",
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "status": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Payouts, newest first."""
    return page(world, call, "payout", filters(call, "status"))
