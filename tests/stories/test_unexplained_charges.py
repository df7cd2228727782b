"""A charge that the database can't explain is refunded by itself. While the refund fails it is retried, or staff have
a case with the sum.
"""

from datetime import timedelta
from typing import Any

import pytest

from billing.timetable import tick
from tests.reports.operator import broken
from tests.support.broken_tables import refused_rows
from tests.support.fork_server import Crash
from tests.support.restored import adopt, last_evening
from tests.support.staff_members import SignIn
from tests.support.world import World, local

BROKEN = ["no-charge-unexplained"]


@pytest.fixture
def late(world: World) -> World:
    """Another reader began after the backup, and was charged. Then the backup was restored."""

    def live() -> None:
        world.start_trial("late@example.com", "pm_card_mastercard")
        world.advance_to(local(2027, 3, 30, 12))

    last_evening(world)
    world.once("another reader begins, and is charged", live)
    world.restore_backup()
    return world


def kept(world: World) -> dict[str, Any]:
    """The charge, as our books have it."""
    (row,) = world.rows("SELECT * FROM unexplained_charge")
    return row


def refunds_become(world: World, way: str | None) -> None:
    """See the sandbox's `refunds.BEHAVIOURS`."""
    world.sandbox.banks("refunds", **{"as": way})


def cases(world: World, *kinds: str) -> list[dict[str, Any]]:
    """Cases of these kinds."""
    return world.rows("SELECT * FROM staff_case WHERE kind = ANY(:kinds) ORDER BY id", kinds=list(kinds))


def explain_the_charge(world: World) -> None:
    """Staff explain the charge: in the case about the charge, not the one about its refund."""
    world.execute(
        "UPDATE staff_case SET closed_at = now(), closed_by_kind = 'staff', closed_by_id = 'x', reason = 'asked to begin again'"
        " WHERE kind IN ('unknown_charge', 'lost_start', 'promise_broken')"
    )


def books_are_stripes(world: World) -> None:
    """The mornings that passed found no difference."""
    differ = ("missing_refund", "unknown_refund", "other_amount", "missing_charge", "not_compared")
    assert cases(world, *differ) == []


def test_the_charge_of_a_subscription_that_is_lost_gives_itself_back_and_is_told(late: World) -> None:
    """The reader's consent is lost, so staff ask them to begin again."""
    world = late
    assert len(world.charges()) == 4
    said = adopt(world)
    assert "3 charges, R225.00, taken in" in said
    assert "1 charge, R75.00, that nothing explains: the money goes back" in said
    assert "1 reader began since" in said
    assert "no-charge-unexplained" in broken(world)
    world.settle()
    (refund,) = world.sandbox.refunds()
    assert (refund["amount"], refund["metadata"]["cause"]) == (7500, "unexplained")
    assert list(broken(world)) == BROKEN, "until a person has said why"
    kinds = {row["kind"]: row for row in world.rows("SELECT * FROM staff_case")}
    (reader,) = world.rows("SELECT id FROM reader WHERE email = 'late@example.com'")
    assert kinds["lost_start"]["reader_id"] == kinds["unknown_charge"]["reader_id"] == reader["id"]
    world.advance_to(local(2027, 4, 17))
    assert len(world.charges()) == 7, "the others are charged again"
    assert len(world.sandbox.refunds()) == 1, "once"
    assert {row["kind"] for row in world.rows("SELECT kind FROM staff_case")} <= {
        "lost_start", "unknown_charge", "promise_broken"
    }, "the books are Stripe's, the charge that went back among them"  # fmt: skip
    explain_the_charge(world)
    assert broken(world) == {}


@pytest.mark.rare
@pytest.mark.parametrize(
    "point", ["refunds.unexplained_charges._due commits", "unexplained.noted", "unexplained.answered",
              "refunds.unexplained_charges._settle commits", "refunds.unexplained_charges._settle has committed"]
)  # fmt: skip
def test_killed_while_it_gives_back_what_nothing_explains_it_gives_it_back_once(
    late: World, crash: Crash, point: str
) -> None:
    adopt(late)
    crash(point)
    late.advance(days=2)
    assert [refund["amount"] for refund in late.sandbox.refunds()] == [7500]
    assert kept(late)["refund_ref"] == late.sandbox.refunds()[0]["id"]
    assert kept(late)["returned_at"] is not None


def test_what_nothing_explains_is_given_back_when_stripe_can_be_asked(late: World) -> None:
    world = late
    world.sandbox.faults({"effect": "500_before", "method": "POST", "path": "/v1/refunds", "times": 2})
    adopt(world)
    tick(world.services)
    assert world.sandbox.refunds() == []
    world.advance(hours=2)
    assert len(world.sandbox.refunds()) == 1
    assert kept(world)["returned_at"] is not None
    assert kept(world)["failure"] is None


# our balance is too low


@pytest.mark.parametrize("way", ["no_balance", "waits_for_balance", "fails_for_balance"])
def test_it_waits_while_our_balance_is_too_low_and_goes_out_once_it_is_enough(late: World, way: str) -> None:
    world = late
    refunds_become(world, way)
    adopt(world)
    world.advance(days=4)
    assert kept(world)["awaiting_balance_since"] is not None
    (case,) = cases(world, "refunds_wait")
    assert "too low to return R75.00 incl. VAT" in case["what"]
    explain_the_charge(world)
    assert list(broken(world)) == BROKEN, "explained, and still kept"
    refunds_become(world, None)
    world.advance(days=2)
    assert [row["amount"] for row in world.sandbox.refunds() if row["status"] == "succeeded"] == [7500]
    (case,) = cases(world, "refunds_wait")
    assert case["closed_at"] is not None
    explain_the_charge(world)
    assert broken(world) == {}
    assert cases(world, "refund_failed") == []
    books_are_stripes(world)


def test_the_sum_that_waits_for_balance_counts_it(late: World, staff: SignIn) -> None:
    refunds_become(late, "no_balance")
    adopt(late)
    late.settle()
    assert "R75.00 incl. VAT waits" in staff("finance").get("/staff/books").words


# Stripe gives the refund up


def test_a_refund_that_was_canceled_is_made_once_more(late: World) -> None:
    world = late
    refunds_become(world, "canceled")
    adopt(world)
    world.advance(days=1, hours=1)
    (first,) = world.sandbox.refunds()
    assert first["status"] == "canceled"
    refunds_become(world, None)
    world.advance(days=2)
    again, _ = world.sandbox.refunds()
    assert (again["status"], again["amount"]) == ("succeeded", 7500)
    assert again["metadata"]["refund"] != first["metadata"]["refund"]
    assert kept(world)["refund_ref"] == again["id"]
    assert kept(world)["failed_refs"] == [first["id"]]
    explain_the_charge(world)
    assert broken(world) == {}
    world.advance(days=3)
    books_are_stripes(world)


def test_after_three_that_were_canceled_staff_have_the_case(late: World) -> None:
    world = late
    refunds_become(world, "canceled")
    adopt(world)
    world.advance(days=8)
    assert len(world.sandbox.refunds()) == 3
    (case,) = cases(world, "refund_failed")
    assert "canceled in the dashboard" in case["what"]
    books_are_stripes(world)


@pytest.mark.parametrize(("way", "made"), [("fails", 1), ("pending_fails", 1), ("too_old", 0)])
def test_one_that_can_only_fail_becomes_a_case_of_staff_with_the_sum(
    late: World, way: str, made: int
) -> None:
    """The card is closed, or the charge too old, so another refund fails as well."""
    world = late
    refunds_become(world, way)
    adopt(world)
    world.advance(days=4)
    assert len(world.sandbox.refunds()) == made
    (case,) = cases(world, "refund_failed")
    assert "R75.00 incl. VAT" in case["what"]
    assert (case["ours"], case["subject"]) == (7500, kept(world)["charge_ref"])
    assert (case["link"], case["closed_at"]) == ("/staff/owed", None)
    assert kept(world)["returned_at"] is None
    explain_the_charge(world)
    assert list(broken(world)) == BROKEN, "the money is still with us"
    books_are_stripes(world)


def test_a_bounce_whose_event_is_lost_is_found_by_the_morning(late: World) -> None:
    world = late
    refunds_become(world, "fails")
    adopt(world)
    world.settle()
    assert kept(world)["returned_at"] is not None
    world.sandbox.trouble({"type": "refund.*", "effect": "drop"})
    world.sandbox.trouble({"type": "charge.refund*", "effect": "drop"})
    world.advance(days=4)
    assert len(cases(world, "refund_failed")) == 1
    assert kept(world)["returned_at"] is None
    books_are_stripes(world)


def test_finance_pay_it_by_transfer_and_write_that_down(late: World, staff: SignIn) -> None:
    world = late
    refunds_become(world, "too_old")
    adopt(world)
    world.settle()
    finance = staff("finance")
    page = finance.get("/staff/books")
    assert "R75.00" in page.words
    assert kept(world)["charge_ref"] in page.words
    finance.post("/staff/books/paid-back", reference="", on="2027-03-30")
    assert kept(world)["returned_at"] is None, "not without the bank's reference"
    finance.get("/staff/books")
    finance.post("/staff/books/paid-back", reference="EFT 2027/118", on="2027-03-30")
    row = kept(world)
    assert (row["paid_back_ref"], row["returned_at"] is not None) == ("EFT 2027/118", True)
    (case,) = cases(world, "refund_failed")
    assert "EFT 2027/118" in case["reason"]
    moved = world.rows(
        "SELECT account, amount FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id"
        " WHERE t.source_id = :ref AND t.kind = 'refund_paid_by_hand' ORDER BY account",
        ref=row["charge_ref"],
    )
    assert moved == [{"account": "bank", "amount": -7500}, {"account": "gateway", "amount": 7500}]
    assert kept(world)["charge_ref"] not in finance.get("/staff/books").words
    explain_the_charge(world)
    assert broken(world) == {}
    refunds_become(world, None)
    world.advance(days=3)
    assert world.sandbox.refunds() == [], "it isn't paid twice"
    books_are_stripes(world)


def test_a_person_who_closes_the_case_with_a_reason_has_explained_it(late: World, staff: SignIn) -> None:
    world = late
    refunds_become(world, "too_old")
    adopt(world)
    world.settle()
    explain_the_charge(world)
    (case,) = cases(world, "refund_failed")
    support = staff("finance")
    support.get(f"/staff/cases/{case['id']}")
    support.post(f"/staff/cases/{case['id']}/close", reason="The reader wants to keep reading for it")
    assert broken(world) == {}
    assert kept(world)["charge_ref"] not in support.get("/staff/books").words
    world.advance(days=3)
    assert broken(world) == {}


def test_money_that_somebody_returned_in_the_dashboard_is_not_owed(late: World, staff: SignIn) -> None:
    world = late
    adopt(world)
    world.sandbox.client().v1.refunds.create({"charge": kept(world)["charge_ref"]})
    world.settle()
    world.advance(days=3)
    assert len(world.sandbox.refunds()) == 1
    (case,) = cases(world, "refund_failed")
    assert "already been refunded" in case["what"]
    assert "transfer" not in case["what"]
    assert case["link"] is None
    assert kept(world)["charge_ref"] not in staff("finance").get("/staff/books").words


def test_one_that_cannot_be_settled_holds_up_no_other(late: World) -> None:
    """A row whose settling fails is tried again later."""
    world = late
    adopt(world)
    world.execute(
        "INSERT INTO unexplained_charge (acquirer, charge_ref, intent_ref, subscription_ref, period_number, amount, taken_at, found_at,"
        " next_poll_at, poll_count) VALUES ('stripe', 'ch_x', 'pi_x', 'sub_x', 1, 7500, :at, :at, :at, 0)",
        at=world.now - timedelta(days=1),
    )
    with refused_rows(
        world, "unexplained_charge", "charge_ref <> 'ch_x' OR failure IS NULL OR failure ~ 'Error'"
    ):
        world.settle()
        assert [row["amount"] for row in world.sandbox.refunds()] == [7500]
    world.advance(hours=1)
    (stuck,) = world.rows("SELECT given_up_at FROM unexplained_charge WHERE charge_ref = 'ch_x'")
    assert stuck["given_up_at"] is not None, "it was looked at again"
