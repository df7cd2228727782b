"""The relay's answers, and their consequences for the recipient, the issue, both or neither (S3, S5, S6, B3)."""

from datetime import timedelta
from typing import Any

import pytest

from billing.mail.bounces import number_of
from billing.mail.smtp import Accepted, Deferred, Outcome, RelayRefused, RelayUnknown
from billing.newsletters import issues
from billing.newsletters.models import IssueState
from billing.newsletters.smtp_verdicts import SmtpVerdict, verdict_on
from tests.support.newsroom import BY, Newsroom
from tests.support.starting_points import Subscriber
from tests.support.world import World


def started(newsroom: Newsroom, count: int) -> tuple[str, list[str]]:
    """An issue that starts at the worker's next run, and its recipients."""
    people = newsroom.people(count)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    return issue_id, people


@pytest.mark.parametrize(
    ("outcome", "means"),
    [
        (Accepted("2.0.0 ok"), SmtpVerdict.TAKEN),
        (RelayUnknown("broke"), SmtpVerdict.UNKNOWN),
        (Deferred(0, "connection refused"), SmtpVerdict.STALLED),
        (Deferred(421, "4.7.0 greeting"), SmtpVerdict.STALLED),
        (Deferred(421, "4.7.0 slow down", "mail"), SmtpVerdict.LATER),
        (Deferred(454, "4.7.0 throttled", "dot"), SmtpVerdict.LATER),
        (RelayRefused(550, "5.1.1 no such mailbox", "rcpt"), SmtpVerdict.BOUNCED),
        (RelayRefused(550, "unknown", "rcpt"), SmtpVerdict.BOUNCED),
        (RelayRefused(552, "5.2.2 full", "rcpt"), SmtpVerdict.BOUNCED),
        (RelayRefused(550, "5.7.1 blocked", "rcpt"), SmtpVerdict.REFUSED),
        (RelayRefused(552, "5.3.4 too big", "mail"), SmtpVerdict.REFUSED),
        (RelayRefused(554, "5.6.0 what is this", "dot"), SmtpVerdict.REFUSED),
        (RelayRefused(550, "5.7.515 not authenticated", "mail"), SmtpVerdict.STOP),
        (RelayRefused(554, "5.7.1 spam", "dot"), SmtpVerdict.STOP),
        (RelayRefused(0, "not an address", "rcpt"), SmtpVerdict.BOUNCED),
    ],
)
def test_an_answer_has_its_meaning(outcome: Outcome, means: SmtpVerdict) -> None:
    assert verdict_on(outcome) is means


def test_4xx_is_asked_again_with_the_same_name_until_twelve_hours(newsroom: Newsroom) -> None:
    issue_id, people = started(newsroom, 2)
    newsroom.world.smtp.refuse(451, "4.3.0 not now", to=people[0], at="rcpt")
    newsroom.world.settle()
    row = newsroom.delivery(issue_id, people[0])
    assert (row["state"], row["tries"]) == ("deferred", 1)
    assert row["next_attempt_at"] - newsroom.world.now == timedelta(minutes=1)
    assert "451 4.3.0 not now" in row["last_answer"]
    newsroom.world.advance(hours=11)
    assert newsroom.counts(issue_id) == {"sent": 1, "deferred": 1}
    newsroom.world.advance(hours=2)
    assert newsroom.counts(issue_id) == {"sent": 1, "failed": 1}
    assert newsroom.suppressions() == []


def test_a_retry_carries_the_same_message_id(newsroom: Newsroom) -> None:
    issue_id, people = started(newsroom, 1)
    newsroom.world.smtp.drop("after-dot", times=1)  # it was taken; nobody could say so
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"uncertain": 1}
    newsroom.world.advance(days=1)
    assert len(newsroom.arrived()) == 1  # held, not sent again by itself
    with newsroom.world.services.database.begin(newsroom.world.services.site, newsroom.world.now, BY) as ctx:
        assert issues.send_held(ctx, issue_id) == 1
    assert newsroom.issue(issue_id).state is IssueState.SENDING
    newsroom.world.settle()
    one, other = newsroom.arrived_for(people[0])
    assert one.raw == other.raw
    assert one.sender == other.sender
    assert newsroom.counts(issue_id) == {"sent": 1}


def test_an_unknown_mailbox_bounces_that_recipient_alone_and_at_once(newsroom: Newsroom) -> None:
    issue_id, people = started(newsroom, 5)
    newsroom.world.smtp.refuse(550, "5.1.1 no such mailbox", to=people[2])
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 4, "bounced": 1}
    assert newsroom.suppressions() == [("newsletters", "hard_bounce")]
    newsroom.send()
    assert len(newsroom.arrived_for(people[2])) == 0
    assert len(newsroom.arrived()) == 8


def test_receipts_are_still_tried_where_newsletters_came_back(world: World, notified: Subscriber) -> None:
    newsroom = Newsroom(world)
    newsroom.join(notified.email)
    world.smtp.refuse(550, "5.1.1 no such mailbox", to=notified.email, times=1)
    newsroom.send()
    assert newsroom.suppressions() == [("newsletters", "hard_bounce")]
    assert not any(subject.startswith("Tax invoice") for subject in world.subjects(notified.email))
    world.advance(days=1)
    assert any(subject.startswith("Tax invoice") for subject in world.subjects(notified.email))


@pytest.mark.parametrize("at", ["mail", "data", "dot"])
def test_a_refusal_by_policy_pauses_the_issue_and_blames_nobody(newsroom: Newsroom, at: Any) -> None:
    issue_id, people = started(newsroom, 8)
    newsroom.world.smtp.refuse(554, "5.7.1 your mail looks odd", at=at)
    newsroom.world.settle()
    found = newsroom.issue(issue_id)
    assert found.state is IssueState.PAUSED
    assert "554 5.7.1 your mail looks odd" in str(found.held_reason)
    assert newsroom.counts(issue_id) == {"frozen": 8}
    assert newsroom.suppressions() == []
    newsroom.world.smtp.mend()
    newsroom.world.advance(days=1)
    assert newsroom.arrived() == []
    with newsroom.world.services.database.begin(newsroom.world.services.site, newsroom.world.now, BY) as ctx:
        issues.resume(ctx, issue_id)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 8}
    assert sorted(mail.recipients[0] for mail in newsroom.arrived()) == people


@pytest.mark.parametrize(
    ("at", "answer"), [("rcpt", "5.7.1 blocked"), ("dot", "5.6.0 no"), ("mail", "sender unknown")]
)
def test_five_refusals_in_a_row_pause_it_too(newsroom: Newsroom, at: Any, answer: str) -> None:
    issue_id, _ = started(newsroom, 30)
    newsroom.world.smtp.refuse(550, answer, at=at)
    newsroom.world.settle()
    assert newsroom.issue(issue_id).state is IssueState.PAUSED
    assert newsroom.counts(issue_id) == {"frozen": 30}
    assert newsroom.suppressions() == []


def test_one_refusal_among_many_fails_that_mail_and_suppresses_nobody(newsroom: Newsroom) -> None:
    issue_id, people = started(newsroom, 12)
    newsroom.world.smtp.refuse(550, "5.7.1 this reader's provider dislikes us", to=people[4])
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 11, "failed": 1}
    assert newsroom.suppressions() == []


def test_a_relay_that_knows_nobody_is_not_believed(newsroom: Newsroom) -> None:
    issue_id, _ = started(newsroom, 60)
    newsroom.world.smtp.refuse(550, "5.1.1 no such mailbox")
    newsroom.world.settle()
    assert newsroom.issue(issue_id).state is IssueState.PAUSED
    assert newsroom.counts(issue_id) == {"frozen": 60}
    assert newsroom.suppressions() == []


def test_a_relay_that_is_away_is_tried_again_and_nobody_loses_anything(newsroom: Newsroom) -> None:
    issue_id, people = started(newsroom, 10)
    newsroom.world.smtp.drop("mail", times=None)
    newsroom.world.settle()
    found = newsroom.issue(issue_id)
    assert found.state is IssueState.SENDING
    assert found.resume_at == newsroom.world.now + timedelta(minutes=1)
    assert set(newsroom.counts(issue_id)) == {"frozen"}
    newsroom.world.smtp.mend()
    newsroom.world.advance(hours=1)
    assert newsroom.counts(issue_id) == {"sent": 10}
    assert sorted(mail.recipients[0] for mail in newsroom.arrived()) == people


@pytest.mark.parametrize("count", [1, 4, 250])
def test_a_relay_that_stays_away_for_half_a_day_makes_it_wait_for_a_person(
    newsroom: Newsroom, count: int
) -> None:
    issue_id, _ = started(newsroom, count)
    newsroom.world.smtp.drop("mail", times=None)
    newsroom.world.settle()
    assert newsroom.issue(issue_id).stalls == 1, "a look is one try, of however many batches"
    newsroom.world.advance(hours=10)
    assert newsroom.issue(issue_id).state is IssueState.SENDING
    newsroom.world.advance(hours=4)
    assert newsroom.issue(issue_id).state is IssueState.PAUSED
    assert newsroom.counts(issue_id) == {"frozen": count}


def test_the_envelope_names_the_delivery_and_nothing_else(newsroom: Newsroom) -> None:
    issue_id, people = started(newsroom, 3)
    newsroom.world.settle()
    tokens = newsroom.world.services.site.tokens
    for address in people:
        (mail,) = newsroom.arrived_for(address)
        local = mail.sender.partition("@")[0]
        assert local.startswith("b+")
        assert number_of(tokens, local.removeprefix("b+")) == newsroom.delivery(issue_id, address)["number"]
        assert mail.sender.endswith("@news.swartbergpost.example")
        assert "reader" not in mail.sender
        assert len(local) <= 64
