"""Invariants of the books whenever no work is under way, and the comparison of two stories' end states."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from billing.payments.dispute_limits import TAKES
from tests.support.world import World

NOT_ERASED = "r.email NOT LIKE '%@erased.invalid'"
"""SQL: the mails to this reader `r` are still whole."""


def check(world: World) -> None:
    """Check the books against themselves and against the sandbox. No work may be under way."""
    check_subscriptions(world)
    check_numbers(world)
    check_receipts(world)
    check_payments(world)
    check_refunds(world)
    check_ledger(world)


def check_subscriptions(world: World) -> None:
    """No reader has two subscriptions, no period two invoices; no attempt, charge or event is left open."""
    assert (
        world.rows("SELECT reader_id FROM subscription WHERE state <> 'ended' GROUP BY 1 HAVING count(*) > 1")
        == []
    )
    assert (
        world.rows("SELECT 1 FROM invoice GROUP BY subscription_id, period_number HAVING count(*) > 1") == []
    )
    assert world.rows("SELECT id FROM attempt WHERE state = 'open'") == []
    assert world.rows("SELECT id FROM subscription WHERE charging_since IS NOT NULL") == []
    assert world.rows("SELECT event_ref, last_error FROM inbound_event WHERE settled_at IS NULL") == []


def check_numbers(world: World) -> None:
    """Invoices and credit notes are numbered 1 to n without gaps."""
    for query in (
        "SELECT number FROM invoice WHERE number IS NOT NULL UNION ALL SELECT replaced_number FROM invoice_correction ORDER BY 1",
        "SELECT credit_note_number AS number FROM refund WHERE credit_note_number IS NOT NULL"
        " UNION ALL SELECT credit_note_number FROM invoice_correction ORDER BY 1",
    ):
        numbers = [row["number"] for row in world.rows(query)]
        assert numbers == list(range(1, len(numbers) + 1))


def check_receipts(world: World) -> None:
    """Every paid invoice is in exactly one mail: its receipt or, if the charge raced a cancellation, the mail about the refund."""
    paid = world.rows(
        "SELECT i.id, i.number FROM invoice i JOIN payment p ON p.invoice_id = i.id JOIN reader r ON r.id = i.reader_id"
        f" WHERE i.state = 'paid' AND NOT p.duplicate AND {NOT_ERASED}"
    )
    replaced = world.rows(
        "SELECT replaced_number AS number FROM invoice_correction c JOIN reader r ON r.id = c.reader_id"
        f" WHERE {NOT_ERASED}"
    )
    mailed = world.rows(
        "SELECT fields->>'number' AS number FROM message WHERE kind = 'receipt' AND fields ? 'number'"
        " UNION ALL SELECT jsonb_array_elements(fields->'invoices')->>'number' FROM message WHERE fields ? 'invoices'"
    )
    assert Counter(row["number"] for row in mailed) == Counter(
        f"INV-{row['number']:06d}" for row in (*paid, *replaced)
    )
    unpaid = world.rows(
        "SELECT 1 FROM payment p JOIN invoice i ON i.id = p.invoice_id WHERE i.state <> 'paid'"
    )
    assert unpaid == []
    of_readers = (
        f"SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE NOT duplicate AND {NOT_ERASED}"
    )
    assert len(paid) == len(world.rows(of_readers))


def foreign_charges(world: World) -> set[str]:
    """The sandbox's charges that name no attempt of ours: another program or person made them."""
    return {charge["id"] for charge in world.charges() if "attempt" not in charge["metadata"]}


def check_payments(world: World) -> None:
    """Payments and our charges at the sandbox match one to one, to the cent. Each invoice was charged once at most, but for duplicates
    that go back. Every foreign charge has its case."""
    ours = {
        row["charge_ref"]: (row["amount"], row["attempt_id"])
        for row in world.rows("SELECT charge_ref, amount, attempt_id FROM payment")
    }
    foreign = foreign_charges(world)
    taken = [charge for charge in world.charges() if charge["id"] not in foreign]
    cases = world.rows("SELECT subject FROM staff_case WHERE kind = 'unknown_charge'")
    assert {row["subject"] for row in cases} == foreign
    duplicate = world.rows(
        "SELECT p.charge_ref FROM payment p WHERE p.duplicate AND p.amount <>"
        " (SELECT coalesce(sum(amount), 0) FROM refund r WHERE r.payment_id = p.id AND r.state <> 'failed')"
        f" AND NOT EXISTS (SELECT FROM dispute WHERE payment_id = p.id AND {TAKES})"
    )
    assert duplicate == [], "a duplicate payment is refunded in full, unless a bank has it"
    assert ours == {charge["id"]: (charge["amount"], charge["metadata"]["attempt"]) for charge in taken}
    assert all(charge["currency"] == "zar" for charge in taken)
    counted = {row["charge_ref"] for row in world.rows("SELECT charge_ref FROM payment WHERE NOT duplicate")}
    once = [charge["metadata"]["invoice"] for charge in taken if charge["id"] in counted]
    assert len(once) == len(set(once))


def check_refunds(world: World) -> None:
    """Refunds match those at the sandbox and never exceed the payment. Each that succeeded has its credit note and its mail."""
    ours = world.rows(
        "SELECT id, amount, gateway_ref, state, credit_note_number FROM refund WHERE state <> 'failed'"
    )
    foreign = foreign_charges(world)
    theirs = {
        row["id"]: row["amount"]
        for row in world.sandbox.refunds()
        if row["status"] not in ("failed", "canceled") and row["charge"] not in foreign
    }
    assert {row["gateway_ref"]: row["amount"] for row in ours} == theirs
    assert (
        world.rows(
            "SELECT p.id FROM payment p JOIN refund r ON r.payment_id = p.id AND r.state <> 'failed'"
            " GROUP BY p.id HAVING sum(r.amount) > p.amount"
        )
        == []
    )
    noted = world.rows(
        "SELECT credit_note_number AS number FROM refund f JOIN reader r ON r.id = f.reader_id"
        f" WHERE credit_note_number IS NOT NULL AND {NOT_ERASED}"
        " UNION ALL SELECT credit_note_number FROM invoice_correction f JOIN reader r ON r.id = f.reader_id"
        f" WHERE {NOT_ERASED}"
    )
    mailed = world.rows(
        "SELECT jsonb_array_elements(fields->'notes')->>'credit_note_number' AS number FROM message WHERE fields ? 'notes'"
    )
    assert Counter(row["number"] for row in mailed) == Counter(f"CN-{row['number']:06d}" for row in noted)


def check_ledger(world: World) -> None:
    """Every fact is posted once, and the ledger's sums match the documents'."""
    unbalanced = "SELECT transaction_id FROM ledger_entry GROUP BY 1 HAVING sum(amount) <> 0"
    assert world.rows(unbalanced) == []
    posted = world.rows(
        "SELECT kind, source_id FROM ledger_transaction WHERE kind IN ('invoice', 'payment', 'refund') ORDER BY 1, 2"
    )
    facts = world.rows(
        "SELECT 'invoice' AS kind, id AS source_id FROM invoice WHERE state = 'paid'"
        " UNION ALL SELECT 'payment', id FROM payment"
        " UNION ALL SELECT 'refund', id FROM refund WHERE credit_note_number IS NOT NULL"
        " UNION ALL SELECT unnest(ARRAY['invoice', 'refund']), id FROM invoice_correction ORDER BY 1, 2"
    )
    assert posted == facts
    sums = world.rows(
        "SELECT coalesce(sum(e.amount) FILTER (WHERE e.account = 'vat_output'), 0) AS vat,"
        " coalesce(sum(e.amount) FILTER (WHERE e.account IN ('gateway', 'bank')), 0) AS money FROM ledger_entry e"
        " JOIN ledger_transaction t ON t.id = e.transaction_id WHERE t.kind IN ('invoice', 'payment', 'refund')"
    )
    documents = world.rows(
        "SELECT coalesce((SELECT sum(vat) FROM refund WHERE credit_note_number IS NOT NULL), 0)"
        " - coalesce((SELECT sum(vat) FROM invoice WHERE state = 'paid'), 0) AS vat,"
        " coalesce((SELECT sum(amount) FROM payment), 0)"
        " - coalesce((SELECT sum(amount) FROM refund WHERE credit_note_number IS NOT NULL), 0) AS money"
    )
    assert sums == documents


STATE = {
    "subscriptions": "SELECT r.email, s.state, s.period_number, s.period_start_on, s.period_end_on, s.charge_on,"
    " s.access_until, s.cancel_asked_at, s.cancels_at, s.ended_at, s.ended_reason, s.first_failed_on, s.retry_on,"
    " s.charging_since, s.next_action, s.next_action_at FROM subscription s JOIN reader r ON r.id = s.reader_id"
    " ORDER BY r.email, s.started_at",
    "history": "SELECT r.email, c.event, c.from_state, c.to_state, c.at FROM subscription_change c"
    " JOIN subscription s ON s.id = c.subscription_id JOIN reader r ON r.id = s.reader_id ORDER BY r.email, c.id",
    "invoices": "SELECT r.email, i.state, i.period_number, i.period_start_on, i.gross, i.net, i.vat, i.number IS NULL"
    " AS unnumbered, i.issued_on, i.paid_at FROM invoice i JOIN reader r ON r.id = i.reader_id"
    " ORDER BY r.email, i.period_number",
    "attempts": "SELECT r.email, i.period_number, a.ordinal, a.state, a.intended_at, a.amount FROM attempt a"
    " JOIN invoice i ON i.id = a.invoice_id JOIN reader r ON r.id = i.reader_id"
    " ORDER BY r.email, i.period_number, a.ordinal",
    "payments": "SELECT r.email, p.amount, p.paid_at FROM payment p JOIN reader r ON r.id = p.reader_id"
    " ORDER BY r.email, p.paid_at",
    "refunds": "SELECT r.email, f.amount, f.net, f.vat, f.state, f.credit_note_number IS NULL AS unnoted FROM refund f"
    " JOIN reader r ON r.id = f.reader_id ORDER BY r.email, f.amount, f.id",
    "lines of acts on many": "SELECT r.email, a.state AS act, l.state, l.cents FROM bulk_line l JOIN bulk_action a"
    " ON a.id = l.action_id JOIN reader r ON r.id = l.reader_id ORDER BY r.email, l.subject",
    "messages": "SELECT recipient, kind, state, count(*) AS times FROM message GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "cards": "SELECT r.email, m.brand, m.last4 FROM payment_method m JOIN reader r ON r.id = m.reader_id"
    " ORDER BY r.email, m.last4",
    "claims": "SELECT kind, count(*) AS times FROM trial_claim GROUP BY 1 ORDER BY 1",
    "visits": "SELECT email, purpose, state, refusal FROM card_setup ORDER BY email, created_at",
}


def end_state(world: World, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """The state that two stories must share at their end: no ids, nothing that depends on the way there."""
    state: dict[str, Any] = {name: world.rows(query) for name, query in STATE.items() if name not in without}
    state["charges"] = sorted(
        (charge["amount"], charge["status"], charge["created"]) for charge in world.sandbox.charges()
    )
    state["returned"] = sorted((refund["amount"], refund["status"]) for refund in world.sandbox.refunds())
    return state


MOMENTS = {"paid_at", "intended_at", "ordinal"}


def without_moments(state: dict[str, Any]) -> dict[str, Any]:
    """The state without instants, because a charge in doubt is settled minutes later. Attempts that were never sent are left out."""
    bare: dict[str, Any] = {
        name: [{key: value for key, value in row.items() if key not in MOMENTS} for row in rows]
        for name, rows in state.items()
        if name not in ("charges", "returned", "attempts")
    }
    bare["attempts"] = sorted(
        (row["email"], row["period_number"], row["state"], row["amount"])
        for row in state["attempts"]
        if row["state"] != "not_sent"
    )
    bare["charges"] = sorted((amount, status) for amount, status, _ in state["charges"])
    bare["returned"] = state["returned"]
    bare["invoices"] = sorted(map(str, bare["invoices"]))
    return bare
