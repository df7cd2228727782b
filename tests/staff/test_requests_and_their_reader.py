"""A reader's later act answers an earlier request about the same subscription, by whatever way it is made."""

from collections.abc import Callable

import pytest

from tests.changes.test_withdrawing_again import newest, withdrawn_then_started_again
from tests.support.browser import Browser
from tests.support.requests_to_cancel import READER, ask, asked_by_a_stranger, open_requests
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn
from tests.support.start_at_once import start_at_once
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

Door = Callable[[World, Subscriber, SignIn], None]


def hosted(path: str, at: str = "", **fields: str) -> Door:
    def go(world: World, reader: Subscriber, _: SignIn) -> None:
        browser = signed_in(world, reader.email)
        browser.get(at or path)
        browser.post(path, **fields)

    return go


def by_form(world: World, reader: Subscriber, _: SignIn) -> None:
    ask(signed_in(world, reader.email))


def by_program(verb: str) -> Door:
    def go(world: World, _: Subscriber, __: SignIn) -> None:
        answer = world.api.post(f"/v1/subscriptions/{newest(world)}/{verb}", json={})
        assert answer.status_code in (200, 202), answer.text

    return go


def by_staff(act: str) -> Door:
    def go(world: World, reader: Subscriber, staff: SignIn) -> None:
        member, where = staff("support", "nandi@paper.example"), f"/staff/readers/{reader.reader_id}/{act}"
        member.get(where)
        member.post(where, reason="by phone", step="confirm")

    return go


def begun_again(world: World, paid: Subscriber) -> Browser:
    """13 April: the last day of withdrawing for the second time; signed in. Call it right after `paid`."""

    def live() -> None:
        withdrawn_then_started_again(world, paid)

    world.once("withdrawn, begun again, and on the last day of withdrawing", live)
    return signed_in(world, paid.email)


def asked_for_the_money_again(world: World, paid: Subscriber) -> None:
    """The same day: the reader has asked for the money a second time. Call it right after `paid`."""
    begun_again(world, paid)

    def live() -> None:
        signed_in(world, paid.email).again("/account/withdraw").post("/account/withdraw")

    world.once("asked for the money again", live)


UNDO = [hosted("/account/resume", at="/account/resume"), by_program("resume"), by_staff("resume")]


@pytest.mark.parametrize("undo", UNDO, ids=["page", "program", "staff"])
def test_undone_nobody_is_asked_for_the_money_any_more(
    world: World, paid: Subscriber, staff: SignIn, undo: Door
) -> None:
    asked_for_the_money_again(world, paid)
    assert (
        "The subscription is cancelled."
        in staff("support").get(f"/staff/requests/{open_requests(world)[0]['id']}").words
    )
    undo(world, paid, staff)
    assert world.subscription(newest(world))["next_charge"] is not None
    assert open_requests(world) == []
    page = signed_in(world, paid.email).get("/account").words
    assert "You asked on" not in page
    assert "You can ask until Tuesday 13 April 2027" in page


@pytest.mark.parametrize("undo", UNDO, ids=["page", "program", "staff"])
def test_undone_an_older_form_holds_no_charge(
    world: World, paid: Subscriber, staff: SignIn, undo: Door
) -> None:
    asked_by_a_stranger(world)

    def live() -> None:
        world.advance_to(local(2027, 4, 23, 12))
        world.skip_to(local(2027, 4, 30, 11))
        hosted("/account/cancel", when="period_end")(world, paid, staff)

    world.once("its reader cancels two weeks later", live)
    assert len(open_requests(world)) == 1, "older than a week: staff decide about the money"
    undo(world, paid, staff)
    assert open_requests(world) == []
    world.skip_to(local(2027, 5, 16, 8))
    world.advance_to(local(2027, 5, 16, 12))
    assert world.charged_at()[-1] == "2027-05-16 09:00"


def test_undone_what_was_written_besides_still_waits_for_a_person(world: World) -> None:
    browser = in_trial_by_pages(world)
    ask(browser, "Please cancel. And delete my newsletters.")
    browser.get("/account")
    browser.undo("/account/resume")
    (waits,) = open_requests(world)
    assert (waits["kind"], waits["words"]) == ("other", "Please cancel. And delete my newsletters.")


def charge_in_flight_then_form(world: World, month: int) -> None:
    """The charge of the 16th is intended and doesn't arrive; half a minute later a form asks to cancel; then the charge arrives.
    Call it right after a starting point."""

    def live() -> None:
        world.advance_to(local(2027, month, 16, 8))
        world.sandbox.faults(
            {"effect": "reset_before", "method": "POST", "path": "/v1/payment_intents", "times": None}
        )
        world.advance_to(local(2027, month, 16, 9))
        world.sandbox.faults()
        world.skip_to(local(2027, month, 16, 9, 0, 30))
        ask(world.browser())
        world.advance_to(local(2027, month, 16, 10))

    world.once("a charge in flight, then a form", live)


@pytest.mark.parametrize(
    "door",
    [by_form, by_program("cancel"), hosted("/account/cancel", when="period_end")],
    ids=["form", "program", "page"],
)
def test_what_raced_the_form_goes_back_whichever_way_the_reader_cancels(
    world: World, paid: Subscriber, staff: SignIn, door: Door
) -> None:
    charge_in_flight_then_form(world, 4)
    assert len(world.charges()) == 2
    door(world, paid, staff)
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert open_requests(world) == []
    (row,) = world.rows("SELECT cancel_asked_at, cancel_request_at FROM subscription")
    assert row == {"cancel_asked_at": local(2027, 4, 16, 9, 0, 30), "cancel_request_at": None}


@pytest.mark.parametrize(
    "door", [by_program("withdraw"), hosted("/account/withdraw")], ids=["program", "page"]
)
def test_a_withdrawal_answers_the_form_too(
    world: World, notified: Subscriber, staff: SignIn, door: Door
) -> None:
    charge_in_flight_then_form(world, 3)
    assert len(world.charges()) == 1
    door(world, notified, staff)
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert open_requests(world) == []
    assert world.rows("SELECT cancel_asked_at FROM subscription")[0]["cancel_asked_at"] == local(
        2027, 3, 16, 9, 0, 30
    )


@pytest.mark.parametrize(
    "door", [by_program("withdraw"), hosted("/account/withdraw")], ids=["program", "page"]
)
def test_one_that_staff_decide_about_answers_the_form_too(
    world: World, paid: Subscriber, staff: SignIn, door: Door
) -> None:
    begun_again(world, paid)
    ask(world.browser())
    door(world, paid, staff)
    assert [row["kind"] for row in open_requests(world)] == ["withdraw"]


def test_a_form_sent_twice_leaves_nothing_open(world: World) -> None:
    browser = in_trial_by_pages(world)
    assert "Your subscription is cancelled" in ask(browser).words
    again = ask(browser).words
    assert "Your subscription is cancelled already" in again
    assert "A mail confirms" not in again
    assert open_requests(world) == []


def test_one_whose_subscription_has_ended_is_told_so(world: World) -> None:
    browser = in_trial_by_pages(world)
    ask(browser)
    world.skip_to(local(2027, 6, 1))
    world.settle()
    page = ask(signed_in(world, READER)).words
    assert "No subscription runs" in page
    assert "is cancelled" not in page
    assert "A person reads" in page
    assert len(open_requests(world)) == 1, "there may be another account"


def test_keep_in_a_stale_page_keeps_nothing_and_says_so(world: World, paid: Subscriber) -> None:
    asked_by_a_stranger(world)
    stale = signed_in(world, paid.email)
    stale.get("/account")
    elsewhere = world.browser()
    elsewhere.get(world.mailed_link(paid.email, "/cancel/"))
    elsewhere.post("/cancel", when="period_end")
    page = stale.post("/account/keep")
    assert "goes on as before" not in page.text
    assert "Nothing was changed" in page.text


def asked_and_started_again(world: World, paid: Subscriber) -> str:
    """The id of the second withdrawal, which staff didn't answer before the subscription ended. The reader began a third
    one. Call it right after `paid`."""
    asked_for_the_money_again(world, paid)

    def live() -> str:
        second = newest(world)
        world.skip_to(local(2027, 4, 29, 12))
        world.advance_to(local(2027, 5, 1, 12))
        assert world.subscription(second)["status"] == "ended"
        start_at_once(world, paid.email)
        assert newest(world) != second
        return second

    return world.once("unanswered until it ended, and begun a third time", live)


def test_a_request_to_withdraw_is_about_the_subscription_it_was_asked_of(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    second = asked_and_started_again(world, paid)
    browser = signed_in(world, paid.email)
    page = browser.get("/account").words
    assert "You asked on" not in page
    assert "Ask for my money back" in page, "of the third one"
    where, member = f"/staff/readers/{paid.reader_id}", staff("finance")
    request = member.get(f"/staff/requests/{open_requests(world)[0]['id']}").words
    assert "The subscription has ended." in request
    preview = member.get(f"{where}/withdraw").words
    assert "charged on Tuesday 30 March 2027" in preview
    assert "It has ended already; no other subscription of the reader's is touched." in preview
    assert member.post(f"{where}/withdraw", reason="fair", step="confirm").path == where
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500, 7500]
    assert world.subscription(newest(world))["status"] == "active"
    assert world.subscription(second)["status"] == "ended"
    assert open_requests(world) == []


def test_one_about_each_is_answered_by_itself(world: World, paid: Subscriber, staff: SignIn) -> None:
    asked_and_started_again(world, paid)
    signed_in(world, paid.email).again("/account/withdraw").post("/account/withdraw")
    assert len(open_requests(world)) == 2
    where, member = f"/staff/readers/{paid.reader_id}", staff("finance")
    for left in (1, 0):
        member.get(f"{where}/withdraw")
        assert member.post(f"{where}/withdraw", reason="fair", step="confirm").path == where
        assert len(open_requests(world)) == left
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500] * 3
    assert world.subscription(newest(world))["status"] == "ended"
