"""Payouts that Stripe doesn't itemise, itemises late, or cancels. The daily comparison completes in each case, and
reports what it couldn't compare.
"""

from datetime import date
from typing import Any

import pytest

from billing.acquirer.stripe import balance
from billing.reconcile.reconcile import ComparisonReport, reconcile
from tests.reports.operator import broken, execute
from tests.support.world import World, local

CHARGE_DAY = date(2027, 3, 16)
PAID_OUT = date(2027, 3, 24)
"""What was charged on the charge day can be paid out from here on."""


def by_hand(world: World) -> None:
    """From now on all payouts are manual."""
    world.sandbox.banks("payouts", schedule="manual")


def compare(world: World, since: date, through: date | None = None) -> ComparisonReport:
    return reconcile(world.services.reconcile_context, since, through or since, world.now)


def found(report: ComparisonReport) -> list[tuple[str, int | None, int | None]]:
    """Kind, our cents, Stripe's."""
    return [(one.kind.value, one.ours, one.theirs) for one in report.differences]


def held(world: World, account: str) -> int:
    query = "SELECT coalesce(sum(amount), 0) AS cents FROM ledger_entry WHERE account = :account"
    return int(world.rows(query, account=account)[0]["cents"])


def compared_through(world: World) -> date:
    return world.rows("SELECT max(through) AS day FROM reconciliation WHERE done_at IS NOT NULL")[0]["day"]  # type: ignore[no-any-return]


def cases(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT kind, subject, what FROM staff_case ORDER BY id")


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize(
    ("method", "fee", "fee_apart"), [("standard", 0, False), ("instant", 50, False), ("instant", 50, True)]
)
def test_a_payout_by_hand_is_compared_by_time_and_the_mornings_go_on(
    world: World, method: str, fee: int, fee_apart: bool
) -> None:
    """Whichever balance transaction Stripe books the fee on: no source says that."""
    by_hand(world)
    world.advance_to(local(2027, 3, 24, 12))
    payout = world.sandbox.banks("pay_out", method=method, amount=5000, fee_apart=fee_apart)
    assert (payout["automatic"], payout["reconciliation_status"]) == (False, "not_applicable")
    world.advance_to(local(2027, 3, 27, 12))
    assert compared_through(world) == date(2027, 3, 26)
    assert cases(world) == []
    [kept] = world.rows("SELECT ref, amount FROM payout")
    assert kept == {"ref": payout["id"], "amount": 5000}
    assert held(world, "bank") == 5000
    stays = sum(row["net"] for row in world.sandbox.objects("balance_transaction"))
    assert (held(world, "gateway"), stays) == (7082 - 5000 - fee, 7082 - 5000 - fee)
    assert found(compare(world, CHARGE_DAY, date(2027, 3, 26))) == []
    assert broken(world) == {}


@pytest.mark.usefixtures("paid")
def test_a_payout_by_hand_of_more_than_we_know_of_is_a_case_once(world: World) -> None:
    """Our copy lacks a movement, so the payout includes money that we never saw."""
    by_hand(world)
    world.advance_to(local(2027, 3, 24, 12))
    execute(world, "DELETE FROM balance_movement")
    first = world.sandbox.banks("pay_out", amount=5000)
    world.advance(hours=1)
    world.sandbox.banks("pay_out", amount=2000)
    world.advance_to(local(2027, 3, 26, 12))
    notices = {case["subject"]: case["what"] for case in cases(world) if case["kind"] == "payout_sum"}
    assert set(notices) == {payout["id"] for payout in world.sandbox.payouts()}
    assert "is R50.00, and by the movements we know of Stripe held R0.00 of it" in notices[first["id"]]
    report = compare(world, PAID_OUT)
    assert found(report) == [("payout_sum", 0, 5000), ("payout_sum", 0, 2000)]
    world.sandbox.banks("correct", amount=3000)
    world.sandbox.banks("pay_out", method="instant", amount=2500)
    world.advance_to(local(2027, 3, 27, 12))
    assert sorted(case["kind"] for case in cases(world)) == [
        "payout_sum",
        "payout_sum",
        "unexpected_movement",
    ], "what is known to be missing is told once"


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("method", ["standard", "instant"])
def test_a_payout_by_hand_that_the_bank_sends_back_is_booked_back(world: World, method: str) -> None:
    by_hand(world)
    world.advance_to(local(2027, 3, 24, 12))
    payout = world.sandbox.banks("pay_out", method=method, amount=5000)
    world.advance_to(local(2027, 3, 26, 12))
    assert held(world, "bank") == 5000
    world.sandbox.banks("payout_fails", payout=payout["id"])
    world.advance_to(local(2027, 3, 27, 12))
    fee = 50 if method == "instant" else 0
    assert (held(world, "bank"), held(world, "gateway")) == (0, 7082 - fee)
    assert cases(world) == []


@pytest.mark.usefixtures("paid")
def test_an_instant_payout_is_counted_by_the_daily_one_that_follows(world: World) -> None:
    """The list of a daily payout holds the instant one that took part of its money before."""
    world.advance_to(local(2027, 3, 20, 12))
    world.sandbox.banks("pay_out", method="instant", amount=3000)
    world.advance_to(local(2027, 3, 26, 12))
    daily, instant = world.sandbox.payouts()
    assert (daily["automatic"], daily["amount"], instant["amount"]) == (True, 7082 - 3000 - 30, 3000)
    assert held(world, "bank") == 7082 - 30
    assert (held(world, "gateway"), cases(world)) == (0, [])
    assert found(compare(world, CHARGE_DAY, date(2027, 3, 25))) == []


@pytest.mark.usefixtures("paid")
def test_a_debit_of_our_bank_account_is_a_payout_below_zero(world: World) -> None:
    world.advance_to(local(2027, 3, 25, 12))
    assert held(world, "bank") == 7082
    world.sandbox.banks("dispute", charge=world.sandbox.charges()[0]["id"])
    world.advance_to(local(2027, 4, 2, 12))
    payout = world.sandbox.banks("debit")
    assert payout["amount"] == -7500 - 5000
    world.advance_to(local(2027, 4, 4, 12))
    assert (held(world, "bank"), held(world, "gateway")) == (7082 - 12500, 0)
    assert {case["kind"] for case in cases(world)} == {"dispute"}


@pytest.mark.usefixtures("paid")
def test_a_payout_whose_list_is_not_finished_is_compared_when_it_is(world: World) -> None:
    world.sandbox.banks("payouts", listing="in_progress")
    world.advance_to(local(2027, 3, 26, 12))
    [payout] = world.sandbox.payouts()
    assert held(world, "bank") == payout["amount"]
    assert (cases(world), broken(world)) == ([], {}), "it isn't finished yet, and nothing is wrong with that"
    world.sandbox.trouble({"type": "payout.*", "effect": "drop"})
    world.sandbox.banks("payout_listed", payout=payout["id"])
    world.advance_to(local(2027, 3, 27, 12))
    inside = world.rows("SELECT category FROM balance_movement WHERE payout_ref = :ref", ref=payout["id"])
    assert {row["category"] for row in inside} == {"charge", "payout"}
    assert (cases(world), broken(world)) == ([], {})


@pytest.mark.usefixtures("paid")
def test_a_payout_that_is_never_itemised_is_told_after_three_days(world: World) -> None:
    world.sandbox.banks("payouts", listing="in_progress")
    world.advance_to(local(2027, 3, 29, 12))
    [payout] = world.sandbox.payouts()
    assert broken(world) == {"payouts-are-compared": [payout["id"]]}
    assert [(case["kind"], case["subject"]) for case in cases(world)] == [
        ("promise_broken", f"payouts-are-compared:{payout['id']}")
    ]
    assert compared_through(world) == date(2027, 3, 28), "everything else is compared all the same"


@pytest.mark.usefixtures("paid")
def test_one_payout_that_cannot_be_asked_about_holds_up_nothing(world: World) -> None:
    """It stays open, and is compared at its next event from Stripe."""
    world.sandbox.trouble({"type": "payout.*", "effect": "drop"})
    world.sandbox.faults({"method": "GET", "path": "/v1/payouts/*", "effect": "500_before", "times": None})
    world.advance_to(local(2027, 3, 26, 12))
    [payout] = world.sandbox.payouts()
    assert compared_through(world) == date(2027, 3, 25)
    assert world.rows("SELECT ref FROM payout") == []
    world.advance_to(local(2027, 3, 29, 12))
    assert broken(world)["payouts-are-compared"] == [payout["id"]]
    world.sandbox.faults()
    world.advance_to(local(2027, 3, 30, 12))
    assert [row["ref"] for row in world.rows("SELECT ref FROM payout")] == [payout["id"]]
    assert broken(world) == {}


@pytest.mark.usefixtures("paid")
def test_a_payout_that_cannot_be_read_holds_up_no_comparison(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its bank's reference is asked for each morning, of a Payout that Stripe one day gives in another shape."""
    world.advance_to(local(2027, 3, 24, 12))
    [payout] = world.rows("SELECT ref, reference_is_pending FROM payout")
    assert payout["reference_is_pending"]

    def unreadable(row: dict[str, Any]) -> None:
        raise KeyError(row["id"])

    monkeypatch.setattr(balance, "_payout", unreadable)
    world.advance_to(local(2027, 3, 27, 12))
    assert compared_through(world) == date(2027, 3, 26)
    assert f"the payout {payout['ref']} can't be taken in" in caplog.text
    monkeypatch.undo()
    world.advance_to(local(2027, 3, 28, 12))
    assert not world.rows("SELECT ref FROM payout WHERE reference_is_pending")
