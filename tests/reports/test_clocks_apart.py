"""Clocks of Stripe, other processes and programs differ from ours. Seconds of skew cause no refusal and no refund."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.reports.operator import broken
from tests.support.cancel_helpers import cancel, refused
from tests.support.leaps import leap_to
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def paid_just_after_midnight(world: World, skew: int = 0) -> None:
    """A start without a trial, charged one second after midnight. The rules of `World.once` apply."""
    world.once("a trial that ends before its charge", lambda: trial_that_ends(world))
    world.once(f"a charge at midnight, {skew} seconds off", lambda: pay_at_midnight(world, skew))
    world.sandbox.skew(skew)


def trial_that_ends(world: World) -> None:
    with world.browse() as browser:
        browser.start(READER)
        browser.get("/account/cancel")
        browser.post("/account/cancel", when="period_end")
    world.advance_to(local(2027, 3, 16, 12))
    leap_to(world, local(2027, 3, 30, 23, 30))


def pay_at_midnight(world: World, skew: int) -> None:
    world.sandbox.skew(skew)
    again = signed_in(world, READER)
    again.get("/subscribe")
    again.post("/subscribe/without-trial")
    page = again.open_card_page()
    world.advance_to(local(2027, 3, 31, 0, 0, 1))
    again.get(world.sandbox.fill_in(page))
    world.settle()


@pytest.mark.parametrize("seconds", [-5, 5])
def test_a_right_payment_is_kept_though_stripes_clock_is_seconds_off(world: World, seconds: int) -> None:
    paid_just_after_midnight(world, seconds)
    (charge,) = world.charges()
    ours = local(2027, 3, 31, 0, 0, 1)
    assert datetime.fromtimestamp(charge["created"], UTC) == ours + timedelta(seconds=seconds)
    assert broken(world) == {}
    world.advance(days=2)
    assert world.sandbox.refunds() == []


@pytest.mark.parametrize("seconds", [-240, -5, 0, 5])
def test_a_slow_clock_of_stripes_at_midnight_takes_no_day_to_withdraw_from_the_reader(
    world: World, seconds: int
) -> None:
    """Charged on 31 March by our clock; the fourteenth day after it counts to its end."""
    paid_just_after_midnight(world, seconds)
    world.sandbox.skew(0)
    leap_to(world, local(2027, 4, 14, 20))
    (row,) = world.rows("SELECT id FROM subscription WHERE state = 'active'")
    path = f"/v1/subscriptions/{row['id']}/withdraw"
    assert world.api.post(path, json={"reason": "changed my mind"}).status_code == 200
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]


def test_what_was_taken_before_its_period_is_found_by_either_clock(world: World) -> None:
    paid_just_after_midnight(world)
    for column in ("payment SET paid_at = paid_at", "attempt SET intended_at = intended_at"):
        world.execute(f"UPDATE {column} - interval '6 minutes'")
        assert "no-charge-in-the-trial" in broken(world)
        world.execute(f"UPDATE {column} + interval '6 minutes'")
        assert broken(world) == {}


def test_a_worker_whose_clock_is_ahead_has_charged_before_the_reader_cancelled(
    world: World, paid: Subscriber
) -> None:
    """The history is written under one lock, so its order doesn't depend on clocks."""
    world.skip_to(world.now + timedelta(seconds=1))
    cancel(world, paid.subscription_id)
    world.execute("UPDATE attempt SET intended_at = :at", at=world.now + timedelta(seconds=3))
    assert broken(world) == {}
    world.execute("UPDATE attempt SET intended_at = :at", at=world.now + timedelta(minutes=6))
    assert "no-charge-after-cancelling" in broken(world)


def test_a_worker_whose_clock_is_ahead_has_charged_before_the_reader_asked_by_form(
    world: World, paid: Subscriber
) -> None:
    world.skip_to(world.now + timedelta(seconds=1))
    browser = world.browser()
    browser.get("/contact")
    browser.post("/contact", kind="cancel", email=paid.email, words="")
    world.execute("UPDATE attempt SET intended_at = :at", at=world.now + timedelta(seconds=3))
    assert broken(world) == {}
    world.execute("UPDATE attempt SET intended_at = :at", at=world.now + timedelta(minutes=6))
    assert "no-charge-while-asked-to-cancel" in broken(world)


def test_money_taken_seconds_after_the_moment_of_asking_goes_back_though_stripe_says_before(
    world: World, notified: Subscriber
) -> None:
    world.sandbox.skew(-5)
    world.advance_to(local(2027, 3, 16, 9))
    asked = local(2027, 3, 16, 8, 59, 58)
    cancel(world, notified.subscription_id, requested_at=asked.isoformat())
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]


def test_a_subscription_that_another_process_began_in_our_future_can_be_cancelled(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    world.execute("UPDATE subscription SET started_at = :at", at=world.now + timedelta(seconds=3))
    support = staff("support")
    page = support.get(f"/staff/readers/{in_trial.reader_id}/cancel")
    assert "can't have been asked" not in page.words
    answer = cancel(world, in_trial.subscription_id)
    asked = datetime.fromisoformat(answer["cancel_requested_at"])
    assert asked == world.now + timedelta(seconds=3), "never before it began"


def test_a_sale_is_taken_back_by_a_process_that_is_behind(world: World) -> None:
    paid_just_after_midnight(world)
    world.execute("UPDATE subscription SET started_at = :at WHERE state <> 'ended'", at=world.now + timedelta(seconds=3))  # fmt: skip
    browser = world.browser()
    browser.get(world.mailed_link(READER, "/cancel/"))
    assert browser.post("/cancel", when="now").status == 200
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]


def test_a_program_whose_clock_is_ahead_cancels_now(world: World, in_trial: Subscriber) -> None:
    ahead = (world.now + timedelta(seconds=3)).isoformat()
    answer = cancel(world, in_trial.subscription_id, requested_at=ahead)
    assert datetime.fromisoformat(answer["cancel_requested_at"]) == world.now


def test_beyond_what_clocks_are_apart_a_moment_is_refused(world: World, in_trial: Subscriber) -> None:
    for minutes in (6, -6):
        asked = (world.now + timedelta(minutes=minutes)).isoformat()
        assert refused(world, in_trial.subscription_id, requested_at=asked) == (422, "bad_moment")


def test_a_consent_and_a_question_from_a_clock_that_is_ahead_are_of_now(world: World) -> None:
    ahead = (world.now + timedelta(seconds=3)).astimezone(UTC).isoformat()
    consent = {"text_version": "app-1", "accepted_at": ahead, "ip": "196.25.1.9", "user_agent": "App/1"}
    answer = world.try_trial(READER, consent=consent)
    assert answer.status_code == 201, answer.text
    assert world.rows("SELECT accepted_at FROM consent")[0]["accepted_at"] == world.now
    asked = world.api.get(f"/v1/readers/{answer.json()['reader']['id']}/standing", params={"at": ahead})
    assert asked.status_code == 200
