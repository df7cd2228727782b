"""A retired newsletter takes no sign-ups and no issues, loses nobody on its list, and comes back to them."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.newsletters import issues, links, retire
from billing.platform.context import TransactionContext
from tests.newsletters.test_choosing import THANDI, confirm, lists_of, sign_up
from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.newsroom import BY, Newsroom
from tests.support.signed_in import signed_in
from tests.support.two_connections import fail_instead_of_waiting

SENTENCE = "No longer published, and so not open to sign-ups: First Light."
LOST = "No longer published, so nothing comes. Untick it to leave its list."


def change(newsroom: Newsroom, do: Callable[[TransactionContext, str], object]) -> None:
    """Retire or restore First Light."""
    services = newsroom.world.services
    with services.database.begin(services.site, newsroom.world.now, BY) as ctx:
        do(ctx, "first-light")


def mine(newsroom: Newsroom) -> Browser:
    """A browser on the page that First Light's own link opens."""
    (row,) = newsroom.world.rows("SELECT id FROM signup WHERE newsletter_id = 'first-light'")
    return newsroom.world.browser().again(
        links.preferences_url(newsroom.world.services.site, str(row["id"])).removeprefix(
            newsroom.world.services.site.public_url
        )
    )


def test_a_strangers_page_leaves_it_out_and_an_older_page_says_so(newsroom: Newsroom) -> None:
    on_it = newsroom.people(1)[0]
    known, unknown = (newsroom.world.browser().again("/newsletters") for _ in range(2))
    change(newsroom, retire.retire)
    assert "First Light" not in newsroom.world.browser().get("/newsletters").words
    answers = [
        browser.post("/newsletters", email=address, newsletter=["first-light", "the-long-read"])
        for browser, address in ((known, on_it), (unknown, THANDI))
    ]
    for answer in answers:
        assert answer.status == 422
        assert SENTENCE in answer.words
        assert answer.text.count(" checked") == 1, "the other one is still ticked"
    assert answers[0].words.replace(on_it, THANDI) == answers[1].words, "it doesn't say who is on the list"
    assert newsroom.world.rows("SELECT 1 FROM message") == []
    assert lists_of(newsroom, THANDI) == {}
    assert f'value="{THANDI}"' in answers[1].text
    unknown.post("/newsletters", email=THANDI, newsletter=["the-long-read"])
    assert lists_of(newsroom, THANDI) == {"the-long-read": "pending"}


def test_a_signed_in_reader_is_refused_and_keeps_the_rest(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    newsroom.join(THANDI, "the-long-read")
    reader = signed_in(newsroom.world, THANDI).again("/newsletters")
    change(newsroom, retire.retire)
    page = reader.post("/newsletters", newsletter=["first-light", "the-long-read", "water-and-weather"])
    assert (page.status, SENTENCE in page.words, page.text.count(" checked")) == (422, True, 2)
    assert lists_of(newsroom, THANDI) == {"the-long-read": "confirmed"}
    reader.post("/newsletters", newsletter=["water-and-weather", "the-long-read"])
    assert lists_of(newsroom, THANDI) == {"the-long-read": "confirmed", "water-and-weather": "confirmed"}


def test_at_the_start_of_a_trial_it_is_refused_too(newsroom: Newsroom) -> None:
    reader = newsroom.world.browser()
    reader.start(THANDI)
    change(newsroom, retire.retire)
    page = reader.post("/newsletters/add", newsletter=["first-light", "the-long-read"])
    assert (page.status, SENTENCE in page.words, page.text.count(" checked")) == (422, True, 1)
    page = reader.post("/newsletters", newsletter=["first-light"])
    assert (page.status, SENTENCE in page.words) == (422, True)
    assert lists_of(newsroom, THANDI) == {}
    assert reader.get("/subscribe/started").text.count('name="newsletter"') == 3


def test_by_a_newsletters_own_link_it_is_refused_too(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    newsroom.join(THANDI)
    newsroom.join(THANDI, "the-long-read")
    visitor = mine(newsroom)
    visitor.post("/newsletters/mine", newsletter=["the-long-read"])
    change(newsroom, retire.retire)
    page = visitor.post("/newsletters/mine", newsletter=["first-light", "water-and-weather"])
    assert (page.status, SENTENCE in page.words, page.text.count(" checked")) == (422, True, 1)
    assert lists_of(newsroom, THANDI) == {"first-light": "left", "the-long-read": "confirmed"}


def test_the_mail_that_asked_confirms_the_others_and_says_which_is_left_out(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light", "the-long-read")
    newsroom.world.settle()
    change(newsroom, retire.retire)
    button = newsroom.world.browser().get(newsroom.world.mailed_link(THANDI, "/newsletters/confirm/"))
    assert "Do you want The Long Read at the address" in button.words
    assert "No longer published, and so left out: First Light." in button.words
    done = confirm(newsroom, THANDI).page.words
    assert "The Long Read: the next one comes to you" in done
    assert "No longer published, and so left out: First Light." in done
    assert lists_of(newsroom, THANDI) == {"first-light": "pending", "the-long-read": "confirmed"}
    (line,) = newsroom.world.rows("SELECT newsletter_id, to_state FROM signup_change")
    assert line == {"newsletter_id": "the-long-read", "to_state": "confirmed"}


def test_a_mail_that_asked_for_it_alone_works_once_it_is_back(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    newsroom.world.settle()
    person = newsroom.world.browser()
    link = newsroom.world.mailed_link(THANDI, "/newsletters/confirm/")
    person.get(link)
    change(newsroom, retire.retire)
    refused = person.post("/newsletters/confirm")
    assert (refused.status, SENTENCE in refused.words) == (409, True)
    assert newsroom.world.browser().get(link).status == 409
    assert newsroom.world.rows("SELECT 1 FROM signup_change") == []
    change(newsroom, retire.restore)
    confirm(newsroom, THANDI)
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed"}


def test_who_is_on_its_list_sees_it_and_can_stay_or_leave(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    newsroom.join(THANDI)
    change(newsroom, retire.retire)
    reader = signed_in(newsroom.world, THANDI)
    assert LOST in reader.get("/newsletters").words
    reader.post("/newsletters", newsletter=["first-light", "the-long-read"])
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "confirmed"}
    visitor = mine(newsroom)
    assert LOST in visitor.page.words
    visitor.post("/newsletters/mine", newsletter=["the-long-read"])
    assert lists_of(newsroom, THANDI) == {"first-light": "left", "the-long-read": "confirmed"}
    assert "First Light" not in reader.get("/newsletters").words
    said = "SELECT to_state FROM signup_change WHERE newsletter_id = 'first-light' ORDER BY id"
    assert [row["to_state"] for row in newsroom.world.rows(said)] == ["confirmed", "left"]


def test_one_click_stops_it_and_within_the_hour_takes_that_back(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    newsroom.join(THANDI)
    change(newsroom, retire.retire)
    (row,) = newsroom.world.rows("SELECT id, address FROM signup")
    site = newsroom.world.services.site
    path = links.unsubscribe_url(site, row["id"]).removeprefix(site.public_url)
    person = newsroom.world.browser().again(path)
    person.post(path)
    shown = newsroom.world.browser().get(links.preferences_url(site, row["id"])).words
    assert "You have stopped First Light. For an hour, one press undoes it." in shown
    person.post(f"{path}/back")
    assert "First Light is yours again" in person.page.words
    assert lists_of(newsroom, row["address"]) == {"first-light": "confirmed"}
    person.again(path).post(path)
    newsroom.world.advance(hours=2)
    late = person.again(path).post(path).words
    assert "It is no longer published, so nobody can sign up for it." in late
    assert "Sign up again" not in late


def test_no_issue_of_it_is_written_or_scheduled(newsroom: Newsroom, editor: Browser) -> None:
    draft = newsroom.draft()
    editor.get("/staff/newsletters")
    change(newsroom, retire.retire)
    begun = editor.post("/staff/newsletters", newsletter_id="first-light")
    assert begun.status == 409
    assert "This newsletter is retired, so no issue of it is written or sent." in begun.words
    assert 'value="first-light"' not in editor.get("/staff/newsletters").text
    page = editor.get(f"/staff/newsletters/{draft}")
    assert "Before it can be sent This newsletter is retired" in page.words
    with pytest.raises(issues.NoMoreIssues):
        newsroom.schedule(draft)
    change(newsroom, retire.restore)
    newsroom.schedule(draft)
    assert newsroom.issue(draft).state == "scheduled"


def test_an_issue_under_way_keeps_it_from_being_retired(newsroom: Newsroom) -> None:
    newsroom.people(2)
    draft = newsroom.draft()
    for act in (issues.unschedule, issues.stop):
        newsroom.schedule(draft)
        if act is issues.stop:
            newsroom.world.execute(
                "UPDATE issue SET state = 'paused', started_at = :at, recipients = 0", at=newsroom.world.now
            )
        with pytest.raises(retire.IssueUnderWay, match="is scheduled, being sent or paused"):
            change(newsroom, retire.retire)
        services = newsroom.world.services
        with services.database.begin(services.site, newsroom.world.now, BY) as ctx:
            act(ctx, draft)
    change(newsroom, retire.retire)
    with pytest.raises(retire.RetiredAlready):
        change(newsroom, retire.retire)


def test_what_was_held_is_not_sent_after_it_was_retired(newsroom: Newsroom) -> None:
    newsroom.people(1)
    issue_id = newsroom.send()
    newsroom.world.execute("UPDATE delivery SET state = 'uncertain'")
    change(newsroom, retire.retire)
    services = newsroom.world.services
    with (
        services.database.begin(services.site, newsroom.world.now, BY) as ctx,
        pytest.raises(issues.NoMoreIssues),
    ):
        issues.send_held(ctx, issue_id)
    assert newsroom.counts(issue_id) == {"uncertain": 1}


def test_brought_back_it_goes_to_those_who_stayed(newsroom: Newsroom) -> None:
    stayed, went = newsroom.people(2)
    change(newsroom, retire.retire)
    newsroom.leave(went)
    change(newsroom, retire.restore)
    with pytest.raises(retire.NotRetired):
        change(newsroom, retire.restore)
    assert newsroom.counts(newsroom.send()) == {"sent": 1}
    assert len(newsroom.arrived_for(stayed)) == 1
    assert "First Light" in newsroom.world.browser().get("/newsletters").words


@pytest.mark.parametrize("first", ["retire", "schedule"])
def test_of_retiring_and_scheduling_at_once_the_second_sees_the_first(newsroom: Newsroom, first: str) -> None:
    draft, world = newsroom.draft(), newsroom.world
    database, site, house = (
        world.services.database,
        world.services.site,
        world.services.newsletter_sender.house,
    )
    acts: dict[str, Callable[[TransactionContext], object]] = {
        "retire": lambda ctx: retire.retire(ctx, "first-light"),
        "schedule": lambda ctx: issues.schedule(ctx, draft, world.now, house),
    }
    (second,) = acts.keys() - {first}
    with database.begin(site, world.now, BY) as ctx:
        acts[first](ctx)
        with database.engine.connect() as connection, Session(connection) as other:
            fail_instead_of_waiting(other)
            with pytest.raises(OperationalError, match="lock timeout"):
                acts[second](TransactionContext(other, site, world.now, BY))
    refusal = issues.NoMoreIssues if first == "retire" else retire.IssueUnderWay
    with database.begin(site, world.now, BY) as ctx, pytest.raises(refusal):
        acts[second](ctx)


def test_sign_ups_go_on_while_an_issue_is_scheduled(newsroom: Newsroom) -> None:
    draft, world = newsroom.draft(), newsroom.world
    services = world.services
    newsroom.add_reader(THANDI)
    with services.database.begin(services.site, world.now, BY) as ctx:
        issues.schedule(ctx, draft, world.now, services.newsletter_sender.house)
        newsroom.join(THANDI)
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed"}


def test_a_retired_promotional_one_is_not_asked_about(newsroom: Newsroom) -> None:
    newsroom.world.execute(
        "UPDATE newsletter SET kind = 'promotional' WHERE id IN ('first-light', 'the-long-read')"
    )
    newsroom.people(2)
    newsroom.people(1, "the-long-read")
    change(newsroom, retire.retire)
    assert run_on(newsroom.world, "newsletters", "marketed").output == "reader-0001@readers.example\n"
    done = run_on(newsroom.world, "newsletters", "compare", "-", stdin=b"")
    assert done.output.startswith("Compared: The Long Read.")
    change(newsroom, retire.restore)
    with pytest.raises(Exception, match="opt-out register"):
        newsroom.schedule(newsroom.draft())
