"""Undoing a cancellation while the trial or the period runs; it moves a charge once, not repeatedly."""

from datetime import datetime

import pytest

from tests.support.cancel_helpers import cancel, cancel_signed_out, refused
from tests.support.leaps import leap_to
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


@pytest.fixture
def cancelled_early(world: World, in_trial: Subscriber) -> Subscriber:
    """A reader who cancelled on the first day of the trial, so that no notice came; it is noon of 12 March."""

    def live() -> None:
        cancel(world, in_trial.subscription_id)
        world.advance_to(local(2027, 3, 12, 12))

    world.once("cancels at once, until 12 March 2027", live)
    return in_trial


def test_a_cancellation_is_undone_in_the_trial_and_in_a_paid_month(
    world: World, in_trial: Subscriber
) -> None:
    subscription = in_trial.subscription_id
    assert refused(world, subscription, "resume") == (409, "nothing_to_undo")
    leap_to(world, local(2027, 3, 4), days=1)
    cancel(world, subscription)
    world.advance_to(local(2027, 3, 5))
    answer = world.api.post(f"/v1/subscriptions/{subscription}/resume").json()
    assert (answer["status"], answer["cancels_at"], answer["cancel_requested_at"]) == ("trialing", None, None)
    leap_to(world, local(2027, 3, 16, 9), days=9)
    assert world.charged_at() == ["2027-03-16 09:00"]

    leap_to(world, local(2027, 4, 10), days=1)
    cancel(world, subscription)
    leap_to(world, local(2027, 4, 15, 23, 59, 59), days=1)
    assert world.mail_kinds(in_trial.email)[-1] == "cancelled"
    assert world.api.post(f"/v1/subscriptions/{subscription}/resume").status_code == 200
    world.advance_to(local(2027, 4, 17))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-04-16 09:00"]
    mails = world.mail_kinds(in_trial.email)
    assert mails[:3] == ["trial_started", "cancelled", "resumed"]
    assert mails[-4:] == ["receipt", "cancelled", "resumed", "receipt"]


def test_undone_after_a_notice_was_missed_the_trial_is_longer_and_told_anew(
    world: World, cancelled_early: Subscriber
) -> None:
    subscription = cancelled_early.subscription_id
    answer = world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status().json()
    assert datetime.fromisoformat(answer["next_charge"]["at"]) == local(2027, 3, 20, 9)
    world.settle()
    resumed = next(
        letter for letter in world.letters(cancelled_early.email) if "goes on" in letter.subject + letter.text
    )
    assert "20 March 2027" in resumed.text, "the mail names the day that holds"
    world.advance_to(local(2027, 3, 20, 8, 59))
    assert world.sandbox.charges() == []
    world.advance_to(local(2027, 3, 20, 9))
    assert world.charged_at() == ["2027-03-20 09:00"]
    mails = world.mail_kinds(cancelled_early.email)
    assert mails[-2:] == ["second notice for 2027-03-20", "receipt"]
    assert mails.count("first notice for 2027-03-20") == 1


def test_a_trial_is_made_longer_by_an_undo_once_and_not_for_ever(
    world: World, cancelled_early: Subscriber
) -> None:
    subscription = cancelled_early.subscription_id
    world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
    cancel(world, subscription)  # in the same minute, before the notice for 20 March
    world.advance_to(local(2027, 3, 18, 12))
    answer = world.api.post(f"/v1/subscriptions/{subscription}/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_undo")
    assert "moved the next charge once already" in answer.json()["detail"]
    browser = cancel_signed_out(world, world.mailed_link(cancelled_early.email, "/cancel/"))
    assert 'action="/cancel/undo"' not in browser.page.text, "nor does a page offer it"
    world.advance_to(local(2027, 3, 21))
    leap_to(world, local(2027, 5, 1), days=12)
    assert world.subscription(subscription)["status"] == "ended"
    assert world.charges() == []


def test_an_undo_that_moves_nothing_is_never_too_many(world: World, cancelled_early: Subscriber) -> None:
    subscription = cancelled_early.subscription_id
    for hour in (12, 18, 23):
        world.advance_to(local(2027, 3, 12, hour))
        world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
        world.advance(minutes=5)
        cancel(world, subscription)
    world.advance_to(local(2027, 3, 13))
    world.api.post(f"/v1/subscriptions/{subscription}/resume").raise_for_status()
    world.advance_to(local(2027, 3, 20, 9))
    assert world.charged_at() == ["2027-03-20 09:00"]
