"""The ledger's postings, balances and revenue, as an accountant reads them."""

from tests.support.world import World


def journal(world: World, *, until: str = "9999-12-31") -> list[str]:
    """The postings in order, one line for each day and kind, in cents. Recognition, fees and payouts are left out."""
    rows = world.rows(
        'SELECT t.kind, t."on" AS day, e.account, e.amount FROM ledger_transaction t'
        " JOIN ledger_entry e ON e.transaction_id = t.id"
        " WHERE t.kind NOT IN ('recognition', 'gateway_fee', 'payout') AND"
        ' t."on" <= CAST(:until AS date) ORDER BY t."on", t.id, e.amount < 0, abs(e.amount) DESC',
        until=until,
    )
    moved: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        moved.setdefault((str(row["day"]), row["kind"]), []).append(f"{row['account']} {row['amount']:+}")
    return [f"{day} {kind}: {', '.join(lines)}" for (day, kind), lines in moved.items()]


def balances(world: World) -> dict[str, int]:
    """Balance of each account in cents, from sales and refunds only: Stripe's fees and payouts are left out."""
    rows = world.rows(
        "SELECT e.account, sum(e.amount) AS cents FROM ledger_entry e JOIN ledger_transaction t"
        " ON t.id = e.transaction_id WHERE t.kind NOT IN ('gateway_fee', 'payout')"
        " GROUP BY 1 HAVING sum(e.amount) <> 0"
    )
    return {row["account"]: int(row["cents"]) for row in rows}


def recognised(world: World) -> list[tuple[str, int]]:
    """Recognised revenue by day, in cents."""
    rows = world.rows(
        'SELECT t."on" AS day, -e.amount AS cents FROM ledger_transaction t JOIN ledger_entry e'
        " ON e.transaction_id = t.id WHERE t.kind = 'recognition' AND e.account = 'revenue' ORDER BY 1"
    )
    return [(str(row["day"]), int(row["cents"])) for row in rows]
