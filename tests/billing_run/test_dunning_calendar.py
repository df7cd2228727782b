"""A declined charge as a calendar: retries, mails, and how long the reader has access."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.declined_charge import Declined
from tests.support.leaps import leap_to
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def tries(world: World) -> list[str]:
    """The days of declined charges in the sandbox, oldest first."""
    rows = world.rows("SELECT intended_at, state FROM attempt ORDER BY intended_at")
    return [f"{row['intended_at'].astimezone(local(2027, 1, 1).tzinfo):%d %b %H:%M}" for row in rows]


def card_ref(world: World) -> str:
    """The sandbox's name for the newest saved card."""
    rows = world.rows("SELECT gateway_ref FROM payment_method ORDER BY saved_at DESC, id DESC LIMIT 1")
    return str(rows[0]["gateway_ref"])


def test_the_whole_ladder_to_its_end(world: World, declined: Declined) -> None:
    email, subscription, reader = declined.email, declined.subscription_id, declined.reader_id
    locked = world.articles["subscriber"][0]
    assert world.mail_kinds(email)[-1] == "payment_failed"
    letter = world.letters(email)[-1]
    for words in ("R75.00", "0341", "19 March 2027", "5 April 2027"):
        assert words in letter.text
    assert "invoice" not in letter.text.lower(), "what isn't paid is no invoice"
    assert {part for link in letter.links for part in ("/pay/", "/card/", "/cancel/") if part in link} == {
        "/pay/",
        "/card/",
        "/cancel/",
    }
    found = world.subscription(subscription)
    assert found["status"] == "past_due"
    assert found["next_charge"]["at"] == "2027-03-19T07:00:00Z"

    # day 7 is 23 March: the payday of the 25th lies within two days; day 14, the 30th, is within the paydays itself
    world.advance_to(local(2027, 4, 5, 23, 59, 59))
    assert tries(world) == ["16 Mar 09:00", "19 Mar 09:00", "25 Mar 09:00", "30 Mar 09:00"]
    assert world.access(locked, reader)["reason"] == "grace"
    assert world.mail_kinds(email).count("payment_failed") == 4
    assert world.subscription(subscription)["next_charge"] is None
    last = world.letters(email)[-1]
    assert "5 April 2027" in last.text
    assert "try" not in last.subject

    world.advance_to(local(2027, 4, 6))
    assert world.access(locked, reader)["reason"] == "subscribe"
    assert world.subscription(subscription)["status"] == "ended"
    assert world.mail_kinds(email)[-1] == "ended"
    leap_to(world, local(2027, 8, 1))
    assert len(tries(world)) == 4
    assert world.charges() == []
    assert world.mail_kinds(email)[-1] == "ended"
    assert world.rows("SELECT state, number FROM invoice") == [{"state": "void", "number": None}]


def test_the_money_comes_on_payday(world: World, notified: Subscriber) -> None:
    world.sandbox.decline(card_ref(world), "insufficient_funds")
    world.advance_to(local(2027, 3, 24))
    assert tries(world) == ["16 Mar 09:00", "19 Mar 09:00"]
    world.sandbox.decline(card_ref(world), None)
    world.advance_to(local(2027, 3, 25, 9))
    assert world.charged_at() == ["2027-03-25 09:00"]
    found = world.subscription(notified.subscription_id)
    assert (found["status"], found["period_start"]) == ("active", "2027-03-16"), "the period it was owed for"
    assert world.access(world.articles["subscriber"][0], notified.reader_id)["reason"] == "subscription"
    assert world.mail_kinds(notified.email)[-1] == "receipt"
    leap_to(world, local(2027, 4, 16, 8))
    world.advance_to(local(2027, 4, 16, 9))
    assert world.charged_at() == ["2027-03-25 09:00", "2027-04-16 09:00"]


RUNGS = (local(2027, 3, 19, 9), local(2027, 3, 25, 9), local(2027, 3, 30, 9))
"""When other declines of 16 March are tried again."""


def _stop_at_rungs_until(world: World, at: datetime) -> None:
    for rung in (*RUNGS, at):
        leap_to(world, rung)


ASKED: dict[str, str | dict[str, Any]] = {
    "lost": "lost_card",
    "stolen": "stolen_card",
    "closed": "invalid_account",
    "expired": "expired_card",
    "by the network's advice": {"decline_code": "generic_decline", "network_advice_code": "03"},
    "by the network's code": {"decline_code": "do_not_honor", "network_decline_code": "57"},
    "needs the reader": "authentication_required",
}


@pytest.mark.parametrize("reason", ASKED.values(), ids=ASKED.keys())
def test_what_can_never_work_is_asked_about_and_not_tried_again(
    world: World, notified: Subscriber, reason: str | dict[str, Any]
) -> None:
    world.sandbox.decline(card_ref(world), reason)
    world.advance_to(local(2027, 3, 16, 9))
    _stop_at_rungs_until(world, local(2027, 4, 5, 23))
    assert tries(world) == ["16 Mar 09:00"]
    assert world.mail_kinds(notified.email)[-1] == "payment_failed"
    text = world.letters(notified.email)[-1].text.lower()
    assert not [word for word in ("lost", "stolen", "fraud") if word in text]
    assert world.access(world.articles["subscriber"][0], notified.reader_id)["reason"] == "grace"
    assert world.subscription(notified.subscription_id)["next_charge"] is None
    world.advance_to(local(2027, 4, 6))
    assert world.mail_kinds(notified.email)[-1] == "ended"


def test_a_card_that_wants_its_owner_every_time_is_asked_about(world: World, unconfirmed: Declined) -> None:
    browser = unconfirmed.browser(world)
    _stop_at_rungs_until(world, local(2027, 4, 1))
    assert tries(world) == ["16 Mar 09:00"]
    assert world.mail_kinds(unconfirmed.email)[-1] == "payment_failed"
    assert world.rows("SELECT state, charging_since FROM subscription") == [
        {"state": "past_due", "charging_since": None}
    ], "nothing is left locked"
    assert "We will not try this card again" in browser.get("/account").words


@pytest.mark.rare
@pytest.mark.parametrize(
    "reason",
    ["revocation_of_authorization", {"decline_code": "do_not_honor", "network_decline_code": "R0"}],
    ids=["by its decline code", "by the network's code"],
)
def test_a_stop_order_at_the_bank_counts_as_cancelling(
    world: World, notified: Subscriber, reason: str | dict[str, Any]
) -> None:
    world.sandbox.decline(card_ref(world), reason)
    world.advance_to(local(2027, 3, 16, 9))
    assert world.subscription(notified.subscription_id)["status"] == "ended"
    assert world.mail_kinds(notified.email)[-1] == "cancelled"
    assert world.access(world.articles["subscriber"][0], notified.reader_id)["reason"] == "subscribe"
    history = world.api.get(f"/v1/readers/{notified.reader_id}/events").json()["data"]
    assert history[-1]["happening"] == "stop_ordered"
    _stop_at_rungs_until(world, local(2027, 6, 1))
    assert tries(world) == ["16 Mar 09:00"]
    assert world.charges() == []


def test_a_new_card_from_the_mail_is_tried_at_once_and_heals(world: World, declined: Declined) -> None:
    world.advance_to(local(2027, 3, 17, 15))
    browser = world.browser()
    page = browser.get(world.mailed_link(declined.email, "/card/"))
    assert page.path == "/card"
    card_page = browser.sent_to("/card")
    browser.get(world.sandbox.fill_in(card_page))
    assert world.charged_at() == ["2027-03-17 15:00"]
    found = world.subscription(declined.subscription_id)
    assert (found["status"], found["payment_method"]["last4"]) == ("active", "4242")
    world.advance_to(local(2027, 5, 17))
    assert world.charged_at() == ["2027-03-17 15:00", "2027-04-16 09:00", "2027-05-16 09:00"]
    assert world.mail_kinds(declined.email).count("receipt") == 3


@pytest.mark.parametrize("hour", [7, 15])
@pytest.mark.parametrize("come_back", [True, False], ids=["and comes back", "and closes the tab"])
def test_a_new_card_from_the_account_is_tried_at_once_at_any_hour(
    world: World, declined: Declined, hour: int, come_back: bool
) -> None:
    browser = declined.browser(world)
    world.advance_to(local(2027, 3, 18, hour))
    page = browser.get("/account")
    assert "did not go through" in page.words
    assert "again on Friday 19 March 2027; a new card is tried at once" in page.words
    card_page = browser.sent_to("/account/card")
    target = world.sandbox.fill_in(card_page)
    if come_back:
        assert "went through" in browser.get(target).text
    world.settle()
    assert world.charged_at() == [f"2027-03-18 {hour:02}:00"]
    assert "paid through Thursday 15 April 2027" in browser.get("/account").words


def test_another_bad_card_is_told_and_takes_no_rung_of_the_ladder(world: World, declined: Declined) -> None:
    browser = declined.browser(world)
    world.advance_to(local(2027, 3, 17, 12))
    browser.get("/account")
    card_page = browser.sent_to("/account/card")
    page = browser.get(world.sandbox.fill_in(card_page, "4000008260003178"))
    assert "the charge did not go through" in page.text
    _stop_at_rungs_until(world, local(2027, 4, 5, 12))
    assert tries(world) == ["16 Mar 09:00", "17 Mar 12:00", "19 Mar 09:00", "25 Mar 09:00", "30 Mar 09:00"]


def test_the_same_card_typed_again_waits_for_its_day_and_keeps_it(world: World, declined: Declined) -> None:
    """A card has one attempt a day, and the announced retry is still made."""
    browser = declined.browser(world)
    world.advance_to(local(2027, 3, 16, 18))
    browser.get("/account")
    card_page = browser.sent_to("/account/card")
    browser.get(world.sandbox.fill_in(card_page, "4000000000000341"))
    assert tries(world) == ["16 Mar 09:00"]
    assert "again on Friday 19 March 2027" in browser.get("/account").words
    _stop_at_rungs_until(world, local(2027, 4, 5, 12))
    assert tries(world) == ["16 Mar 09:00", "19 Mar 09:00", "25 Mar 09:00", "30 Mar 09:00"]


def test_cancelling_while_a_payment_is_overdue_ends_it_and_every_retry(
    world: World, declined: Declined
) -> None:
    world.advance_to(local(2027, 3, 18))
    world.sandbox.decline(card_ref(world), None)
    browser = world.browser()
    browser.get(world.mailed_link(declined.email, "/cancel/"))
    assert "Reading ends now" in browser.page.words
    assert "You will not be billed" in browser.post("/cancel").words
    world.settle()
    assert world.subscription(declined.subscription_id)["status"] == "ended"
    assert not world.access(world.articles["subscriber"][0], declined.reader_id)["allowed"]
    _stop_at_rungs_until(world, local(2027, 6, 1))
    assert tries(world) == ["16 Mar 09:00"]
    assert world.mail_kinds(declined.email)[-1] == "cancelled"


def test_a_later_month_is_refused_and_the_paid_one_is_not_taken_back(world: World, owing: Subscriber) -> None:
    assert world.access(world.articles["subscriber"][0], owing.reader_id)["reason"] == "grace"
    assert "6 May 2027" in world.letters(owing.email)[-1].text, "through 21 days from 16 April"
    for day in (19, 25, 30):
        leap_to(world, local(2027, 4, day, 8))
        world.advance_to(local(2027, 4, day, 9))
    leap_to(world, local(2027, 5, 6, 23))
    world.advance_to(local(2027, 5, 7))
    # 19 April; day 7 is the 23rd, drawn to the 25th; day 14 is the 30th
    assert tries(world)[1:] == ["16 Apr 09:00", "19 Apr 09:00", "25 Apr 09:00", "30 Apr 09:00"]
    assert world.subscription(owing.subscription_id)["status"] == "ended"
    assert len(world.charges()) == 1
    assert world.sandbox.refunds() == []
