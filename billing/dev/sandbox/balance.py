"""Balance transactions: the effect of each charge, refund, dispute and payout on the balance, with Stripe's fee."""

from billing.dev.sandbox import ids, params, settlement
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, Merchant, SandboxWorld

DAYS_UNTIL_AVAILABLE = 7
VAT_PERCENT = 15
"""In each fee: Stripe names it apart, as `tax`, where it charges it."""
UNPAID = ""
"""Value of `payout` before a payout. Stripe doesn't show this field, but filters by it."""


def fee_on(merchant: Merchant, amount: int) -> int:
    """The merchant's fee on a charge in cents: a per-mille part, rounded half up, plus a fixed part."""
    return (amount * merchant.fee_per_mille + 500) // 1000 + merchant.fee_fixed


def instant_fee_on(merchant: Merchant, amount: int) -> int:
    """The merchant's fee on an instant payout, in cents."""
    return (amount * merchant.instant_fee_per_mille + 500) // 1000


def of_charge(world: SandboxWorld, charge: Row) -> Row:
    """Money in, minus the fee."""
    return _write(world, charge, "charge", charge["amount"], fee_on(world.merchant, charge["amount"]))


def of_refund(world: SandboxWorld, refund: Row) -> Row:
    """Money out; the charge's fee isn't returned."""
    return _write(world, refund, "refund", -refund["amount"])


def of_failed_refund(world: SandboxWorld, refund: Row) -> Row:
    """Money returned because the refund failed."""
    return _write(world, refund, "refund_failure", refund["amount"])


def of_dispute(world: SandboxWorld, dispute: Row) -> Row:
    """Money withdrawn by the bank, and the dispute fee."""
    fee = world.merchant.dispute_fee
    return _write(world, dispute, "adjustment", -dispute["amount"], fee, category="dispute")


def of_won_dispute(world: SandboxWorld, dispute: Row) -> Row:
    """Money returned after a won dispute; the dispute fee isn't."""
    return _write(world, dispute, "adjustment", dispute["amount"], category="dispute_reversal")


def of_payout(world: SandboxWorld, payout: Row, *, fee: int = 0, in_payout: str = UNPAID) -> Row:
    """Money paid out to the bank account.

    An automatic payout's transaction belongs to that payout (`in_payout`). A manual payout's belongs to none, so the next automatic
    payout includes it."""
    return _write(world, payout, "payout", -payout["amount"], fee, days=0, in_payout=in_payout)


def of_fee(world: SandboxWorld, amount: int, currency: str, description: str) -> Row:
    """A separate fee without a source object. Type and category: https://docs.stripe.com/reports/reporting-categories; the text is
    ours."""
    source = {"id": None, "currency": currency, "description": description}
    return _write(world, source, "stripe_fee", -amount, category="fee", days=0)


def of_failed_payout(world: SandboxWorld, payout: Row) -> Row:
    """Money that the bank returned; it is in the next payout."""
    return _write(world, payout, "payout_failure", payout["amount"], category="payout_reversal", days=0)


def of_nothing(world: SandboxWorld, amount: int, description: str) -> Row:
    """A correction by Stripe without a source object, in the account's currency. A reconciliation must notice it."""
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
    name = "Dispute fee" if category == "dispute" else "Stripe processing fees"
    tax = (fee * VAT_PERCENT + (100 + VAT_PERCENT) // 2) // (100 + VAT_PERCENT)
    fees = [
        {"amount": part, "application": None, "currency": currency, "description": words, "type": sort}
        for part, words, sort in ((fee - tax, name, "stripe_fee"), (tax, f"VAT on {name}", "tax"))
        if part
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
            "fee_details": fees,
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
    """A balance transaction as the API shows it."""
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
    """Balance transactions, newest first. A payout's list holds its own and those it pays out; until it is completed, only its own."""
    exact = filters(call, "payout", "source", "type", "currency")
    if "payout" in exact:
        _refuse_manual(payout := world.find("payout", exact["payout"], param="payout"))
        if payout["reconciliation_status"] == "in_progress":
            exact["source"] = payout["id"]
    found = page(world, call, "balance_transaction", exact)
    return found | {"data": [shown(world, row) for row in found["data"]]}


def _refuse_manual(payout: Row) -> None:
    """Stripe lists only automatic payouts (https://docs.stripe.com/api/balance_transactions/list). The message is known from user
    reports, without `code` or `param`; it uses payout's old name, transfer."""
    if not payout["automatic"]:
        raise invalid("Balance transaction history can only be filtered on automatic transfers, not manual.")
