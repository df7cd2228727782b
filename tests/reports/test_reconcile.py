"""Our books against Stripe's: a clean month is clean, and each difference opens one case that a person closes."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from billing.disputes import warn
from billing.platform.claims import only_one
from billing.platform.errors import Unavailable
from billing.reconcile import schedule
from billing.reconcile.reconcile import ComparisonReport, reconcile
from tests.reports.operator import command, execute
from tests.support.actors import BY
from tests.support.staff_members import SignIn
from tests.support.world import World, local

CHARGE_DAY = date(2027, 3, 16)


def pay(world: World, *emails: str, cards: tuple[str, ...] = ("pm_card_visa", "pm_card_mastercard")) -> None:
    """Let these readers' first charges succeed on the charge day. Call it on a blank world."""
    subscribers = dict(zip(emails, cards, strict=True))

    def live() -> None:
        for email, card in subscribers.items():
            world.start_trial(email, card)
        world.advance_to(local(2027, 3, 16, 12))

    world.once(f"first charges of {subscribers}", live)


def compare(world: World, since: date = CHARGE_DAY, through: date | None = None) -> ComparisonReport:
    """The comparison, now."""
    return reconcile(world.services.reconcile_context, since, through or since, world.now)


def found(report: ComparisonReport) -> list[tuple[str, int | None, int | None]]:
    """Kind, our cents, Stripe's."""
    return [(one.kind.value, one.ours, one.theirs) for one in report.differences]


def cases(world: World) -> list[dict[str, Any]]:
    """Every case that comparing opened, oldest first."""
    return world.rows("SELECT * FROM staff_case WHERE kind <> 'promise_broken' ORDER BY id")


def charge_of(world: World) -> str:
    """The first payment's charge."""
    return str(world.rows("SELECT charge_ref FROM payment ORDER BY id")[0]["charge_ref"])


def foreign_charge(world: World, amount: int = 9900, **metadata: str) -> dict[str, Any]:
    """Charge a customer of ours manually at Stripe."""
    stripe: Any = world.sandbox.client()
    customer = world.sandbox.objects("customer")[0]["id"]
    card = next(row for row in world.sandbox.objects("payment_method") if row["customer"] == customer)["id"]
    made = stripe.v1.payment_intents.create(
        {"amount": amount, "currency": "zar", "customer": customer, "payment_method": card, "confirm": True,
         "off_session": True, "metadata": metadata}
    )  # fmt: skip
    return {"charge": str(made.latest_charge), "intent": made.id}


def test_a_month_with_everything_in_it_is_clean(world: World) -> None:
    """Charges, a partial refund, a failed one, a lost and a won dispute, payouts. Compared each morning, and on request."""
    names = ("one", "two", "three", "four", "five")
    plain = (
        "pm_card_visa",
        "pm_card_mastercard",
        "pm_card_refundFail",
        "pm_card_createDispute",
        "pm_card_createDispute__2",
    )
    pay(world, *(f"{name}@example.com" for name in names), cards=plain)
    payments = [row["id"] for row in world.rows("SELECT id FROM payment ORDER BY id")]
    assert len(payments) == 5
    ours = {row["charge_ref"]: row["id"] for row in world.rows("SELECT charge_ref, id FROM payment")}
    disputed = {ours[row["charge"]] for row in world.sandbox.disputes()}
    for payment, amount in zip(
        [one for one in payments if one not in disputed], (2500, 7500, 7500), strict=True
    ):
        body = {"amount": amount, "reason": "kind"}
        world.api.post(f"/v1/payments/{payment}/refunds", json=body).raise_for_status()
    world.settle()
    world.sandbox.banks("win", dispute=world.sandbox.disputes()[0]["id"])
    world.advance(days=32)
    assert len(world.charges()) > 5
    assert len(world.sandbox.payouts()) >= 1
    report = compare(world, CHARGE_DAY, world.services.site.today(world.now))
    assert found(report) == []
    assert report.movements == len(world.sandbox.objects("balance_transaction"))
    assert {case["kind"] for case in cases(world)} <= {"dispute", "refund_failed"}
    marks = world.rows(
        "SELECT since, through, differences FROM reconciliation WHERE done_at IS NOT NULL ORDER BY through"
    )
    assert marks[0]["since"] == CHARGE_DAY
    assert sum(mark["differences"] for mark in marks) == 0
    fees = world.rows("SELECT sum(amount) AS cents FROM ledger_entry WHERE account = 'gateway_fees'")[0][
        "cents"
    ]
    assert fees == sum(row["fee"] for row in world.sandbox.objects("balance_transaction"))
    bank = world.rows("SELECT sum(amount) AS cents FROM ledger_entry WHERE account = 'bank'")[0]["cents"]
    assert bank == sum(payout["amount"] for payout in world.sandbox.payouts())
    held = world.rows("SELECT sum(amount) AS cents FROM ledger_entry WHERE account = 'gateway'")[0]["cents"]
    assert held == sum(row["net"] for row in world.sandbox.objects("balance_transaction")), "to the cent"
    status, said, _ = command(world, "reconcile")
    assert (status, "0 differences" in said) == (0, True), said


@pytest.mark.prove
def test_what_happened_since_the_day_that_is_compared_is_no_difference(world: World) -> None:
    """A refund failed and a dispute was won this morning. Our books have both, and yesterday's movements don't."""
    pay(world, "one@example.com", "two@example.com", cards=("pm_card_visa", "pm_card_createDispute"))
    disputed = world.rows("SELECT payment_id FROM dispute")[0]["payment_id"]
    plain = next(row["id"] for row in world.rows("SELECT id FROM payment") if row["id"] != disputed)
    world.api.post(f"/v1/payments/{plain}/refunds", json={"reason": "kind"}).raise_for_status()
    world.settle()
    world.advance_to(local(2027, 3, 17, 4))
    world.sandbox.banks("refund_fails", refund=world.sandbox.refunds()[0]["id"])
    world.sandbox.banks("win", dispute=world.sandbox.disputes()[0]["id"])
    world.settle()
    assert found(compare(world)) == []
    assert {case["kind"] for case in cases(world)} == {"dispute", "refund_failed"}


def missing_payment(world: World) -> None:
    execute(world, "DELETE FROM payment WHERE charge_ref = :ref", ref=charge_of(world))


def changed_amount(world: World) -> None:
    execute(world, "UPDATE payment SET amount = 7400 WHERE charge_ref = :ref", ref=charge_of(world))


def invented_payment(world: World) -> None:
    execute(
        world, "UPDATE payment SET charge_ref = 'ch_invented' WHERE charge_ref = :ref", ref=charge_of(world)
    )


def extra_charge(world: World) -> None:
    foreign_charge(world)


def correction(world: World) -> None:
    world.sandbox.banks("correct", amount=-1234, description="We found an error")


PLANTED = [
    (missing_payment, [("unknown_charge", None, 7500)], "no such charge"),
    (extra_charge, [("unknown_charge", None, 9900)], "R99.00"),
    pytest.param(changed_amount, [("other_amount", 7400, 7500)], "R74.00", marks=pytest.mark.prove),
    pytest.param(
        invented_payment,
        [("missing_charge", 7500, None), ("unknown_charge", None, 7500)],
        "ch_invented",
        marks=pytest.mark.prove,
    ),
    pytest.param(
        correction,
        [("unexpected_movement", None, -1234)],
        "We found an error",
        marks=pytest.mark.prove,
    ),
]


@pytest.mark.parametrize(
    ("plant", "expected", "words"), PLANTED, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_is_planted_is_found_once_named_and_explained(
    world: World, plant: Callable[[World], None], expected: list[Any], words: str
) -> None:
    pay(world, "one@example.com", "two@example.com")
    plant(world)
    report = compare(world)
    assert sorted(found(report)) == sorted(expected)
    assert report.unexplained == len(expected)
    assert found(compare(world)) == found(report)
    assert sorted((case["kind"], case["ours"], case["theirs"]) for case in cases(world)) == sorted(expected)
    assert any(words in case["what"] for case in cases(world))
    world.advance_to(local(2027, 3, 17, 6))
    status, said, _ = command(world, "reconcile", "--day", "2027-03-16")
    assert (status, words in said) == (1, True), said
    execute(
        world,
        "UPDATE staff_case SET closed_at = opened_at, closed_by_kind = 'staff', closed_by_id = 'x', reason = 'known'",
    )
    status, said, _ = command(world, "reconcile", "--day", "2027-03-16")
    assert (status, f"{len(expected)} of them explained" in said) == (0, True), said
    assert len(cases(world)) == len(expected), "what was explained isn't asked again"


@pytest.mark.prove
@pytest.mark.usefixtures("paid")
def test_a_charge_of_a_customer_of_ours_is_named(world: World) -> None:
    made = foreign_charge(world)
    compare(world)
    (case,) = cases(world)
    assert case["reader_id"] == world.rows("SELECT id FROM reader")[0]["id"]
    assert case["facts"]["card"] == "Visa ending in 4242"
    assert case["facts"]["intent"] == made["intent"]
    assert case["facts"]["attempt of ours"] == "none named"


@pytest.mark.usefixtures("paid")
def test_a_charge_that_names_an_attempt_nobody_has_is_a_case_and_so_is_its_dispute(world: World) -> None:
    """After a restored backup: what was charged in the lost hour names rows that are gone."""
    lost = foreign_charge(world, attempt="att_of_the_lost_hour", invoice="inv_of_the_lost_hour")
    assert found(compare(world)) == [("unknown_charge", None, 9900)]
    (case,) = cases(world)
    assert case["facts"]["attempt of ours"] == "att_of_the_lost_hour"
    world.sandbox.banks("dispute", charge=lost["charge"])
    world.settle()
    assert {case["kind"] for case in cases(world)} == {"unknown_charge", "unknown_dispute"}
    world.advance_to(local(2027, 3, 17, 12))
    (row,) = world.rows("SELECT done_at, tries FROM reconciliation")
    assert (row["done_at"] is not None, row["tries"]) == (True, 0)


@pytest.mark.prove
def test_what_was_only_unheard_of_is_written_down_and_is_no_case(world: World) -> None:
    """Every event is lost. The morning's comparison finds a dispute, its end and a failed refund."""
    pay(world, "one@example.com", "two@example.com", cards=("pm_card_visa", "pm_card_refundFail"))
    refunded = next(
        row["id"]
        for row in world.rows(
            "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email LIKE 'two%'"
        )
    )
    world.api.post(f"/v1/payments/{refunded}/refunds", json={"reason": "kind"}).raise_for_status()
    world.settle()
    world.sandbox.trouble({"type": "*", "effect": "drop"})
    other = next(row for row in world.rows("SELECT id, charge_ref FROM payment") if row["id"] != refunded)
    disputed = world.sandbox.banks("dispute", charge=other["charge_ref"])
    world.advance_to(local(2027, 3, 25, 12))
    world.sandbox.banks("lose", dispute=disputed["id"])
    world.advance_to(local(2027, 3, 26, 12))
    assert [row["state"] for row in world.rows("SELECT state FROM dispute")] == ["lost"]
    (bounced,) = world.rows("SELECT state, bounced_at FROM refund")
    assert (bounced["state"], bounced["bounced_at"] is not None) == ("failed", True)
    assert {(case["kind"], case["closed_by_kind"]) for case in cases(world)} == {
        ("dispute", "acquirer"),
        ("refund_failed", None),
    }
    assert found(compare(world, CHARGE_DAY, date(2027, 3, 25))) == []


def test_an_inquiry_and_a_warning_whose_news_was_lost_stop_renewals_all_the_same(world: World) -> None:
    """They move no money, so no balance transaction shows them. The morning's comparison lists them."""
    emails = ("asks@example.com", "warns@example.com", "plain@example.com")
    for email, card in zip(
        emails,
        ("pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord", "pm_card_visa"),
        strict=True,
    ):
        world.start_trial(email, card)
    world.advance_to(local(2027, 3, 16, 8))
    world.sandbox.trouble(
        {"type": "charge.dispute.*", "effect": "drop"}, {"type": "radar.*", "effect": "drop"}
    )
    world.advance_to(local(2027, 3, 16, 12))
    assert (len(world.charges()), world.rows("SELECT id FROM dispute")) == (3, [])
    world.advance_to(local(2027, 3, 17, 12))
    (dispute,) = world.rows("SELECT inquiry, state FROM dispute")
    assert dispute == {"inquiry": True, "state": "needs_answer"}
    assert sorted(case["kind"] for case in cases(world)) == ["dispute", "fraud_warning"]
    world.sandbox.trouble()
    world.advance_to(local(2027, 4, 17))
    charges = {
        row["email"]: len(world.charges(of=row["id"])) for row in world.rows("SELECT id, email FROM reader")
    }
    assert charges == dict(zip(emails, (1, 1, 2), strict=True))
    assert [world.mail_kinds(email).count("disputed") for email in emails] == [1, 1, 0]


def test_old_news_of_a_warning_stops_nobody_who_went_on_since(world: World) -> None:
    begun = world.start_trial("warns@example.com", "pm_card_createIssuerFraudRecord")
    world.advance_to(local(2027, 3, 16, 12))
    subscription = begun["subscription"]["id"]
    assert world.subscription(subscription)["cancel_requested_at"] is not None
    world.api.post(f"/v1/subscriptions/{subscription}/resume", json={}).raise_for_status()
    (warned,) = (one["id"] for one in world.sandbox.objects("radar.early_fraud_warning"))
    context = world.services.reconcile_context
    warn.settle_warning(context.database, context.gateway, context.site, warned, world.now)
    assert world.subscription(subscription)["cancel_requested_at"] is None


@pytest.mark.prove
@pytest.mark.usefixtures("paid")
def test_a_payout_whose_event_was_lost_is_kept_with_what_it_pays_out(world: World) -> None:
    world.sandbox.trouble({"type": "payout.*", "effect": "drop"})
    world.advance_to(local(2027, 3, 26, 12))
    (payout,) = world.sandbox.payouts()
    (kept,) = world.rows("SELECT ref, amount FROM payout")
    assert kept == {"ref": payout["id"], "amount": payout["amount"]}
    inside = world.rows("SELECT category FROM balance_movement WHERE payout_ref = :ref", ref=payout["id"])
    assert {row["category"] for row in inside} == {"charge", "payout"}
    execute(world, "UPDATE payout SET amount = amount + 1")
    assert found(compare(world, date(2027, 3, 16), date(2027, 3, 25))) == [
        ("payout_sum", payout["amount"], payout["amount"] + 1)
    ]


@pytest.mark.usefixtures("paid")
def test_a_payout_that_the_bank_sends_back_is_booked_back_and_goes_out_once_more(world: World) -> None:
    """To the cent: the bank's money is there once, and the rest is at Stripe."""

    def held(account: str) -> int:
        query = "SELECT coalesce(sum(amount), 0) AS cents FROM ledger_entry WHERE account = :account"
        return int(world.rows(query, account=account)[0]["cents"])

    world.advance_to(local(2027, 3, 25, 12))
    (payout,) = world.sandbox.payouts()
    assert held("bank") == payout["amount"]
    world.sandbox.banks("payout_fails", payout=payout["id"])
    report = compare(world, date(2027, 3, 25))
    assert (found(report), held("bank"), held("gateway")) == ([], 0, payout["amount"])
    world.advance(days=2)
    again, first = world.sandbox.payouts()
    assert (first["status"], again["status"], again["amount"]) == ("failed", "paid", payout["amount"])
    assert found(compare(world, CHARGE_DAY, date(2027, 3, 26))) == []
    assert (held("bank"), held("gateway"), cases(world)) == (payout["amount"], 0, [])


@pytest.mark.usefixtures("paid")
def test_when_stripe_is_away_it_is_tried_again_and_said(world: World, staff: SignIn) -> None:
    world.sandbox.faults(
        {"method": "GET", "path": "/v1/balance_transactions", "effect": "500_before", "times": None}
    )
    with pytest.raises(Unavailable):
        compare(world)
    world.advance_to(local(2027, 3, 17, 12, 30))
    (row,) = world.rows("SELECT done_at, tries, problem FROM reconciliation")
    assert row["done_at"] is None
    assert row["tries"] >= 1
    assert "could not be compared" in staff("finance").get("/staff/cases").words
    status, _, complaint = command(world, "reconcile")
    assert (status, len(complaint.splitlines())) == (1, 1)
    world.sandbox.faults()
    world.advance_to(local(2027, 3, 17, 14))
    (row,) = world.rows("SELECT done_at, differences FROM reconciliation")
    assert (row["done_at"] is not None, row["differences"]) == (True, 0)
    assert (
        "compared with the acquirer’s through Tuesday 16 March 2027"
        in staff("admin").get("/staff/cases").words
    )


@pytest.mark.usefixtures("paid")
def test_finance_closes_a_case_with_a_reason_and_it_is_audited(world: World, staff: SignIn) -> None:
    foreign_charge(world)
    compare(world)
    (case,) = cases(world)
    finance, admin = staff("finance"), staff("admin")
    assert "no such charge" in finance.get("/staff/cases").words
    where = f"/staff/cases/{case['id']}"
    admin.get(where)
    finance.get(where)
    assert finance.post(f"{where}/close", reason="  ").status == 422
    page = finance.post(f"{where}/close", reason="A test by Sipho, given back by hand.")
    assert page.path == "/staff/cases"
    assert "everything adds up" in page.words
    assert "A test by Sipho" in finance.get("/staff/cases/closed").words
    second = admin.post(f"{where}/close", reason="Me too")
    assert (second.status, "Closed by staff:finance@paper.example" in second.words) == (409, True)
    (line,) = world.rows(f"SELECT {BY}, reason, subject FROM audit_line WHERE act = 'close_case'")
    assert line == {
        "by": "staff:finance@paper.example",
        "reason": "A test by Sipho, given back by hand.",
        "subject": case["id"],
    }


@pytest.mark.usefixtures("paid")
def test_while_money_is_held_the_command_compares_nothing(world: World) -> None:
    foreign_charge(world)
    world.execute("UPDATE installation SET home = 'somewhere else'")
    for given in (("reconcile",), ("reconcile", "--day", "2027-03-15")):
        status, _, complaint = command(world, *given)
        assert (status, len(complaint.splitlines())) == (1, 1), complaint
        assert "billing adopt" in complaint
    assert cases(world) == []
    assert world.rows("SELECT 1 FROM reconciliation WHERE done_at IS NOT NULL") == []


@pytest.mark.usefixtures("paid")
def test_while_a_worker_compares_the_command_does_not(world: World) -> None:
    with only_one(world.services.database, schedule.COMPARING):
        status, _, complaint = command(world, "reconcile")
    assert (status, "The worker compares the books now" in complaint) == (1, True)
    assert world.rows("SELECT 1 FROM reconciliation WHERE done_at IS NOT NULL") == []


def test_a_day_that_is_not_over_is_not_compared(world: World) -> None:
    status, _, complaint = command(world, "reconcile", "--day", "2027-03-01")
    assert (status, "isn't over yet" in complaint) == (1, True)
    status, said, _ = command(world, "reconcile")
    assert (status, "0 differences" in said) == (0, True)
