"""An issue goes to each who wants it, once, in the words meant for them; and to nobody else."""

import re
import threading
from datetime import timedelta

import pytest
from sqlmodel import select

import emails
from billing.access.standing import standing
from billing.mail import suppressions
from billing.mail.models import SuppressionReason
from billing.newsletters import issues
from billing.newsletters.models import Delivery, Issue, IssueState
from billing.newsletters.start import freeze
from billing.newsletters.wrap import MARKS
from billing.rules.access import strongest
from billing.timetable import JOBS, Lane
from tests.newsletters.room import Room, join, leave, link, parsed, parts_of
from tests.world import local

THANDI = "thandi@example.com"


def test_each_gets_it_once_in_their_own_words(room: Room) -> None:
    people = room.people(12)
    room.world.reader(THANDI, subscribed=True)
    join(room, THANDI)
    leave(room, people[3])
    issue_id = room.send()

    assert sorted(mail.recipients[0] for mail in room.arrived()) == sorted({*people, THANDI} - {people[3]})
    assert room.counts(issue_id) == {"sent": 12}
    assert room.progress(issue_id).variants == {"reader": 11, "subscriber": 1}
    assert room.issue(issue_id).state is IssueState.SENT
    (hers,) = room.arrived_for(THANDI)
    (theirs,) = room.arrived_for(people[0])
    for part in parts_of(hers):
        assert "Thank you for paying" in part
        assert "with a trial" not in part
        assert "For subscribers" not in part
    for part in parts_of(theirs):
        assert "Thank you for paying" not in part
        assert "with a trial" in part
        assert "For subscribers" in part
    room.world.advance(days=2)
    assert len(room.arrived()) == 12


def test_an_issue_is_put_into_words_once_for_each_variant(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And joined for each recipient, however many batches they come in. Before that it is measured, once for each too."""
    room.people(250)
    room.world.reader(THANDI, subscribed=True)
    join(room, THANDI)
    issue_id = room.draft()
    room.schedule(issue_id)
    written, render_letter = [], emails.render_letter

    def counted(letter: emails.Letter, house: emails.House) -> emails.Rendered:
        written.append(letter)
        return render_letter(letter, house)

    monkeypatch.setattr(emails, "render_letter", counted)
    room.world.settle()
    assert room.counts(issue_id) == {"sent": 251}
    assert len(written) == 4
    assert len([letter for letter in written if letter.unsubscribe_url == MARKS["unsubscribe"]]) == 2


def test_the_links_are_each_recipients_own(room: Room) -> None:
    first, second = room.people(2)
    room.send()
    (one,), (other,) = room.arrived_for(first), room.arrived_for(second)
    assert link(one, "/u/") != link(other, "/u/")
    assert link(one, "/u/") == str(parsed(one)["List-Unsubscribe"]).strip("<>")
    assert f'href="{link(one, "/u/")}"' in parts_of(one)[1]
    room.world.browser().http.post(link(one, "/u/")).raise_for_status()
    mine = room.world.browser()
    assert mine.get(link(other, "/newsletters/mine/")).text.count(" checked") == 1
    room.send()
    assert (len(room.arrived_for(first)), len(room.arrived_for(second))) == (1, 2)


def test_who_leaves_in_the_middle_gets_none_and_the_counts_add_up_at_every_look(room: Room) -> None:
    people = room.people(450)
    leaver = people[220]
    room.world.sink.refuse(450, "4.2.0 later", to=leaver, times=1)
    issue_id = room.draft()
    room.schedule(issue_id)
    looks: list[dict[str, int]] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            looks.append(room.counts(issue_id))

    watcher = threading.Thread(target=look)
    watcher.start()
    room.world.settle()
    leave(room, leaver)
    room.world.advance(hours=1)
    over.set()
    watcher.join()
    assert room.arrived_for(leaver) == []
    assert len({mail.recipients[0] for mail in room.arrived()}) == len(room.arrived()) == 449
    assert room.counts(issue_id) == {"sent": 449, "skipped": 1}
    assert room.progress(issue_id).skipped == {"left": 1}
    assert {sum(look.values()) for look in looks} <= {0, 450}
    assert len({tuple(sorted(look.items())) for look in looks}) >= 2


def test_freezing_twice_adds_nobody(room: Room) -> None:
    room.people(20)
    issue_id = room.draft()
    room.schedule(issue_id, local(2027, 3, 1, 11))
    with room.world.parts.database.transaction() as session:
        issue = session.get_one(Issue, issue_id)
        tokens = room.world.parts.office.tokens
        assert freeze(session, tokens, issue, False, room.world.now) == 20
        assert freeze(session, tokens, issue, False, room.world.now) == 0


def test_one_address_on_two_accounts_gets_one(room: Room) -> None:
    """A stranger's sign-up and a reader's, whose address became the same later."""
    room.world.reader("old@example.com", subscribed=True)
    join(room, "old@example.com")
    room.people(1)
    room.world.run("UPDATE reader SET email = 'Reader-0001@readers.example'")
    issue_id = room.send()
    assert [mail.recipients for mail in room.arrived()] == [("Reader-0001@readers.example",)]
    assert room.progress(issue_id).variants == {"subscriber": 1}


def test_a_changed_address_is_left_out_of_an_issue_that_has_started(room: Room) -> None:
    room.world.reader(THANDI, subscribed=True)
    join(room, THANDI)
    issue_id = room.draft()
    room.schedule(issue_id)
    room.world.sink.refuse(450, "4.2.0 later", to=THANDI, times=1)
    room.world.settle()
    room.world.run("UPDATE reader SET email = 'new@example.com'")
    room.world.advance(hours=1)
    assert room.progress(issue_id).skipped == {"address_changed": 1}
    assert room.arrived() == []


def test_the_newsletter_for_subscribers_reaches_who_subscribes_at_that_moment(room: Room) -> None:
    room.world.reader("stays@example.com", subscribed=True)
    room.world.reader("never@example.com")
    room.world.reader("late@example.com", subscribed=True, days=1 / 48)
    for name in ("stays", "never", "late"):
        join(room, f"{name}@example.com", "from-the-newsroom")
    room.people(3, "from-the-newsroom")
    issue_id = room.draft(newsletter="from-the-newsroom")
    room.schedule(issue_id)
    room.world.sink.refuse(450, "4.2.0 later", to="late@example.com", times=4)
    room.world.settle()
    assert room.counts(issue_id) == {"sent": 1, "deferred": 1}
    room.world.advance(hours=2)
    assert [mail.recipients[0] for mail in room.arrived()] == ["stays@example.com"]
    assert room.counts(issue_id) == {"sent": 1, "skipped": 1}
    assert room.progress(issue_id).skipped == {"not_subscribed": 1}


def test_the_audience_is_who_may_read(whole: Room) -> None:
    """What SQL says of all at once is what access says of each."""
    room = whole
    cards = iter(range(100))
    moments = [timedelta(), timedelta(days=3), timedelta(days=20), timedelta(days=50)]
    for how in ("goes-on", "cancels", "ends", "declines", "pauses"):
        card = f"pm_card_{'chargeCustomerFail' if how == 'declines' else 'visa'}__{next(cards)}"
        started = room.world.start_trial(f"{how}@example.com", card)
        path = f"/v1/subscriptions/{started['subscription']['id']}/cancel"
        if how in ("cancels", "ends"):
            when = "now" if how == "ends" else "period_end"
            room.world.api.post(path, json={"when": when}).raise_for_status()
        join(room, f"{how}@example.com")
    begin = room.world.now
    variants = []
    for moment in moments:
        room.world.advance_to(begin + moment)
        if moment == moments[2]:
            browser = room.world.browser()
            browser.sign_in("pauses@example.com")
            browser.get("/account/pause")
            assert "then paused" in browser.post("/account/pause", months="2").words
        issue_id = room.send()
        with room.world.parts.database.transaction() as session:
            for row in session.exec(select(Delivery).where(Delivery.issue_id == issue_id)):
                held = strongest(
                    standing(session, room.world.parts.office, row.reader_id, room.world.now).held,
                    room.world.now,
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
def test_a_suppressed_address_is_left_out_by_scope(room: Room, scope: str, stops: bool) -> None:
    people = room.people(3)
    room.world.sink.refuse(450, "4.2.0 later", to=people[1], times=1)
    issue_id = room.draft()
    room.schedule(issue_id)
    room.world.settle()
    with room.world.parts.database.transaction() as session:
        for address in people[1:2]:
            suppressions.suppress(
                session,
                room.world.parts.office.tokens,
                address.upper(),
                scope=scope,
                reason=SuppressionReason.STAFF,
                source="test",
                at=room.world.now,
            )
    room.world.advance(hours=1)
    assert len(room.arrived_for(people[1])) == (0 if stops else 1)
    room.send()
    assert len(room.arrived_for(people[1])) == (0 if stops else 2)
    assert room.progress(issue_id).skipped == ({"suppressed": 1} if stops else {})


def test_it_starts_at_its_time_and_not_before(room: Room) -> None:
    room.people(3)
    issue_id = room.draft()
    room.schedule(issue_id, local(2027, 3, 2, 6))
    room.world.advance_to(local(2027, 3, 2, 5, 59, 59))
    assert room.arrived() == []
    room.world.advance_to(local(2027, 3, 2, 6))
    assert len(room.arrived()) == 3
    assert str(parsed(room.arrived()[0])["Date"]) == "Tue, 02 Mar 2027 06:00:00 +0200"
    assert room.issue(issue_id).finished_at == local(2027, 3, 2, 6)


def test_an_issue_missed_by_hours_waits_for_a_person(room: Room) -> None:
    room.people(3)
    issue_id = room.draft()
    room.schedule(issue_id, local(2027, 3, 2, 6))
    room.world.skip_to(local(2027, 3, 2, 9))
    room.world.settle()
    found = room.issue(issue_id)
    assert (found.state, found.scheduled_at) == (IssueState.DRAFT, None)
    assert "Choose a new time" in str(found.held_why)
    assert room.arrived() == []


def test_editing_ends_when_it_starts(room: Room) -> None:
    room.people(2)
    issue_id = room.draft()
    room.schedule(issue_id, local(2027, 3, 2, 6))
    edit = {
        "subject": "Another subject",
        "preheader": "x" * 50,
        "source": "New words.",
        "cards": {},
        "by": "x",
    }
    with room.world.parts.database.transaction() as session:
        issues.save(session, issue_id, version=room.issue(issue_id).version, at=room.world.now, **edit)  # type: ignore[arg-type]
    room.world.advance_to(local(2027, 3, 2, 7))
    assert str(parsed(room.arrived()[0])["Subject"]) == "Another subject"
    with pytest.raises(issues.HasStarted), room.world.parts.database.transaction() as session:
        issues.save(session, issue_id, version=room.issue(issue_id).version, at=room.world.now, **edit)  # type: ignore[arg-type]
    for statement in (
        "UPDATE issue SET subject = 'x'",
        "UPDATE issue SET recipients = 1",
        "UPDATE issue_body SET html = ''",
        "DELETE FROM delivery",
    ):
        with pytest.raises(Exception, match="append-only"):
            room.world.rows(statement)


def test_pause_go_on_and_stop(room: Room) -> None:
    people = room.people(6)
    issue_id = room.draft()
    room.schedule(issue_id)
    room.world.sink.refuse(450, "4.2.0 later", to=people[4], times=1)
    room.world.sink.refuse(450, "4.2.0 later", to=people[5], times=5)
    room.world.settle()
    assert room.counts(issue_id) == {"sent": 4, "deferred": 2}

    def do(what: str) -> None:
        with room.world.parts.database.transaction() as session:
            getattr(issues, what)(session, issue_id, "staff:x", room.world.now)

    do("pause")
    room.world.advance(hours=2)
    assert room.counts(issue_id) == {"sent": 4, "deferred": 2}
    do("resume")
    room.world.settle()
    assert room.counts(issue_id) == {"sent": 5, "deferred": 1}
    do("stop")
    assert room.counts(issue_id) == {"sent": 5, "skipped": 1}
    room.world.advance(days=1)
    assert len(room.arrived()) == 5
    for again in ("pause", "resume", "stop", "unschedule"):
        with pytest.raises(issues.NotNow):
            do(again)


def test_other_mail_goes_before_an_issue(room: Room) -> None:
    room.people(5)
    room.world.reader(THANDI)
    room.schedule(room.draft())
    browser = room.world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=THANDI)
    room.world.settle()
    order = [bool(re.search(rb"\r\nList-Id:", mail.raw)) for mail in room.world.sink.received]
    assert order == [False] + [True] * 5


def test_nothing_waits_behind_a_long_issue() -> None:
    """Issues are sent apart from all that readers wait for."""
    long = {job.name for job in JOBS if job.lane is Lane.LONG}
    assert {"start newsletters", "send newsletters"} <= long
    assert long & {"settle events", "bill", "refund", "deliver mail"} == set()
