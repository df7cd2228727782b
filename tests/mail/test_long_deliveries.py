"""Sending takes time: mails that arrive or expire meanwhile, and the instant that counts."""

from datetime import timedelta

import pytest

from billing.timetable import Queue, tick
from tests.support.newsroom import Newsroom
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def _send(world: World) -> None:
    """A single run of the mail queue."""
    tick(world.services, queue=Queue.MAIL)


def _ask_for_link(world: World, email: str) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=email)


def _recipients(world: World) -> list[str]:
    return [to for mail in world.smtp.received for to in mail.recipients]


@pytest.mark.parametrize("seconds", [0, 5])
def test_a_link_asked_for_while_receipts_go_out_is_sent_next(world: World, seconds: int) -> None:
    receipts = [f"r{number}@example.com" for number in range(4)]
    for number, email in enumerate(receipts):
        world.start_trial(email, f"pm_card_visa__{number}")

    def reader_signs_in() -> None:
        world.skip_to(world.now + timedelta(seconds=seconds))
        _ask_for_link(world, "waits@example.com")

    world.smtp.meanwhile(reader_signs_in, at="dot")
    _send(world)
    assert _recipients(world)[1] == "waits@example.com"
    assert sorted(_recipients(world)) == [*receipts, "waits@example.com"], (
        "and the others after it, in the same run"
    )


def test_a_notice_whose_window_closes_within_the_hour_is_no_urgent_mail(
    world: World, in_trial: Subscriber
) -> None:
    world.skip_to(local(2027, 3, 9, 8, 30))
    world.smtp.greylist(in_trial.email)
    tick(world.services)
    (row,) = world.rows("SELECT expires_at - created_at AS window FROM message WHERE kind = 'trial_notice'")
    assert row["window"] == timedelta(minutes=30)
    world.skip_to(local(2027, 3, 9, 8, 40))
    home = world.rows("SELECT home FROM installation")[0]["home"]
    world.execute("UPDATE installation SET home = 'somewhere else'")
    _send(world)
    assert len(_recipients(world)) == 1, "a copy sends nothing but links to sign in with"
    world.execute("UPDATE installation SET home = :home", home=home)
    _ask_for_link(world, "waits@example.com")
    _send(world)
    assert _recipients(world)[1:] == ["waits@example.com", in_trial.email]


def test_a_link_whose_time_is_over_before_its_turn_is_not_sent(world: World) -> None:
    for email in ("a@example.com", "b@example.com"):
        _ask_for_link(world, email)
    world.smtp.meanwhile(lambda: world.skip_to(world.now + timedelta(minutes=11)), at="dot")
    _send(world)
    assert len(_recipients(world)) == 1
    states = world.rows("SELECT state FROM message ORDER BY state")
    assert [row["state"] for row in states] == ["accepted", "expired"]


def test_the_next_try_is_counted_from_the_answer(world: World) -> None:
    _ask_for_link(world, "a@example.com")
    later = world.now + timedelta(minutes=2)
    world.smtp.meanwhile(lambda: world.skip_to(later), at="rcpt")
    world.smtp.greylist("a@example.com")
    _send(world)
    (row,) = world.rows("SELECT next_attempt_at FROM message")
    assert row["next_attempt_at"] == later + timedelta(minutes=1)


def test_a_notice_that_the_relay_takes_after_its_window_is_too_late_for_the_charge(
    world: World, in_trial: Subscriber
) -> None:
    closes = local(2027, 3, 9, 9)
    world.skip_to(closes - timedelta(seconds=30))
    world.smtp.meanwhile(lambda: world.skip_to(closes + timedelta(seconds=30)), at="dot")
    tick(world.services)
    (row,) = world.rows("SELECT accepted_at FROM message WHERE kind = 'trial_notice'")
    assert row["accepted_at"] == closes + timedelta(seconds=30), "the moment of the 250"
    world.advance_to(local(2027, 3, 16, 12))
    assert world.charges() == []
    world.advance_to(local(2027, 3, 20, 9))
    assert world.charged_at() == ["2027-03-20 09:00"]
    assert [mail_kind for mail_kind in world.mail_kinds(in_trial.email) if "2027-03-20" in mail_kind] == [
        "first notice for 2027-03-20",
        "second notice for 2027-03-20",
    ]


def test_a_notice_whose_window_closes_before_its_turn_is_not_sent(world: World) -> None:
    for number in range(2):
        world.start_trial(f"r{number}@example.com", f"pm_card_visa__{number}")
    world.settle()
    closes = local(2027, 3, 9, 9)
    world.skip_to(closes - timedelta(seconds=30))
    world.smtp.meanwhile(lambda: world.skip_to(closes + timedelta(seconds=30)), at="dot")
    tick(world.services)
    states = world.rows("SELECT state FROM message WHERE kind = 'trial_notice' ORDER BY state")
    assert [row["state"] for row in states] == ["accepted", "expired"]


def test_a_job_begins_at_the_moment_at_which_the_one_before_it_has_ended(world: World) -> None:
    _ask_for_link(world, "a@example.com")
    newsroom, later = Newsroom(world), world.now + timedelta(minutes=5)
    newsroom.people(1)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id, later)
    world.smtp.meanwhile(lambda: world.skip_to(later), at="dot")
    tick(world.services)
    assert newsroom.issue(issue_id).started_at == later, "it was not due when the mails began to go out"


def test_a_newsletter_is_dated_when_the_relay_has_taken_it(world: World) -> None:
    newsroom = Newsroom(world)
    newsroom.people(3)
    issue_id, over_at = newsroom.draft(), world.now + timedelta(minutes=5)
    newsroom.schedule(issue_id)
    world.smtp.meanwhile(lambda: world.skip_to(over_at), at="dot")
    tick(world.services, queue=Queue.LONG)
    settled = world.rows("SELECT DISTINCT settled_at FROM delivery")
    assert [row["settled_at"] for row in settled] == [over_at]
    assert newsroom.issue(issue_id).finished_at == over_at
