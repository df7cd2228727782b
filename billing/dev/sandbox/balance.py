"""Balance transactions: what each charge, refund, dispute and payout did to the balance, with Stripe's fee."""

from billing.dev.sandbox import ids, params, settlement
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, Merchant, SandboxWorld

DAYS_UNTIL_AVAILABLE = 7
UNPAID = ""
"""The `payout` of what has not been paid out yet. Stripe doesn't show the field, only filters by it."""


def fee_on(merchant: Merchant, amount: int) -> int:
    """The merchant's fee on a charge, in cents: so many per mille, rounded half up, and so much for each."""
    return (amount * merchant.fee_per_mille + 500) // 1000 + merchant.fee_fixed


def instant_fee_on(merchant: Merchant, amount: int) -> int:
    """The merchant's fee on an instant payout, in cents."""
    return (amount * merchant.instant_fee_per_mille + 500) // 1000


def of_charge(world: SandboxWorld, charge: Row) -> Row:
    """Money in, less the fee."""
    return _write(world, charge, "charge", charge["amount"], fee_on(world.merchant, charge["amount"]))


def of_refund(world: SandboxWorld, refund: Row) -> Row:
    """Money out; the fee is not given back."""
    return _write(world, refund, "refund", -refund["amount"])


def of_failed_refund(world: SandboxWorld, refund: Row) -> Row:
    """Money that came back because the refund failed."""
    return _write(world, refund, "refund_failure", refund["amount"])


def of_dispute(world: SandboxWorld, dispute: Row) -> Row:
    """Money that the bank takes back, and the fee for a dispute."""
    fee = world.merchant.dispute_fee
    return _write(world, dispute, "adjustment", -dispute["amount"], fee, category="dispute")


def of_won_dispute(world: SandboxWorld, dispute: Row) -> Row:
    """Money that comes back with a dispute that was won; the fee does not."""
    return _write(world, dispute, "adjustment", dispute["amount"], category="dispute_reversal")


def of_payout(world: SandboxWorld, payout: Row, *, fee: int = 0, in_payout: str = UNPAID) -> Row:
    """Money that leaves for the bank account. An automatic payout is in its own list (`in_payout`); one that was asked for by
    hand is in none, and the next automatic one counts it among what it pays out."""
    return _write(world, payout, "payout", -payout["amount"], fee, days=0, in_payout=in_payout)


def of_fee(world: SandboxWorld, amount: int, currency: str, description: str) -> Row:
    """A fee of Stripe's by itself, of no object: type and category are those of
    https://docs.stripe.com/reports/reporting-categories, the words are ours."""
    source = {"id": None, "currency": currency, "description": description}
    return _write(world, source, "stripe_fee", -amount, category="fee", days=0)


def of_failed_payout(world: SandboxWorld, payout: Row) -> Row:
    """Money that the bank sent back: it waits for the next payout."""
    return _write(world, payout, "payout_failure", payout["amount"], category="payout_reversal", days=0)


def of_nothing(world: SandboxWorld, amount: int, description: str) -> Row:
    """A correction by Stripe itself, of no object and in the account's own currency: what a reconciliation must notice."""
    return _write(
        world,
        {"id": None, "currency": settlement.currency_of(world), "description": description},
        "adjustment",
        amount,
        category="other_adjustment",
    )


def _write(
    world: SandboxWorld,
    source: Row,
    kind: str,
    amount: int,
    fee: int = 0,
    *,
    category: str = "",
    days: int = DAYS_UNTIL_AVAILABLE,
    in_payout: str = UNPAID,
) -> Row:
    at, currency = world.clock.now(), source["currency"]
    rate = None if kind.startswith(("payout", "stripe_fee")) else settlement.rate_of(world, currency)
    if rate is not None:
        currency = settlement.currency_of(world)
        amount, fee = settlement.converted(amount, rate), settlement.converted(fee, rate)
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Dispute fee" if category == "dispute" else "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    row = world.store.put(
        "balance_transaction",
        {
            "id": ids.new("txn", 24),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": at + days * 86400,
            "balance_type": "payments",
            "created": at,
            "currency": currency,
            "description": source.get("description"),
            "exchange_rate": rate,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
            "payout": in_payout,
        },
    )
    return shown(world, row)


def shown(world: SandboxWorld, row: Row) -> Row:
    """A balance transaction as the API shows it now."""
    status = "available" if row["available_on"] <= world.clock.now() else "pending"
    return {key: value for key, value in row.items() if key != "payout"} | {"status": status}


@operation("GET", "/v1/balance_transactions/{id}", returns="balance_transaction")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One balance transaction."""
    return shown(world, world.find("balance_transaction", call.ids["id"]))


@operation(
    "GET",
    "/v1/balance_transactions",
    returns="balance_transaction",
    many=True,
    spec=params.LISTING
    | {
        "created": params.RANGE,
        "currency": params.CURRENCY,
        "payout": params.text(),
        "source": params.text(),
        "type": params.text(),
    },
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Balance transactions, newest first; by `payout`, those it pays out and its own. Until Stripe has finished that list, only
    its own."""
    exact = filters(call, "payout", "source", "type", "currency")
    if "payout" in exact:
        _refuse_manual(payout := world.find("payout", exact["payout"], param="payout"))
        if payout["reconciliation_status"] == "in_progress":
            exact["source"] = payout["id"]
    found = page(world, call, "balance_transaction", exact)
    return found | {"data": [shown(world, row) for row in found["data"]]}


def _refuse_manual(payout: Row) -> None:
    """Stripe's words: "For automatic Stripe payouts only" says https://docs.stripe.com/api/balance_transactions/list; the
    message is told by those who met it (neither a `code` nor a `param` is). It says transfer for payout, its old name."""
    if not payout["automatic"]:
        raise invalid("Balance transaction history can only be filtered on automatic transfers, not manual.")
