"""Withdrawing within the cooling-off days, with or without a cancellation; money is refunded once."""

from typing import Any

import pytest

from tests.support import ledger_checks
from tests.support.browser import Browser
from tests.support.declined_charge import Declined
from tests.support.starting_points import Subscriber, fast_forward, subscriber
from tests.support.world import World, local


def post(world: World, subscription_id: str, what: str, **body: object) -> tuple[int, dict[str, Any]]:
    """Post by the API, whatever the answer."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/{what}", json=body)
    return answer.status_code, dict(answer.json())


def returned(world: World) -> list[int]:
    """Cents that the sandbox gave back, oldest first."""
    return [refund["amount"] for refund in reversed(world.sandbox.refunds())]


def test_from_the_account_page_after_a_plain_cancellation(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 3, 20, 10, 59))
    browser = world.browser()
    browser.sign_in(paid.email)
    world.advance(minutes=1)
    browser.get("/account/cancel")
    done = browser.post("/account/cancel", when="period_end")
    assert "Until Tuesday 30 March 2027 you can withdraw" in done.words
    assert returned(world) == []
    account = browser.get("/account")
    assert "withdraw and get R75.00 incl. VAT back: your first charge returns" in account.words
    page = browser.get("/account/withdraw")
    assert "R75.00 incl. VAT goes back to you: your first charge returns to your card in full." in page.words
    after = browser.post("/account/withdraw")
    assert "on its way back to your card" in after.text
    assert "Withdraw from my subscription" not in after.words
    world.settle()
    assert returned(world) == [7500]
    assert sorted(world.mail_kinds(paid.email)[-2:]) == ["cancelled", "withdrawn"]
    letter = world.letter(paid.email, "withdrawn")
    assert "Saturday 20 March 2027 at 11:00" in letter.text
    assert browser.get("/account/withdraw").path == "/account", "it is done, so it isn't asked again"
    world.advance_to(local(2027, 7, 1))
    assert len(world.charges()) == 1


def test_from_the_mailed_link_signed_out(world: World, paid: Subscriber) -> None:
    browser = world.browser()
    browser.get(world.mailed_link(paid.email, "/cancel/"))
    browser.post("/cancel", when="period_end")
    done = browser.post("/cancel/withdraw")
    assert "Your subscription has ended." in done.words
    assert "R75.00 (incl. VAT) is on its way back" in done.words
    world.settle()
    assert returned(world) == [7500]


@pytest.mark.parametrize(("day", "status"), [(30, 200), (31, 409)])
def test_the_last_day_counts_to_its_end(world: World, paid: Subscriber, day: int, status: int) -> None:
    subscription = paid.subscription_id
    fast_forward(world, local(2027, 3, 30, 12))
    world.advance_to(local(2027, 3, day, 23, 59, 59) if status == 200 else local(2027, 3, day))
    assert post(world, subscription, "withdraw")[0] == status
    if status == 409:
        asked = post(world, subscription, "withdraw", requested_at="2027-03-29T10:00:00Z")
        assert asked[0] == 200, "a letter that came in time counts from its day"
        assert asked[1]["cancel_requested_at"] == "2027-03-29T10:00:00Z"
    world.settle()
    assert returned(world) == [7500]
    assert post(world, subscription, "withdraw")[1]["code"] == "cooling_off_over", "once"
    assert world.subscription(subscription)["status"] == "ended"


def test_a_setting_gives_more_days_and_what_was_given_already_is_not_given_twice(make_world: Any) -> None:
    world = make_world(cooling_off_days=20)
    paid = subscriber(world, "paid")
    world.advance_to(local(2027, 4, 4))
    invoice = world.api.get(f"/v1/readers/{paid.reader_id}/invoices").json()["data"][0]
    world.api.post(
        f"/v1/payments/{invoice['payment_id']}/refunds", json={"amount": 2000, "reason": "late paper"}
    ).raise_for_status()
    world.settle()
    assert post(world, paid.subscription_id, "withdraw")[0] == 200
    world.settle()
    assert returned(world) == [2000, 5500]


def test_the_last_charge_asked_back_after_a_cancellation_goes_back_once(
    world: World, paid_twice: Subscriber
) -> None:
    subscription = paid_twice.subscription_id
    world.advance_to(local(2027, 5, 3))
    assert post(world, subscription, "cancel")[0] == 200
    world.advance_to(local(2027, 5, 5))
    status, after = post(world, subscription, "cancel", refund="last")
    assert (status, after["status"]) == (200, "active"), "until the job of this moment has run"
    assert after["cancel_requested_at"] == "2027-05-02T22:00:00Z", "the first asking counts"
    world.settle()
    assert returned(world) == [7500]
    assert world.subscription(subscription)["status"] == "ended"
    other = world.start_trial("other@example.com", "pm_card_visa__2")["subscription"]["id"]
    assert post(world, other, "cancel", refund="last")[0] == 200, (
        "cancelling never fails for want of a charge"
    )
    assert post(world, other, "cancel", refund="last")[1]["code"] == "nothing_to_give_back"


def test_days_given_by_staff_are_told_by_mail(world: World, in_trial: Subscriber) -> None:
    assert post(world, in_trial.subscription_id, "extend", days=5, reason="outage")[0] == 200
    world.settle()
    letter = world.letter(in_trial.email, "more days")
    assert letter.subject == "You have more days: nothing is charged before Sunday 21 March 2027"
    assert "free trial longer" in letter.text
    world.advance_to(local(2027, 3, 22))
    post(world, in_trial.subscription_id, "withdraw")
    world.api.post(
        f"/v1/readers/{in_trial.reader_id}/grants", json={"days": 7, "reason": "sorry"}
    ).raise_for_status()
    world.settle()
    gift = next(letter for letter in world.letters(in_trial.email) if "compliments" in letter.text)
    assert "through Monday 29 March 2027" in " ".join(gift.text.split())
    locked = world.articles["subscriber"][0]
    assert world.access(locked, in_trial.reader_id)["reason"] == "complimentary"
    page = world.browser().sign_in(in_trial.email)
    assert "Everything is open to you, with our compliments, through Monday 29 March 2027." in page.words
    world.advance_to(local(2027, 3, 30))
    assert world.access(locked, in_trial.reader_id)["reason"] == "subscribe", "it ends by itself"
    assert len(world.charges()) == 1


def renewed_within_the_cooling_off_days(world: World, reader: Declined) -> Browser:
    """The first charge was declined, paid on the page on day 20, and the next month was charged on day 31; it is day 32."""
    world.advance_to(local(2027, 4, 5, 12))
    browser = reader.browser(world)
    browser.again("/account").post("/account/pay")
    world.sandbox.fill_in(browser.sent_to("/pay/page"))
    world.settle()
    world.advance_to(local(2027, 4, 17, 8, 15))
    assert world.charged_at() == ["2027-04-05 12:00", "2027-04-16 09:00"]
    return browser


def test_what_was_paid_since_the_first_charge_goes_back_for_days_not_read(
    world: World, declined: Declined
) -> None:
    browser = renewed_within_the_cooling_off_days(world, declined)
    said = "R147.50 incl. VAT goes back to you: your first charge returns to your card in full, and so does R72.50"
    assert said in browser.get("/account/withdraw").words, "29 of the 30 days that were paid on the 16th"
    assert "get R147.50 incl. VAT back" in browser.get("/account").words
    assert "get R147.50 (incl. VAT) back" in browser.get("/account/cancel").words
    browser.again("/account/withdraw").post("/account/withdraw")
    world.settle()
    assert sorted(returned(world)) == [7250, 7500]
    letter = world.letter(declined.email, "withdrawn")
    assert "R147.50 incl. VAT goes back to you" in letter.subject
    words = " ".join(letter.text.split())
    for line in (
        "R75.00 incl. VAT",
        "R72.50 incl. VAT",
        "R147.50 incl. VAT",
        "Saturday 17 April 2027 at 08:15",
    ):
        assert line in words
    world.advance_to(local(2027, 6, 1))
    assert len(world.charges()) == 2
    ledger_checks.check(world)


def test_a_letter_from_before_the_renewal_brings_all_of_it_back(world: World, declined: Declined) -> None:
    renewed_within_the_cooling_off_days(world, declined)
    asked = post(world, declined.subscription_id, "withdraw", requested_at="2027-04-15T10:00:00Z")
    assert asked[0] == 200
    assert asked[1]["returned"] == {"amount": 15000, "currency": "ZAR"}
    world.settle()
    assert returned(world) == [7500, 7500]


def test_after_a_plain_cancellation_days_not_read_go_back_too(world: World, declined: Declined) -> None:
    browser = renewed_within_the_cooling_off_days(world, declined)
    browser.again("/account/cancel").post("/account/cancel", when="period_end")
    world.advance_to(local(2027, 4, 19, 10))
    assert "R142.50" in browser.get("/account/withdraw").words, "the 16th to the 18th were read"
    browser.post("/account/withdraw")
    world.settle()
    assert sorted(returned(world)) == [6750, 7500]
