"""Our balance at Stripe is too low for a refund: it waits, is retried daily, and reader and staff know it."""

from datetime import timedelta
from typing import Any

import pytest

from billing.reports import doctor
from tests.support import ledger_checks
from tests.support.cancel_helpers import cancel, cancel_signed_out
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

NO_BALANCE = "Insufficient funds in your Stripe balance to refund this amount."


def refunds(world: World) -> list[dict[str, Any]]:
    """All of ours, oldest first."""
    return world.rows(
        "SELECT state, failure, amount, awaiting_balance_since FROM refund ORDER BY created_at, id"
    )


def waiting_cases(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT what, closed_at FROM staff_case WHERE kind = 'refunds_wait' ORDER BY id")


def findings(world: World) -> list[str]:
    """Promises that are broken."""
    services = world.services
    return [
        one.promise.name for one in doctor.examine(services.database, services.site, world.now) if one.count
    ]


@pytest.fixture
def withdrawn(world: World, paid: Subscriber) -> Subscriber:
    """A reader who has withdrawn while our balance is too low."""

    def live() -> None:
        world.sandbox.banks("refunds", **{"as": "no_balance"})
        browser = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
        browser.post("/cancel", when="now")

    world.once("withdrawn while the balance is too low", live)
    return paid


def test_a_refund_refused_for_want_of_balance_waits_and_goes_out_once_there_is_enough(
    world: World, withdrawn: Subscriber
) -> None:
    (waits,) = refunds(world)
    assert (waits["state"], waits["failure"]) == ("intended", NO_BALANCE)
    assert waits["awaiting_balance_since"] == world.now
    assert world.sandbox.refunds() == []
    world.advance(days=2)
    assert len(refunds(world)) == 1, "it is tried each day, and stays the same refund"
    world.sandbox.banks("refunds", **{"as": None})
    world.advance(days=1)
    assert [row["state"] for row in refunds(world)] == ["succeeded"]
    assert [row["amount"] for row in world.sandbox.refunds()] == [7500]
    assert "CN-000001" in world.letter(withdrawn.email, "Credit note").text
    ledger_checks.check(world)


def test_it_is_tried_once_a_day_each_time_under_another_key(world: World, withdrawn: Subscriber) -> None:
    """Stripe repeats a refusal for the same key."""
    before, keys = len(world.sandbox.exchanges), set()
    for _ in range(3):
        world.advance(days=1)
        keys |= {row["idempotency_key"] for row in world.rows("SELECT idempotency_key FROM refund")}
    attempts = [
        one
        for one in world.sandbox.exchanges[before:]
        if one["path"] == "/v1/refunds" and one["method"] == "POST"
    ]
    assert (len(attempts), len(keys)) == (3, 3)


def test_a_later_try_whose_answer_is_lost_goes_again_under_its_own_key(
    world: World, withdrawn: Subscriber
) -> None:
    """Stripe's list may lag, so another key could refund twice."""

    def key() -> str:
        return str(world.rows("SELECT idempotency_key FROM refund")[0]["idempotency_key"])

    world.sandbox.banks("refunds", **{"as": None})
    world.sandbox.faults(
        {"effect": "reset", "when": "before", "method": "POST", "path": "/v1/refunds", "times": None}
    )
    world.advance(days=1)
    lost = key()
    for minutes in (1, 5, 15):
        world.advance(minutes=minutes)
        assert key() == lost
    world.sandbox.faults()
    world.advance(hours=2)
    assert key() == lost
    assert [row["amount"] for row in world.sandbox.refunds()] == [7500]
    assert refunds(world)[-1]["state"] == "succeeded"


def test_staff_see_the_sum_that_waits_and_the_case_closes_by_itself(
    world: World, withdrawn: Subscriber, staff: SignIn
) -> None:
    (case,) = waiting_cases(world)
    assert "too low to return R75.00 incl. VAT" in case["what"]
    finance = staff("finance")
    assert "R75.00 incl. VAT waits" in finance.get("/staff/books").words
    assert (
        "waits until our balance at the acquirer is enough"
        in finance.get(f"/staff/readers/{withdrawn.reader_id}").words
    )
    world.sandbox.banks("refunds", **{"as": None})
    world.advance(days=1)
    (case,) = waiting_cases(world)
    assert case["closed_at"] == world.now
    assert "waits" not in finance.get("/staff/books").words
    assert world.rows("SELECT kind FROM staff_case WHERE kind <> 'refunds_wait'") == []


def test_the_pages_tell_the_reader_the_truth_while_it_waits(world: World, withdrawn: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(withdrawn.email)
    page = browser.get("/account/cancelled").words
    assert "is on its way back" not in page
    assert (
        "R75.00 (incl. VAT) goes back to your card as well" in page
        or "R75.00 (incl. VAT) goes back to your card" in page
    )
    account = browser.get("/account").words
    assert "R75.00 incl. VAT goes back to you soon" in account
    assert "refunded" not in account


def test_a_shortage_of_two_weeks_breaks_a_promise_and_one_of_days_does_not(
    world: World, withdrawn: Subscriber
) -> None:
    world.skip_to(world.now + timedelta(days=12))  # the tries of these days change nothing
    world.advance(days=1)
    assert findings(world) == []
    world.advance(days=2)
    assert findings(world) == ["refunds-go-out"]


@pytest.mark.parametrize("way", ["waits_for_balance", "fails_for_balance"])
def test_a_refund_that_stripe_itself_holds_or_gives_up_for_want_of_balance_goes_out_too(
    world: World, paid: Subscriber, way: str
) -> None:
    world.sandbox.banks("refunds", **{"as": way})
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    assert [row["state"] for row in refunds(world)] == ["pending"]
    assert len(waiting_cases(world)) == 1
    world.advance(days=1, hours=1)
    assert [row["state"] for row in refunds(world)][-1] in ("pending", "intended")
    assert world.rows("SELECT 1 FROM staff_case WHERE kind NOT IN ('refunds_wait')") == []
    world.sandbox.banks("refunds", **{"as": "succeeded"})
    world.advance(days=1, hours=1)
    assert [row["state"] for row in refunds(world)][-1] == "succeeded"
    assert sum(row["amount"] for row in world.sandbox.refunds() if row["status"] == "succeeded") == 7500
    world.advance(days=1)
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == [], "the books agree as well"
    ledger_checks.check_ledger(world)
    ledger_checks.check_numbers(world)


def test_a_cause_whose_refund_was_canceled_may_be_asked_again(world: World, paid: Subscriber) -> None:
    """A pending refund is canceled in Stripe's dashboard. The reader, who has a mail about it, asks again."""
    world.sandbox.banks("refunds", **{"as": "canceled"})
    world.advance_to(local(2027, 3, 17, 11))
    browser = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    browser.post("/cancel", when="now")
    world.advance(days=2)
    assert [row["state"] for row in refunds(world)] == ["failed"]
    page = browser.get("/cancel").words
    assert "on its way back" not in page
    assert "R75.00 (incl. VAT) could not go back to your card" in page
    world.sandbox.banks("refunds", **{"as": None})
    assert "R75.00 (incl. VAT) is on its way back" in browser.post("/cancel/withdraw").words
    world.settle()
    assert [row["state"] for row in refunds(world)] == ["failed", "succeeded"]
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == [], "nothing is owed any more"
    world.advance(days=2, hours=1)
    assert findings(world) == []
    assert world.charges()[0]["amount_refunded"] == 7500


def test_a_refund_that_was_made_in_the_dashboard_meanwhile_is_not_owed_twice(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    charge = world.charges()[0]["id"]
    world.sandbox.client().v1.refunds.create({"charge": charge})
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    (row,) = refunds(world)
    assert (row["state"], "has already been refunded" in row["failure"]) == ("failed", True)
    assert "has already been refunded" not in staff("finance").get("/staff/books").words


def refund_a_part(world: World, cents: int, reason: str = "a part") -> None:
    """By the API; it is sent, and answered."""
    (payment,) = world.rows("SELECT id FROM payment")
    body = {"amount": cents, "reason": reason}
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body).raise_for_status()
    world.settle()


@pytest.fixture
def given_up(world: World, paid: Subscriber) -> Subscriber:
    """A reader to whom a part is to be returned. Stripe has given up the first try for want of balance, and the second is under way."""

    def live() -> None:
        world.sandbox.banks("refunds", **{"as": "fails_for_balance"})
        refund_a_part(world, 3000)
        world.advance(days=1, hours=1)

    world.once("a part that Stripe gave up", live)
    return paid


def test_a_part_that_stripe_gave_up_is_not_owed_while_another_try_of_it_is_on_its_way(
    world: World, given_up: Subscriber, staff: SignIn
) -> None:
    assert [row["state"] for row in refunds(world)] in (["failed", "pending"], ["failed", "intended"])
    browser = world.browser()
    browser.sign_in(given_up.email)
    assert "owed to you" not in browser.get("/account").words
    finance = staff("finance")
    assert "Owed to readers" not in finance.get("/staff/books").words
    first = world.rows("SELECT id FROM refund ORDER BY created_at, id")[0]["id"]
    typed = {"refund_id": first, "reference": "EFT 1", "on": f"{world.now:%Y-%m-%d}"}
    assert finance.http.post("/staff/books/paid-back", data=typed).status_code in (403, 409)
    assert world.rows("SELECT 1 FROM refund WHERE paid_back_at IS NOT NULL") == []


def test_a_part_that_failed_twice_for_one_cause_is_owed_once(
    world: World, given_up: Subscriber, staff: SignIn
) -> None:
    world.sandbox.banks("refunds", **{"as": "too_old"})
    world.advance(days=1, hours=1)
    assert [row["state"] for row in refunds(world)] == ["failed", "failed"]
    words = staff("finance").get("/staff/books").words
    assert words.count(f"{given_up.email} R30.00 incl. VAT") == 1
    browser = world.browser()
    browser.sign_in(given_up.email)
    assert "R30.00 incl. VAT owed to you" in browser.get("/account").words
