"""An issue goes once to each of its recipients, in the right variant, and to nobody else."""

import re
import threading
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import select

import emails
from billing.access.entitlements import entitlements_of
from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters import issues
from billing.newsletters.models import Delivery, Issue, IssueState
from billing.newsletters.start import freeze
from billing.newsletters.wrap import MARKS
from billing.platform import stop_points
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.rules.access import strongest
from billing.timetable import JOBS, Queue
from emails.languages import Language
from tests.support.fork_server import Crash
from tests.support.newsroom import BY, Newsroom, link, parsed, parts_of
from tests.support.world import local

THANDI = "thandi@example.com"


def test_each_gets_it_once_in_their_own_words(newsroom: Newsroom) -> None:
    people = newsroom.people(12)
    newsroom.add_reader(THANDI, subscribed=True)
    newsroom.join(THANDI)
    newsroom.leave(people[3])
    issue_id = newsroom.send()

    assert sorted(mail.recipients[0] for mail in newsroom.arrived()) == sorted(
        {*people, THANDI} - {people[3]}
    )
    assert newsroom.counts(issue_id) == {"sent": 12}
    assert newsroom.progress(issue_id).variants == {"reader": 11, "subscriber": 1}
    assert newsroom.issue(issue_id).state is IssueState.SENT
    (hers,) = newsroom.arrived_for(THANDI)
    (theirs,) = newsroom.arrived_for(people[0])
    for part in parts_of(hers):
        assert "Thank you for paying" in part
        assert "with a trial" not in part
        assert "For subscribers" not in part
    for part in parts_of(theirs):
        assert "Thank you for paying" not in part
        assert "with a trial" in part
        assert "For subscribers" in part
    newsroom.world.advance(days=2)
    assert len(newsroom.arrived()) == 12


def test_an_issue_is_put_into_words_once_for_each_variant(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is rendered once for each variant and joined for each recipient, in any number of batches. Measuring before
    renders each once too.
    """
    newsroom.people(250)
    newsroom.add_reader(THANDI, subscribed=True)
    newsroom.join(THANDI)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    written, render_newsletter = [], emails.render_newsletter

    def counted(letter: emails.NewsletterMail, house: emails.House, language: Language) -> emails.Rendered:
        written.append(letter)
        return render_newsletter(letter, house, language)

    monkeypatch.setattr(emails, "render_newsletter", counted)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 251}
    assert len(written) == 4
    assert len([letter for letter in written if letter.unsubscribe_url == MARKS["unsubscribe"]]) == 2


def test_the_links_are_each_recipients_own(newsroom: Newsroom) -> None:
    first, second = newsroom.people(2)
    newsroom.send()
    (one,), (other,) = newsroom.arrived_for(first), newsroom.arrived_for(second)
    assert link(one, "/u/") != link(other, "/u/")
    assert link(one, "/u/") == str(parsed(one)["List-Unsubscribe"]).strip("<>")
    assert f'href="{link(one, "/u/")}"' in parts_of(one)[1]
    newsroom.world.browser().http.post(link(one, "/u/")).raise_for_status()
    mine = newsroom.world.browser()
    assert mine.get(link(other, "/newsletters/mine/")).text.count(" checked") == 1
    newsroom.send()
    assert (len(newsroom.arrived_for(first)), len(newsroom.arrived_for(second))) == (1, 2)


def test_who_leaves_in_the_middle_gets_none_and_the_counts_add_up_at_every_look(newsroom: Newsroom) -> None:
    people = newsroom.people(450)
    leaver = people[220]
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=leaver, times=1)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    looks: list[dict[str, int]] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            looks.append(newsroom.counts(issue_id))

    watcher = threading.Thread(target=look)
    watcher.start()
    newsroom.world.settle()
    newsroom.leave(leaver)
    newsroom.world.advance(hours=1)
    over.set()
    watcher.join()
    assert newsroom.arrived_for(leaver) == []
    assert len({mail.recipients[0] for mail in newsroom.arrived()}) == len(newsroom.arrived()) == 449
    assert newsroom.counts(issue_id) == {"sent": 449, "skipped": 1}
    assert newsroom.progress(issue_id).skipped == {"left": 1}
    assert {sum(look.values()) for look in looks} <= {0, 450}
    assert len({tuple(sorted(look.items())) for look in looks}) >= 2


def test_freezing_twice_adds_nobody(newsroom: Newsroom) -> None:
    newsroom.people(20)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id, local(2027, 3, 1, 11))
    with newsroom.world.services.database.transaction() as session:
        issue = session.get_one(Issue, issue_id, with_for_update=True)
        ctx = TransactionContext(session, newsroom.world.services.site, newsroom.world.now, WORKER)
        assert freeze(ctx, issue, False) == 20
        assert freeze(ctx, issue, False) == 0
        issue.state, issue.started_at, issue.recipients = IssueState.SENDING, ctx.at, 20


def test_nobody_is_frozen_for_an_issue_that_started_at_another_instant(newsroom: Newsroom) -> None:
    newsroom.people(2)
    issue_id = newsroom.send()
    services, later = newsroom.world.services, newsroom.world.now + timedelta(seconds=1)
    with pytest.raises(sa.exc.IntegrityError), services.database.begin(services.site, later, WORKER) as ctx:
        freeze(ctx, newsroom.issue(issue_id), False)
    assert newsroom.counts(issue_id) == {"sent": 2}


def test_one_address_on_two_accounts_gets_one(newsroom: Newsroom) -> None:
    """A stranger's sign-up, and a reader who changed to the same address later."""
    newsroom.add_reader("old@example.com", subscribed=True)
    newsroom.join("old@example.com")
    newsroom.people(1)
    newsroom.world.execute("UPDATE reader SET email = 'Reader-0001@readers.example'")
    issue_id = newsroom.send()
    assert [mail.recipients for mail in newsroom.arrived()] == [("Reader-0001@readers.example",)]
    assert newsroom.progress(issue_id).variants == {"subscriber": 1}


def test_a_changed_address_is_left_out_of_an_issue_that_has_started(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI, subscribed=True)
    newsroom.join(THANDI)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=THANDI, times=1)
    newsroom.world.settle()
    newsroom.world.execute("UPDATE reader SET email = 'new@example.com'")
    newsroom.world.advance(hours=1)
    assert newsroom.progress(issue_id).skipped == {"address_changed": 1}
    assert newsroom.arrived() == []


def test_the_newsletter_for_subscribers_reaches_who_subscribes_at_that_moment(newsroom: Newsroom) -> None:
    newsroom.add_reader("stays@example.com", subscribed=True)
    newsroom.add_reader("never@example.com")
    newsroom.add_reader("late@example.com", subscribed=True, days=1 / 48)
    for name in ("stays", "never", "late"):
        newsroom.join(f"{name}@example.com", "from-the-newsroom")
    newsroom.people(3, "from-the-newsroom")
    issue_id = newsroom.draft(newsletter="from-the-newsroom")
    newsroom.schedule(issue_id)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to="late@example.com", times=4)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 1, "deferred": 1}
    newsroom.world.advance(hours=2)
    assert [mail.recipients[0] for mail in newsroom.arrived()] == ["stays@example.com"]
    assert newsroom.counts(issue_id) == {"sent": 1, "skipped": 1}
    assert newsroom.progress(issue_id).skipped == {"not_subscribed": 1}


def test_the_audience_is_who_may_read(newsroom: Newsroom) -> None:
    """The SQL for all readers agrees with the access decision for each."""
    cards = iter(range(100))
    moments = [timedelta(), timedelta(days=3), timedelta(days=16), timedelta(days=47)]
    for how in ("goes-on", "cancels", "ends", "declines", "pauses"):
        card = f"pm_card_{'chargeCustomerFail' if how == 'declines' else 'visa'}__{next(cards)}"
        started = newsroom.world.start_trial(f"{how}@example.com", card)
        path = f"/v1/subscriptions/{started['subscription']['id']}/cancel"
        if how in ("cancels", "ends"):
            when = "now" if how == "ends" else "period_end"
            newsroom.world.api.post(path, json={"when": when}).raise_for_status()
        newsroom.join(f"{how}@example.com")
    begin = newsroom.world.now
    variants = []
    for moment in moments:
        if moment == moments[3]:
            newsroom.world.advance_to(local(2027, 4, 7, 12))  # the declined charge is given up
            newsroom.world.skip_to(local(2027, 4, 15, 12))  # the next charges are on the day after
        newsroom.world.advance_to(begin + moment)
        if moment == moments[2]:
            browser = newsroom.world.browser()
            browser.sign_in("pauses@example.com")
            browser.get("/account/pause")
            assert "then paused" in browser.post("/account/pause", months="2").words
        issue_id = newsroom.send()
        with newsroom.world.services.database.begin(
            newsroom.world.services.site, newsroom.world.now, WORKER
        ) as ctx:
            for row in ctx.session.exec(select(Delivery).where(Delivery.issue_id == issue_id)):
                held = strongest(
                    entitlements_of(ctx, row.reader_id).held,
                    newsroom.world.now,
                )
                assert (row.variant == "subscriber") == (held is not None), (row.address, moment)
                variants += [row.variant] * row.address.startswith("pauses")
    assert variants == ["subscriber"] * 3 + ["reader"]


@pytest.mark.parametrize(
    ("scope", "stops"),
    [
        ("newsletter:first-light", True),
        ("newsletters", True),
        ("all", True),
        ("newsletter:the-long-read", False),
    ],
)
def test_a_suppressed_address_is_left_out_by_scope(newsroom: Newsroom, scope: str, stops: bool) -> None:
    people = newsroom.people(3)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=people[1], times=1)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    newsroom.world.settle()
    services = newsroom.world.services
    with services.database.begin(services.site, newsroom.world.now, WORKER) as ctx:
        for address in people[1:2]:
            suppressions.suppress(
                ctx, address.upper(), scope=scope, reason=SuppressionReason.STAFF, source="test"
            )
    newsroom.world.advance(hours=1)
    assert len(newsroom.arrived_for(people[1])) == (0 if stops else 1)
    newsroom.send()
    assert len(newsroom.arrived_for(people[1])) == (0 if stops else 2)
    assert newsroom.progress(issue_id).skipped == ({"suppressed": 1} if stops else {})


def test_it_starts_at_its_time_and_not_before(newsroom: Newsroom) -> None:
    newsroom.people(3)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id, local(2027, 3, 2, 6))
    newsroom.world.advance_to(local(2027, 3, 2, 5, 59, 59))
    assert newsroom.arrived() == []
    newsroom.world.advance_to(local(2027, 3, 2, 6))
    assert len(newsroom.arrived()) == 3
    assert str(parsed(newsroom.arrived()[0])["Date"]) == "Tue, 02 Mar 2027 06:00:00 +0200"
    assert newsroom.issue(issue_id).finished_at == local(2027, 3, 2, 6)


def test_an_issue_missed_by_hours_waits_for_a_person(newsroom: Newsroom) -> None:
    newsroom.people(3)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id, local(2027, 3, 2, 6))
    newsroom.world.skip_to(local(2027, 3, 2, 9))
    newsroom.world.settle()
    found = newsroom.issue(issue_id)
    assert (found.state, found.scheduled_at) == (IssueState.DRAFT, None)
    assert "Choose a new time" in str(found.held_reason)
    assert newsroom.arrived() == []


def test_editing_ends_when_it_starts(newsroom: Newsroom) -> None:
    newsroom.people(2)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id, local(2027, 3, 2, 6))

    def edit() -> None:
        words = {"subject": "Another subject", "preheader": "x" * 50, "source": "New words."}
        with newsroom.world.services.database.begin(
            newsroom.world.services.site, newsroom.world.now, BY
        ) as ctx:
            issues.save(ctx, issue_id, version=newsroom.issue(issue_id).version, cards={}, **words)

    edit()
    newsroom.world.advance_to(local(2027, 3, 2, 7))
    assert str(parsed(newsroom.arrived()[0])["Subject"]) == "Another subject"
    with pytest.raises(issues.HasStarted):
        edit()
    for statement in (
        "UPDATE issue SET subject = 'x'",
        "UPDATE issue SET recipients = 1",
        "UPDATE issue_body SET html = ''",
        "DELETE FROM delivery",
    ):
        with pytest.raises(Exception, match="append-only"):
            newsroom.world.rows(statement)


def act(newsroom: Newsroom, issue_id: str, what: str) -> None:
    """An editor's act."""
    with newsroom.world.services.database.begin(newsroom.world.services.site, newsroom.world.now, BY) as ctx:
        getattr(issues, what)(ctx, issue_id)


def test_pause_go_on_and_stop(newsroom: Newsroom) -> None:
    people = newsroom.people(6)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=people[4], times=1)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=people[5], times=5)
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 4, "deferred": 2}
    do = partial(act, newsroom, issue_id)
    do("pause")
    newsroom.world.advance(hours=2)
    assert newsroom.counts(issue_id) == {"sent": 4, "deferred": 2}
    do("resume")
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"sent": 5, "deferred": 1}
    do("stop")
    assert newsroom.counts(issue_id) == {"sent": 5, "skipped": 1}
    newsroom.world.advance(days=1)
    assert len(newsroom.arrived()) == 5
    for again in ("pause", "resume", "stop", "unschedule"):
        with pytest.raises(issues.NotNow):
            do(again)


def test_what_is_in_hand_when_an_issue_is_stopped_is_tried_no_more(newsroom: Newsroom) -> None:
    people = newsroom.people(3)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=people[2], times=5)

    def stop(passed: str) -> None:
        if passed == "newsletters.sent":
            act(newsroom, issue_id, "stop")

    stop_points.listen(stop)
    try:
        newsroom.world.settle()
    finally:
        stop_points.listen(None)
    assert newsroom.counts(issue_id) == {"sent": 2, "skipped": 1}
    (row,) = newsroom.world.rows("SELECT reason, tries, settled_at FROM delivery WHERE state = 'skipped'")
    assert row == {"reason": "stopped", "tries": 1, "settled_at": newsroom.world.now}
    newsroom.world.advance(days=1)
    assert len(newsroom.arrived()) == 2


def test_what_a_dead_worker_had_in_hand_of_a_stopped_issue_is_sent_no_more(
    newsroom: Newsroom, crash: Crash
) -> None:
    newsroom.people(3)
    issue_id = newsroom.draft()
    newsroom.schedule(issue_id)
    crash("newsletters.claimed")
    act(newsroom, issue_id, "stop")
    newsroom.world.settle()
    assert newsroom.counts(issue_id) == {"skipped": 3}
    newsroom.world.advance(days=1)
    assert newsroom.arrived() == []


def test_other_mail_goes_before_an_issue(newsroom: Newsroom) -> None:
    newsroom.people(5)
    newsroom.add_reader(THANDI)
    newsroom.schedule(newsroom.draft())
    browser = newsroom.world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=THANDI)
    newsroom.world.settle()
    order = [bool(re.search(rb"\r\nList-Id:", mail.raw)) for mail in newsroom.world.smtp.received]
    assert order == [False] + [True] * 5


def test_nothing_waits_behind_a_long_issue() -> None:
    """Issues are sent separately from everything that readers wait for."""
    long = {job.name for job in JOBS if job.queue is Queue.LONG}
    assert {"start newsletters", "send newsletters"} <= long
    assert long & {"settle events", "bill", "refund", "deliver mail"} == set()
