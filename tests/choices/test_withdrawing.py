"""Withdraw within the cooling-off days, with or without having cancelled; what goes back goes back once."""

from typing import Any

import pytest

from tests.support.starting_points import Subscriber, fast_forward, subscriber
from tests.support.world import World, local


def post(world: World, subscription_id: str, what: str, **body: object) -> tuple[int, dict[str, Any]]:
    """By the API, whatever comes of it."""
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
    assert "take your first charge of R75.00 incl. VAT back in full" in account.words
    page = browser.get("/account/withdraw")
    assert "The whole charge of R75.00 incl. VAT returns" in page.words
    after = browser.post("/account/withdraw")
    assert "on its way back to your card" in after.text
    assert "Withdraw from my subscription" not in after.words
    world.settle()
    assert returned(world) == [7500]
    assert sorted(world.told(paid.email)[-3:]) == ["cancelled", "refunded", "withdrawn"]
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
