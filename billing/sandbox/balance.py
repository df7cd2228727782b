"""Balance transactions: what each charge and refund did to the balance, with Stripe's fee."""

from billing.sandbox import ids, params
from billing.sandbox.lists import filters, page
from billing.sandbox.operations import operation
from billing.sandbox.store import Row
from billing.sandbox.world import Call, World

FEE_PER_MILLE = 29
FEE_FIXED = 300
DAYS_UNTIL_AVAILABLE = 7


def fee_on(amount: int) -> int:
    """The sandbox's fee in cents: 2.9% and R3.00."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def of_charge(world: World, charge: Row) -> Row:
    """Money in, less the fee."""
    return _write(world, charge, "charge", charge["amount"], fee_on(charge["amount"]))


def of_refund(world: World, refund: Row) -> Row:
    """Money out; the fee is not given back."""
    return _write(world, refund, "refund", -refund["amount"], 0)


def of_failed_refund(world: World, refund: Row) -> Row:
    """Money that came back because the refund failed."""
    return _write(world, refund, "refund_failure", refund["amount"], 0)


def _write(world: World, source: Row, kind: str, amount: int, fee: int) -> Row:
    at = world.clock.now()
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": source["currency"],
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return world.store.put(
        "balance_transaction",
        {
            "id": ids.new("txn", 24),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": at + DAYS_UNTIL_AVAILABLE * 86400,
            "balance_type": "payments",
            "created": at,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        },
    )


def _shown(world: World, row: Row) -> Row:
    return row | {"status": "available" if row["available_on"] <= world.clock.now() else "pending"}


@operation("GET", "/v1/balance_transactions/{id}", returns="balance_transaction")
def retrieve(world: World, call: Call) -> Row:
    """One balance transaction."""
    return _shown(world, world.find("balance_transaction", call.ids["id"]))


@operation(
    "GET",
    "/v1/balance_transactions",
    returns="balance_transaction",
    many=True,
    spec=params.LISTING
    | {"created": params.RANGE, "currency": params.CURRENCY, "source": params.text(), "type": params.text()},
)
def listing(world: World, call: Call) -> Row:
    """Balance transactions, newest first."""
    exact = filters(call, "source", "type", "currency")
    found = page(world, call, "balance_transaction", exact)
    return found | {"data": [_shown(world, row) for row in found["data"]]}
