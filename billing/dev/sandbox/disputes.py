"""Disputes: the reader's bank reverses a charge, takes evidence, and decides. An inquiry moves no money."""

from billing.dev.sandbox import balance, evidence, ids, params, refunds, settlement
from billing.dev.sandbox.errors import StripeError, invalid
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

DAYS_TO_RESPOND = 9
REASONS = (
    "fraudulent",
    "product_not_received",
    "subscription_canceled",
    "duplicate",
    "general",
    "unrecognized",
)
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
WAITING = ("needs_response", "warning_needs_response")


def begin(
    world: SandboxWorld,
    charge: Row,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    inquiry: bool = False,
    settled: bool = False,
) -> Row:
    """Dispute a charge, in full or by `amount` cents. Raises StripeError for one that can't be disputed.

    `settled`: the dispute's amount is in the settlement currency, at the current rate. Stripe promises neither this nor the charge's
    currency ("it can differ (usually because of currency fluctuation …)", docs.stripe.com/api/disputes/object: `amount`). Users
    report disputes that don't show the charge's amount (github.com/stripe/stripe-php/issues/1858)."""
    if not charge["paid"] or charge["disputed"]:
        raise invalid(f"Charge {charge['id']} was not paid, or is disputed already.")
    if reason not in REASONS:
        raise invalid(f"reason must be one of {', '.join(REASONS)}")
    amount = charge["amount"] if amount is None else amount
    if not 1 <= amount <= charge["amount"]:
        raise invalid("A dispute is over one cent at least, and the whole charge at most.", param="amount")
    row = _blank(world, charge, reason, amount, inquiry)
    rate = settlement.rate_of(world, charge["currency"]) if settled else None
    if rate is not None:
        row |= {"amount": settlement.converted(amount, rate), "currency": settlement.currency_of(world)}
    world.store.put("charge", charge | {"disputed": True})
    if not inquiry:
        row["balance_transactions"] = [balance.of_dispute(world, row)]
    due_by = row["evidence_details"]["due_by"]
    world.store.put("setting", {"id": f"dispute:{row['id']}", "dispute": row["id"], "at": due_by})
    world.store.put("dispute", row)
    emit(world, "charge.dispute.created", row)
    if not inquiry:
        emit(world, "charge.dispute.funds_withdrawn", row)
        refunds.disputed(world, charge)
    return row


def _blank(world: SandboxWorld, charge: Row, reason: str, amount: int, inquiry: bool) -> Row:
    now = world.clock.now()
    return {
        "id": ids.new("du", 24),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence.blank(),
        "evidence_details": {
            "due_by": now + DAYS_TO_RESPOND * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4" if reason == "fraudulent" else "13.1",
            },
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def decide(world: SandboxWorld, row: Row, *, won: bool) -> Row:
    """Apply the bank's decision; raises StripeError for a decided dispute. A won inquiry is closed; a lost one escalates."""
    if row["status"] not in OPEN:
        raise invalid(f"Dispute {row['id']} is decided: {row['status']}.")
    row = dict(row)
    plan = f"dispute:{row['id']}"
    if world.store.get("setting", plan):
        world.store.remove("setting", plan)
    if row["status"].startswith("warning_") and not won:
        return _escalate(world, row)
    if row["status"].startswith("warning_"):
        row["status"] = "warning_closed"
    else:
        row["status"] = "won" if won else "lost"
    if row["status"] == "won":
        row["balance_transactions"] = [*row["balance_transactions"], balance.of_won_dispute(world, row)]
    world.store.put("dispute", row)
    if row["status"] == "won":
        emit(world, "charge.dispute.funds_reinstated", row)
    emit(world, "charge.dispute.closed", row)
    return row


def _escalate(world: SandboxWorld, row: Row) -> Row:
    """Turn an inquiry into a chargeback with the same id."""
    now = world.clock.now()
    due_by = now + DAYS_TO_RESPOND * 86400
    card = row["payment_method_details"]["card"] | {"case_type": "chargeback"}
    row |= {
        "status": "needs_response",
        "is_charge_refundable": False,
        "balance_transactions": [balance.of_dispute(world, row)],
        "evidence_details": row["evidence_details"] | {"due_by": due_by},
        "payment_method_details": row["payment_method_details"] | {"card": card},
    }
    world.store.put("setting", {"id": f"dispute:{row['id']}", "dispute": row["id"], "at": due_by})
    world.store.put("dispute", row)
    emit(world, "charge.dispute.updated", row, {"status": "warning_needs_response"})
    emit(world, "charge.dispute.funds_withdrawn", row)
    refunds.disputed(world, world.find("charge", row["charge"]))
    return row


def settle_due(world: SandboxWorld) -> None:
    """Decide disputes that weren't answered in time: they are lost, inquiries are closed."""
    now = world.clock.now()
    plans = world.store["setting"].rows.values()
    late = [row for row in plans if row["id"].startswith("dispute:") and row["at"] <= now]
    for plan in late:
        row = world.find("dispute", plan["dispute"])
        if row["status"] in WAITING:
            decide(world, row, won=row["status"].startswith("warning_"))
        elif world.store.get("setting", plan["id"]):
            world.store.remove("setting", plan["id"])


@operation("GET", "/v1/disputes/{id}", returns="dispute")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One dispute."""
    return world.find("dispute", call.ids["id"])


@operation(
    "POST",
    "/v1/disputes/{id}",
    returns="dispute",
    spec={"evidence": params.group(evidence.FIELDS), "metadata": params.metadata, "submit": params.flag},
)
def update(world: SandboxWorld, call: Call) -> Row:
    """Store evidence; with `submit` (the default) it goes to the bank. Stripe's test texts decide the dispute at once."""
    row = dict(world.find("dispute", call.ids["id"]))
    given = call.params.get("evidence", {})
    if given and row["status"] not in WAITING:
        raise invalid(f"Evidence for this dispute can't be changed: it is {row['status']}.", param="evidence")
    row["metadata"] = params.merged(row["metadata"], call.params.get("metadata"))
    kept = row["evidence"] | given
    evidence.check(world, kept)
    details = row["evidence_details"] | {"has_evidence": evidence.is_some(kept)}
    row |= {"evidence": kept, "evidence_details": details}
    submits = bool(given) and call.params.get("submit", True)
    if submits:
        details["submission_count"] += 1
        row["status"] = row["status"].replace("needs_response", "under_review")
    world.store.put("dispute", row)
    emit(world, "charge.dispute.updated", row)
    outcome = evidence.decides(kept) if submits else None
    return row if outcome is None else decide(world, row, won=outcome)


@operation("POST", "/v1/disputes/{id}/close", returns="dispute")
def close(world: SandboxWorld, call: Call) -> Row:
    """Accept the dispute, which loses it. An inquiry can't be accepted."""
    row = world.find("dispute", call.ids["id"])
    if row["status"] != "needs_response":
        raise StripeError(400, f"This dispute can't be closed: it is {row['status']}.")
    return decide(world, row, won=False)


@operation(
    "GET",
    "/v1/disputes",
    returns="dispute",
    many=True,
    spec=params.LISTING | {"created": params.RANGE, "charge": params.text(), "payment_intent": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Disputes, newest first."""
    return page(world, call, "dispute", filters(call, "charge", "payment_intent"))
