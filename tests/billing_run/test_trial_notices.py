"""Two notices before the first charge, or no charge (CARD-4)."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

NOON_BEFORE = local(2027, 3, 7, 12)
"""The day before the first notice."""


def notice(world: World, which: str, charge_on: str) -> dict[str, Any]:
    """The row of one notice."""
    rows = world.rows(
        "SELECT * FROM message WHERE kind = 'trial_notice' AND key LIKE :key",
        key=f"trial-notice-{which}:%:{charge_on}",
    )
    assert len(rows) == 1
    return rows[0]


def test_both_notices_say_amount_and_day_and_come_eight_and_four_days_before(
    world: World, in_trial: Subscriber
) -> None:
    for day, which in ((8, "first"), (12, "second")):
        before = len(world.letters(in_trial.email))
        world.advance_to(local(2027, 3, day, 8, 59, 59))
        assert len(world.letters(in_trial.email)) == max(before, 1)
        world.advance_to(local(2027, 3, day, 9))
        letter = world.letters(in_trial.email)[-1]
        for words in ("R75.00", "incl. VAT", "16 March 2027", "4242"):
            assert words in letter.text, which
            assert words in letter.html, which
        assert any("/cancel/" in link for link in letter.links)
        assert world.mail_kinds(in_trial.email)[-1] == f"{which} notice for 2027-03-16"
        assert notice(world, which, "2027-03-16")["accepted_at"] == local(2027, 3, day, 9)
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"]


@pytest.mark.prove
def test_the_mail_server_is_down_for_three_days_over_the_first_notice(
    world: World, in_trial: Subscriber
) -> None:
    locked = world.articles["subscriber"][0]
    fast_forward(world, NOON_BEFORE)
    world.smtp.refuse(451, "try later", at="mail")
    world.advance_to(local(2027, 3, 10, 12))
    world.smtp.mend()
    assert notice(world, "first", "2027-03-16")["state"] == "expired", "a late notice would be untrue"

    world.advance_to(local(2027, 3, 12, 9))
    after = world.subscription(in_trial.subscription_id)
    assert datetime.fromisoformat(after["next_charge"]["at"]) == local(2027, 3, 20, 9)
    world.advance_to(local(2027, 3, 19, 23, 59, 59))
    assert world.access(locked, in_trial.reader_id)["reason"] == "trial"
    assert world.sandbox.charges() == []
    world.advance_to(local(2027, 3, 20, 9))
    assert world.charged_at() == ["2027-03-20 09:00"]
    mails = ["trial_started", "first notice for 2027-03-20", "second notice for 2027-03-20", "receipt"]
    assert world.mail_kinds(in_trial.email) == mails
    events = world.api.get(f"/v1/readers/{in_trial.reader_id}/events").json()["data"]
    assert [event["happening"] for event in events] == ["started", "trial_extended", "charged"]


def test_the_mail_server_stutters_and_the_notice_still_comes_in_time(
    world: World, in_trial: Subscriber
) -> None:
    world.advance_to(local(2027, 3, 8, 8))
    world.smtp.refuse(421, "busy", at="data")
    world.advance_to(local(2027, 3, 8, 13))
    world.smtp.mend()
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"]
    assert notice(world, "first", "2027-03-16")["tries"] > 3
    assert world.mail_kinds(in_trial.email).count("first notice for 2027-03-16") == 1


@pytest.mark.parametrize("bounces", ["first", "second"])
def test_a_notice_that_bounces_for_good_means_no_charge_until_one_is_accepted(
    world: World, in_trial: Subscriber, bounces: str
) -> None:
    locked = world.articles["subscriber"][0]
    world.advance_to(local(2027, 3, 7 if bounces == "first" else 10))
    world.smtp.refuse(550, "no such mailbox", to=in_trial.email)
    world.advance_to(local(2027, 3, 18))
    assert world.sandbox.charges() == []
    assert notice(world, bounces, "2027-03-16")["state"] == "refused"
    assert world.access(locked, in_trial.reader_id)["reason"] == "trial"
    assert world.rows("SELECT next_action FROM subscription")[0]["next_action"] is not None

    world.smtp.mend()
    world.advance_to(local(2027, 4, 10))
    assert len(world.charges()) == 1
    day = world.charged_at()[0][:10]
    mails = world.mail_kinds(in_trial.email)
    assert mails[-3:] == [f"first notice for {day}", f"second notice for {day}", "receipt"]


def test_no_worker_over_the_first_window(world: World, in_trial: Subscriber) -> None:
    fast_forward(world, NOON_BEFORE)
    world.skip_to(local(2027, 3, 9, 9, 0, 1))
    world.settle()
    assert world.mail_kinds(in_trial.email)[-1] == "first notice for 2027-03-17", (
        "eight days from today, told today"
    )
    world.advance_to(local(2027, 3, 17, 8, 59, 59))
    assert world.sandbox.charges() == []
    world.advance_to(local(2027, 3, 17, 9))
    assert world.charged_at() == ["2027-03-17 09:00"]


def test_no_worker_until_the_last_minute_of_the_first_window(world: World, in_trial: Subscriber) -> None:
    fast_forward(world, NOON_BEFORE)
    world.skip_to(local(2027, 3, 9, 9))
    world.settle()
    assert world.mail_kinds(in_trial.email)[-1] == "first notice for 2027-03-16"
    world.advance_to(local(2027, 3, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:00"]


def test_no_worker_on_the_announced_day(world: World, notified: Subscriber) -> None:
    """The notices are fresh enough, but they named the 16th. A charge on the 17th was never announced."""
    world.skip_to(local(2027, 3, 17, 5))
    world.advance_to(local(2027, 3, 25, 8, 59, 59))
    assert world.sandbox.charges() == []
    world.advance_to(local(2027, 3, 25, 9))
    assert world.charged_at() == ["2027-03-25 09:00"]
    day = "2027-03-25"
    assert world.mail_kinds(notified.email)[-3:] == [
        f"first notice for {day}",
        f"second notice for {day}",
        "receipt",
    ]


def test_no_worker_for_three_days_over_the_day_of_charging(world: World, notified: Subscriber) -> None:
    locked = world.articles["subscriber"][0]
    world.skip_to(local(2027, 3, 18, 12))
    assert world.access(locked, notified.reader_id)["reason"] == "trial", "our outage locks nobody out"
    world.settle()
    assert world.sandbox.charges() == [], "the notices are too old for a charge today"
    world.advance_to(local(2027, 3, 26, 8, 59, 59))
    assert world.sandbox.charges() == []
    world.advance_to(local(2027, 3, 26, 9))
    assert world.charged_at() == ["2027-03-26 09:00"]
    kinds = world.mail_kinds(notified.email)
    assert kinds[-3:] == ["first notice for 2027-03-26", "second notice for 2027-03-26", "receipt"]


@pytest.mark.usefixtures("notified")
def test_the_worker_is_a_few_hours_late_on_the_day_and_charges_once(world: World) -> None:
    world.skip_to(local(2027, 3, 16, 21, 30))
    world.settle()
    assert world.charged_at() == ["2027-03-16 21:30"]
    world.advance_to(local(2027, 4, 16, 9))
    assert world.charged_at() == ["2027-03-16 21:30", "2027-04-16 09:00"], (
        "counted from the day, not the hour"
    )
