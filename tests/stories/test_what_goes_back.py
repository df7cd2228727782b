"""Refunds of a cancellation, and what the confirmation page says about them."""

import pytest

from tests.support.cancel_helpers import cancel, cancel_signed_out, refused
from tests.support.leaps import leap_to
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


@pytest.fixture
def in_may(world: World, paid_twice: Subscriber) -> Subscriber:
    """A reader with two charges behind, half of the second month read: 1 May."""
    world.once("until 1 May", lambda: leap_to(world, local(2027, 5, 1), days=1))
    return paid_twice


def test_staff_enter_a_letter_received_in_the_trial_and_both_charges_since_go_back(
    world: World, paid_twice: Subscriber
) -> None:
    subscription, reader = paid_twice.subscription_id, paid_twice.reader_id
    assert len(world.charges()) == 2
    cancel(world, subscription, requested_at="2027-03-14T18:00:00+02:00", reason="letter")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500, 7500]
    invoices = world.api.get(f"/v1/readers/{reader}/invoices").json()["data"]
    notes = [world.api.get(f"/v1/invoices/{invoice['id']}").json()["refunds"] for invoice in invoices]
    assert sorted(note["credit_note"] for found in notes for note in found) == ["CN-000001", "CN-000002"]
    assert world.mail_kinds(paid_twice.email)[-2:] == ["receipt", "cancelled"]
    words = world.letter(paid_twice.email, "is cancelled").text
    assert all(words.count(fact) == 2 for fact in ("Credit note no.:", "R9.78"))
    assert world.subscription(subscription)["status"] == "ended"
    assert world.access(world.articles["subscriber"][0], reader)["reason"] == "subscribe"
    leap_to(world, local(2027, 5, 17), days=1)
    assert len(world.charges()) == 2


def test_a_moment_between_two_charges_gives_back_only_the_later_one(
    world: World, paid_twice: Subscriber
) -> None:
    subscription = paid_twice.subscription_id
    after = cancel(world, subscription, requested_at="2027-04-01T12:00:00Z")
    assert after["cancel_requested_at"] == "2027-04-01T12:00:00Z"
    world.settle()
    newest, oldest = world.sandbox.charges()
    assert (newest["amount_refunded"], oldest["amount_refunded"]) == (7500, 0)
    assert world.subscription(subscription)["status"] == "ended", "the month that was paid for is over"


@pytest.mark.parametrize(
    ("choice", "status", "returned"),
    [
        pytest.param({"when": "now", "refund": "last"}, "ended", 7500, id="now, last"),
        pytest.param({"when": "now", "refund": "none"}, "ended", 0, id="now, none"),
        pytest.param({"when": "now"}, "ended", 0, id="now"),
        pytest.param({"refund": "last"}, "ended", 7500, id="end, last"),
        pytest.param({"refund": "none", "requested_at": "2027-04-20T08:00:00Z"}, "active", 0, id="end, none"),
    ],
)
def test_now_and_the_last_charge_back_none_or_only_what_came_after(
    world: World, in_may: Subscriber, choice: dict[str, str], status: str, returned: int
) -> None:
    cancel(world, in_may.subscription_id, **choice)
    world.settle()
    assert world.subscription(in_may.subscription_id)["status"] == status
    assert [charge["amount_refunded"] for charge in world.charges()] == [0, returned]
    reads = world.access(world.articles["subscriber"][0], in_may.reader_id)["allowed"]
    assert reads is (status == "active")
    leap_to(world, local(2027, 5, 17), days=1)
    assert len(world.charges()) == 2


@pytest.mark.parametrize("choice", [{}, {"refund": "last"}], ids=["by itself", "with the last charge"])
def test_what_was_charged_after_the_moment_of_asking_is_never_kept(
    world: World, in_may: Subscriber, choice: dict[str, str]
) -> None:
    """Not even at a program's request: the doctor would refund it at night, with an apology."""
    subscription, asked = in_may.subscription_id, "2027-03-10T08:00:00Z"
    assert refused(world, subscription, refund="none", requested_at=asked) == (409, "charged_since")
    assert world.subscription(subscription)["cancel_requested_at"] is None
    cancel(world, subscription, requested_at=asked, **choice)
    world.settle()
    assert [charge["amount_refunded"] for charge in world.charges()] == [7500, 7500]
    world.advance(days=1)
    assert world.rows("SELECT kind FROM staff_case") == []


@pytest.mark.parametrize("day", [16, 30])
def test_within_14_days_of_the_first_charge_the_cancel_page_gives_it_back_in_one_step(
    world: World, paid: Subscriber, day: int
) -> None:
    leap_to(world, local(2027, 3, day, 18), days=1)
    browser = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    assert "End today and get R75.00 (incl. VAT) back" in browser.page.words
    done = browser.post("/cancel", when="now")
    assert "R75.00 (incl. VAT) is on its way back" in done.words
    world.settle()
    assert world.charges()[0]["amount_refunded"] == 7500
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "ended"
    assert world.mail_kinds(paid.email)[-2:] == ["receipt", "withdrawn"]


def test_what_went_back_long_before_is_not_announced_by_the_cancelled_page(
    world: World, paid: Subscriber
) -> None:
    leap_to(world, local(2027, 3, 20, 11), days=1)
    (payment,) = world.rows("SELECT id FROM payment")
    choice = {"amount": 2000, "reason": "A week without the site"}
    answer = world.api.post(f"/v1/payments/{payment['id']}/refunds", json=choice)
    assert answer.status_code < 300, answer.text
    leap_to(world, local(2027, 4, 4, 11), days=1)
    browser = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    done = browser.post("/cancel", when="period_end")
    assert "You can read through" in done.words
    assert "on its way back" not in done.words


def test_what_went_back_is_announced_until_the_bank_must_have_shown_it(
    world: World, paid: Subscriber
) -> None:
    leap_to(world, local(2027, 3, 20, 11), days=1)
    browser = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    assert "R75.00 (incl. VAT) is on its way back" in browser.post("/cancel", when="now").words
    leap_to(world, local(2027, 3, 29, 11), days=1)
    assert "R75.00 (incl. VAT) is on its way back" in browser.get("/cancel").words
    world.advance(days=3)
    assert "on its way back" not in browser.get("/cancel").words


def test_on_the_fifteenth_day_the_money_is_not_offered_and_cannot_be_taken(
    world: World, paid: Subscriber
) -> None:
    leap_to(world, local(2027, 3, 31, 0), days=1)
    browser = cancel_signed_out(world, world.mailed_link(paid.email, "/cancel/"))
    assert "back" not in browser.page.words.replace("Back, and keep", "")
    browser.post("/cancel", when="now")
    world.settle()
    assert world.sandbox.refunds() == []
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "active"


def test_in_the_second_month_there_is_no_cooling_off(world: World, paid_twice: Subscriber) -> None:
    browser = cancel_signed_out(world, world.mailed_link(paid_twice.email, "/cancel/"))
    assert "R75.00" not in browser.page.words
