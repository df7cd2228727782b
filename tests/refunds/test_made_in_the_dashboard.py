"""A refund made in Stripe's dashboard: the comparison finds it, and finance enters it in one act with its credit note."""

from datetime import date
from typing import Any

import pytest

from billing.reconcile.reconcile import ComparisonReport, reconcile
from billing.reports import doctor
from tests.support import ledger_checks
from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.cancel_helpers import cancel
from tests.support.ledger_queries import balances
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

READER = "thandi@example.com"


def by_hand(world: World, **given: object) -> str:
    """A refund of the first charge, made in the dashboard on 17 March; its reference. It is the morning after."""
    fast_forward(world, local(2027, 3, 17, 11))

    def live() -> str:
        stripe: Any = world.sandbox.client()
        made = stripe.v1.refunds.create({"charge": world.charges()[0]["id"], **given})
        world.advance_to(local(2027, 3, 18, 12))
        return str(made.id)

    return world.once(f"a refund is made in the dashboard: {given}", live)


def compare(world: World, through: int = 17) -> ComparisonReport:
    return reconcile(world.services.reconcile_context, date(2027, 3, 16), date(2027, 3, through), world.now)


def cases(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM staff_case WHERE kind <> 'promise_broken' ORDER BY id")


def enter(finance: Browser, link: str, reason: str = "Asked for by phone, by Sipho") -> Answer:
    """Follow the case's link and press the one button."""
    finance.get(link)
    return finance.post(link.partition("?")[0], reason=reason, step="confirm")


@pytest.mark.rare
def test_it_is_found_and_entered_in_one_act_with_its_credit_note(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    ref = by_hand(world)
    (case,) = cases(world)
    assert (case["kind"], case["subject"], case["reader_id"]) == ("unknown_refund", ref, paid.reader_id)
    assert "in the acquirer's dashboard: enter it" in case["what"]
    finance = staff("finance")
    page = finance.get(case["link"])
    assert (
        "R75.00 incl. VAT of R75.00 incl. VAT (INV-000001) was returned to Visa ending in 4242" in page.words
    )
    assert "on Wednesday 17 March 2027" in page.words
    done = enter(finance, case["link"])
    assert (done.status, done.path) == (200, f"/staff/readers/{paid.reader_id}")
    world.settle()
    (row,) = world.rows("SELECT * FROM refund")
    assert (row["state"], row["gateway_ref"], row["amount"], row["credit_note_number"]) == (
        "succeeded",
        ref,
        7500,
        1,
    )
    note = world.letter(paid.email, "Credit note CN-000001")
    assert "Asked for by phone, by Sipho" in " ".join(note.text.split())
    assert balances(world).get("gateway", 0) == 0
    (line,) = world.rows(f"SELECT act, {BY}, subject FROM audit_line WHERE act = 'enter_refund'")
    assert line == {"act": "enter_refund", "by": "staff:finance@paper.example", "subject": row["id"]}
    assert [case["closed_by_id"] for case in cases(world)] == ["finance@paper.example"]
    assert compare(world).differences == []
    ledger_checks.check(world)


def test_it_is_entered_once_and_by_finance_alone(world: World, paid: Subscriber, staff: SignIn) -> None:
    ref = by_hand(world, amount=2500)
    where = f"/staff/readers/{paid.reader_id}/enter-refund?refund={ref}"
    assert staff("support").get(where).status == 403
    finance, admin = staff("finance"), staff("admin")
    admin.get(where)
    enter(finance, where)
    assert (
        "is in our books already"
        in admin.post(where.partition("?")[0], reason="me too", step="confirm").words
    )
    assert "is in our books already" in finance.get(where).words
    assert [row["amount"] for row in world.rows("SELECT amount FROM refund")] == [2500]
    assert finance.get(f"/staff/readers/{paid.reader_id}/enter-refund?refund=nonsense").status == 404
    other = world.start_trial("other@example.com", "pm_card_visa__2")["reader"]["id"]
    assert (
        "There is no such payment" in finance.get(f"/staff/readers/{other}/enter-refund?refund={ref}").words
    )


def test_while_stripe_is_away_the_reason_stays_in_the_form(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    ref = by_hand(world, amount=2500)
    where = f"/staff/readers/{paid.reader_id}/enter-refund"
    finance = staff("finance")
    finance.get(f"{where}?refund={ref}")
    world.sandbox.faults(
        {"effect": "reset", "when": "before", "method": "GET", "path": f"/v1/refunds/{ref}", "times": None}
    )
    page = finance.post(where, reason="Asked for by phone, by Sipho", step="confirm")
    assert page.status == 503
    assert page.words.count("Stripe can't say what became of this refund now") == 1
    assert "Asked for by phone, by Sipho" in page.text
    world.sandbox.faults()
    finance.post(where, reason="Asked for by phone, by Sipho", step="preview")
    assert (
        finance.post(where, reason="Asked for by phone, by Sipho", step="confirm").path
        == f"/staff/readers/{paid.reader_id}"
    )
    assert len(world.rows("SELECT id FROM refund")) == 1


def test_one_that_is_pending_gets_its_credit_note_when_it_has_gone_and_one_that_bounces_is_owed(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    fast_forward(world, local(2027, 3, 17, 11))
    world.sandbox.banks("refunds", **{"as": "pending"})
    stripe: Any = world.sandbox.client()
    ref = str(stripe.v1.refunds.create({"charge": world.charges()[0]["id"]}).id)
    finance = staff("finance")
    where = f"/staff/readers/{paid.reader_id}/enter-refund?refund={ref}"
    assert "a credit note is written when it has" in finance.get(where).words
    enter(finance, where)
    assert world.rows("SELECT state FROM refund") == [{"state": "pending"}]
    world.advance(days=2)
    assert world.rows("SELECT state, credit_note_number FROM refund") == [
        {"state": "succeeded", "credit_note_number": 1}
    ]
    world.sandbox.banks("refund_fails", refund=ref)
    world.settle()
    assert world.mail_kinds(paid.email)[-1] == "refund_failed"
    assert "Owed to readers" in staff("admin").get("/staff/books").words


def test_a_bounced_refund_that_somebody_repeats_in_the_dashboard_pays_what_is_owed(
    world: World, staff: SignIn
) -> None:
    world.start_trial(READER, "pm_card_refundFail")
    world.advance_to(local(2027, 3, 16, 12))
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    world.advance_to(local(2027, 3, 17, 10, 59))
    world.advance_to(local(2027, 3, 17, 23))
    world.sandbox.banks("refunds", **{"as": "succeeded"})
    stripe: Any = world.sandbox.client()
    again = str(stripe.v1.refunds.create({"charge": world.charges()[0]["id"]}).id)
    world.advance_to(local(2027, 3, 18, 12))
    (case,) = [case for case in cases(world) if case["kind"] == "unknown_refund"]
    finance = staff("finance")
    assert "It pays what a refund that bounced had left owing" in finance.get(case["link"]).words
    enter(finance, case["link"])
    world.settle()
    assert "Owed to readers" not in finance.get("/staff/books").words
    assert "refunds_owed" not in balances(world)
    assert world.rows("SELECT paid_back_ref FROM refund") == [{"paid_back_ref": again}]
    assert "back to your card" in world.letter(READER, "We have paid").subject
    assert [case for case in cases(world) if case["closed_at"] is None] == []
    assert compare(world).differences == []
    services = world.services
    assert [
        one.promise.name for one in doctor.examine(services.database, services.site, world.now) if one.count
    ] == []


def test_ours_that_was_refused_because_of_it_is_explained_by_entering_it(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    ref = by_hand(world)
    world.api.post(
        f"/v1/subscriptions/{paid.subscription_id}/cancel", json={"when": "now", "refund": "last"}
    ).raise_for_status()
    world.settle()
    assert {case["kind"] for case in cases(world)} == {"unknown_refund", "refund_failed"}
    enter(staff("finance"), f"/staff/readers/{paid.reader_id}/enter-refund?refund={ref}")
    assert [case["kind"] for case in cases(world) if case["closed_at"] is None] == []


def test_ours_returns_what_a_part_made_in_the_dashboard_has_left(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    """Stripe refuses more than the rest of a charge. No mail says that the whole is owed, and one act records the part."""
    fast_forward(world, local(2027, 3, 17, 11))
    stripe: Any = world.sandbox.client()
    ref = str(stripe.v1.refunds.create({"charge": world.charges()[0]["id"], "amount": 3000}).id)
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    assert world.rows("SELECT state, amount, net + vat AS sum FROM refund") == [
        {"state": "succeeded", "amount": 4500, "sum": 4500}
    ]
    assert world.charges()[0]["amount_refunded"] == 7500
    assert "refund_failed" not in world.mail_kinds(paid.email)
    assert "R45.00" in world.letter(paid.email, "cancelled").text
    finance = staff("finance")
    assert "Owed to readers" not in finance.get("/staff/books").words
    (case,) = cases(world)
    assert (case["kind"], case["subject"], case["reader_id"]) == ("unknown_refund", ref, paid.reader_id)
    enter(finance, case["link"])
    world.settle()
    assert world.rows(
        "SELECT sum(amount) AS cents, sum(vat) AS vat FROM refund WHERE state = 'succeeded'"
    ) == [{"cents": 7500, "vat": world.rows("SELECT vat FROM invoice")[0]["vat"]}]
    assert [case for case in cases(world) if case["closed_at"] is None] == []
    world.advance_to(local(2027, 3, 18, 12))
    assert compare(world).differences == []
    ledger_checks.check(world)


def test_parts_made_in_the_dashboard_that_come_to_the_whole_leave_nothing_owed(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    """Another part is made between two tries of ours."""
    fast_forward(world, local(2027, 3, 17, 11))
    stripe: Any = world.sandbox.client()
    stripe.v1.refunds.create({"charge": world.charges()[0]["id"], "amount": 3000})
    world.sandbox.faults(
        {"effect": "reset", "when": "before", "method": "GET", "path": "/v1/refunds", "times": 2}
    )
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    assert world.rows("SELECT state, amount FROM refund") == [{"state": "intended", "amount": 7500}]
    stripe.v1.refunds.create({"charge": world.charges()[0]["id"], "amount": 4500})
    world.advance(hours=1)
    assert world.rows("SELECT state, not_owed FROM refund") == [{"state": "failed", "not_owed": True}]
    assert "refund_failed" not in world.mail_kinds(paid.email)
    assert "Owed to readers" not in staff("finance").get("/staff/books").words
