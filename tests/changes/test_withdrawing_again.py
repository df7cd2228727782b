"""A reader may withdraw once a year without staff; staff decide about the next withdrawal and see the first."""

from typing import Any

import pytest

from tests.support import ledger_checks
from tests.support.actors import CLOSED_BY
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.start_at_once import start_at_once
from tests.support.starting_points import Subscriber, subscriber
from tests.support.world import World, local


def withdraw_on_day_14(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 3, 30, 12))
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    assert world.api.post(path, json={}).status_code == 200


def withdrawn_then_started_again(world: World, paid: Subscriber) -> Browser:
    """Withdrawn on day 14, begun again at once, and 14 days later it is the last day again; signed in."""

    def live() -> None:
        withdraw_on_day_14(world, paid)
        start_at_once(world, paid.email)
        world.advance_to(local(2027, 4, 13, 12))

    world.once("withdrawn, begun again, and 13 April 2027", live)
    browser = world.browser()
    browser.sign_in(paid.email)
    return browser


def newest(world: World) -> str:
    """The subscription begun last."""
    return str(
        world.rows("SELECT id FROM subscription ORDER BY (state <> 'ended') DESC, started_at DESC LIMIT 1")[
            0
        ]["id"]
    )


def test_the_second_withdrawal_is_asked_of_staff_who_see_the_first(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    browser = withdrawn_then_started_again(world, paid)
    said = "There was a withdrawal on Tuesday 30 March 2027 already, from this account or with this card."
    assert said in browser.get("/account").words
    assert "End today" not in browser.get("/account/cancel").words
    page = browser.get("/account/withdraw")
    assert "So a person decides whether R75.00 incl. VAT goes back to you" in page.words
    assert "You read on through Thursday 29 April 2027" in page.words
    after = browser.post("/account/withdraw")
    assert "A person answers by mail" in after.text
    assert "You asked on Tuesday 13 April 2027 to have R75.00 incl. VAT back." in after.words
    assert browser.get("/account/withdraw").path == "/account", "asked once"
    world.settle()
    assert len(world.sandbox.refunds()) == 1, "only the first one's"
    assert world.subscription(newest(world))["cancel_requested_at"] == "2027-04-13T10:00:00Z"

    member = staff("support")
    assert "withdrew on 30 Mar 2027 already: R75.00 incl. VAT" in member.get("/staff/requests").words
    (request,) = world.rows("SELECT id FROM reader_request")
    shown = member.get(f"/staff/requests/{request['id']}").words
    assert "This reader withdrew on Tuesday 30 March 2027 already: R75.00 incl. VAT went back." in shown
    world.advance_to(local(2027, 4, 20, 12))
    where, member = f"/staff/readers/{paid.reader_id}", staff("support", "nandi@paper.example")
    assert "Withdraw" in member.get(where).words
    act = member.get(f"{where}/withdraw")
    assert "The reader withdrew on Tuesday 30 March 2027 already" in act.words
    assert "It counts from Tuesday 13 April 2027" in act.words, "the days of asking were not over"
    assert member.post(f"{where}/withdraw", reason="once more", step="confirm").path == where
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500, 7500]
    assert world.subscription(newest(world))["status"] == "ended"
    assert world.mail_kinds(paid.email).count("withdrawn") == 2
    (answered,) = world.rows(f"SELECT {CLOSED_BY}, closing_act FROM reader_request")
    assert answered["closing_act"].startswith("Withdrawn")
    ledger_checks.check(world)


def test_staff_may_say_no_and_reading_goes_on_to_the_end_of_what_is_paid(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    withdrawn_then_started_again(world, paid).again("/account/withdraw").post("/account/withdraw")
    member = staff("support")
    (request,) = world.rows("SELECT id FROM reader_request")
    member.again(f"/staff/requests/{request['id']}").post(
        f"/staff/requests/{request['id']}/answer", words="You read for two weeks, twice."
    )
    world.advance_to(local(2027, 4, 29, 23))
    assert world.access(world.articles["subscriber"][0], paid.reader_id)["allowed"]
    world.advance_to(local(2027, 6, 1))
    assert len(world.charges()) == 2
    assert len(world.sandbox.refunds()) == 1


def test_another_address_with_the_same_card_is_the_same_person(world: World, paid: Subscriber) -> None:
    withdraw_on_day_14(world, paid)
    other = world.start_trial("someone.else@example.com", "pm_card_visa__2")["subscription"]["id"]
    world.api.post(f"/v1/subscriptions/{other}/cancel", json={"when": "now"}).raise_for_status()
    start_at_once(world, "someone.else@example.com")
    answer = world.api.post(f"/v1/subscriptions/{newest(world)}/withdraw", json={})
    assert answer.status_code == 202
    assert answer.json()["returned"] is None
    assert answer.json()["request"] == world.rows("SELECT id FROM reader_request")[0]["id"]
    assert answer.json()["cancel_requested_at"] is not None
    again = world.api.post(f"/v1/subscriptions/{newest(world)}/withdraw", json={})
    assert again.json()["request"] == answer.json()["request"], "asked again, it is the same request"
    world.settle()
    assert len(world.sandbox.refunds()) == 1


def test_from_the_mailed_link_it_is_asked_too(world: World, paid: Subscriber) -> None:
    withdrawn_then_started_again(world, paid)
    browser = world.browser()
    browser.get(world.mailed_link(paid.email, "/cancel/"))
    done = browser.post("/cancel", when="now")
    assert "So a person decides" in done.words, "cancelled, and nothing went back yet"
    assert "We have your request of Tuesday 13 April 2027" in browser.post("/cancel/withdraw").words
    world.settle()
    assert len(world.sandbox.refunds()) == 1


def test_a_year_later_nobody_is_asked(world: World, paid: Subscriber) -> None:
    withdraw_on_day_14(world, paid)
    world.skip_to(local(2028, 3, 29, 12))
    start_at_once(world, paid.email)
    world.advance_to(local(2028, 3, 30, 12))
    assert world.api.post(f"/v1/subscriptions/{newest(world)}/withdraw", json={}).status_code == 200


@pytest.mark.parametrize(("allowed", "status"), [(1, 202), (2, 200)])
def test_a_setting_says_how_many_a_year(make_world: Any, allowed: int, status: int) -> None:
    world = make_world(withdrawals_a_year=allowed)
    paid = subscriber(world, "paid")
    withdrawn_then_started_again(world, paid)
    assert world.api.post(f"/v1/subscriptions/{newest(world)}/withdraw", json={}).status_code == status


def test_a_withdrawal_whose_refund_was_tried_twice_is_one(make_world: Any) -> None:
    world = make_world(withdrawals_a_year=2)
    paid = subscriber(world, "paid")
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    world.sandbox.banks("refunds", **{"as": "canceled"})
    assert world.api.post(path, json={}).status_code == 200
    world.advance(days=2)
    world.sandbox.banks("refunds", **{"as": None})
    assert world.api.post(path, json={}).status_code == 200
    world.settle()
    assert [row["state"] for row in world.rows("SELECT state FROM refund ORDER BY created_at")] == [
        "failed",
        "succeeded",
    ]
    start_at_once(world, paid.email)
    assert world.api.post(f"/v1/subscriptions/{newest(world)}/withdraw", json={}).status_code == 200


def test_the_card_that_paid_counts_also_when_another_has_taken_its_place(
    world: World, paid: Subscriber
) -> None:
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    world.api.post(path, json={}).raise_for_status()
    other = world.start_trial("someone.else@example.com", "pm_card_mastercard")["subscription"]["id"]
    world.api.post(f"/v1/subscriptions/{other}/cancel", json={"when": "now"}).raise_for_status()
    browser = start_at_once(world, "someone.else@example.com")
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.settle()
    answer = world.api.post(f"/v1/subscriptions/{newest(world)}/withdraw", json={})
    assert answer.status_code == 202, "a person decides, as the card has been paid back before"
    world.settle()
    assert len(world.sandbox.refunds()) == 1


@pytest.mark.parametrize("by_link", [False, True], ids=["signed in", "mailed link"])
@pytest.mark.parametrize("choice", ["early", "ask"])
def test_a_year_begun_after_a_withdrawal_can_be_left_early_or_asked_back(
    world: World, paid: Subscriber, by_link: bool, choice: str
) -> None:

    def live() -> None:
        withdraw_on_day_14(world, paid)
        start_at_once(world, paid.email, plan="yearly")
        world.advance_to(local(2027, 4, 2, 12))

    world.once("withdrawn, a year begun, and 2 April 2027", live)
    browser, where = world.browser(), "/cancel" if by_link else "/account/cancel"
    if by_link:
        page = browser.get(world.mailed_link(paid.email, "/cancel/"))
    else:
        browser.sign_in(paid.email)
        page = browser.get(where)
    assert "Leave the year early" in page.words
    assert "So a person decides whether R750.00 incl. VAT goes back to you" in page.words
    assert "End today" not in page.words
    if choice == "early":
        browser.post(where, when="early")
    else:
        browser.post(where.replace("/account/cancel", "/account") + "/withdraw")
    world.settle()
    gone = [refund["amount"] for refund in world.sandbox.refunds()][1:]
    open_ones = world.rows("SELECT kind FROM reader_request WHERE closed_at IS NULL")
    assert (len(gone), len(open_ones)) == ((1, 0) if choice == "early" else (0, 1))
    assert world.subscription(newest(world))["cancel_requested_at"] is not None
