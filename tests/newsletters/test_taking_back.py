"""A stop by a newsletter's link is taken back with one press within the hour, without a mail (C5, C6)."""

from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters import links
from billing.platform.actors import WORKER
from tests.newsletters.test_choosing import THANDI, confirm, lists_of, sign_up
from tests.support.browser import Browser
from tests.support.newsroom import Newsroom


def confirmed(newsroom: Newsroom, *names: str) -> None:
    """THANDI asked for these and confirmed."""
    sign_up(newsroom, THANDI, *names)
    confirm(newsroom, THANDI)


def signup_of(newsroom: Newsroom, name: str = "first-light") -> str:
    """The id of THANDI's signup."""
    (row,) = newsroom.world.rows("SELECT id FROM signup WHERE newsletter_id = :name", name=name)
    return str(row["id"])


def stopped(newsroom: Newsroom) -> tuple[Browser, str]:
    """A browser that has pressed First Light's unsubscribe button, and the link's path."""
    site = newsroom.world.services.site
    path = links.unsubscribe_url(site, signup_of(newsroom)).removeprefix(site.public_url)
    person = newsroom.world.browser()
    person.get(path)
    person.post(path)
    return person, path


def complain(newsroom: Newsroom) -> None:
    """THANDI's mail provider reports a mail as unwanted."""
    world = newsroom.world
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        suppressions.suppress(
            ctx, THANDI, scope=suppressions.NEWSLETTERS, reason=SuppressionReason.COMPLAINT, source="test"
        )


def history(newsroom: Newsroom) -> list[tuple[str, str, bool]]:
    """State, source, and whether the consent's words are kept, of each line of evidence."""
    rows = newsroom.world.rows("SELECT to_state, source, words <> '' AS said FROM signup_change ORDER BY id")
    return [(row["to_state"], row["source"], row["said"]) for row in rows]


def test_one_press_takes_a_stop_back_and_the_history_says_so(newsroom: Newsroom) -> None:
    confirmed(newsroom, "first-light", "the-long-read")
    person, path = stopped(newsroom)
    assert "First Light is stopped" in person.page.words
    assert "Take it back" in person.page.words
    person.post(f"{path}/back")
    assert (person.page.status, person.page.path) == (200, f"{path}/back")
    assert "First Light is yours again" in person.page.words
    assert newsroom.world.http_client().post(f"{path}/back").status_code == 303, (
        "a second press changes nothing"
    )
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "confirmed"}
    assert history(newsroom)[2:] == [("left", "one click", False), ("confirmed", "taken back", True)]
    newsroom.world.settle()
    asked = [letter for letter in newsroom.world.letters(THANDI) if "Please confirm" in letter.subject]
    assert len(asked) == 1, "no mail asks again"


def test_a_look_takes_nothing_back(newsroom: Newsroom) -> None:
    confirmed(newsroom, "first-light")
    person, path = stopped(newsroom)
    assert "First Light is stopped" in person.get(f"{path}/back").words
    assert newsroom.world.http_client().head(f"{path}/back").status_code == 200
    assert newsroom.world.http_client().post(f"{path}x/back").status_code == 404
    assert lists_of(newsroom, THANDI) == {"first-light": "left"}


def test_after_an_hour_it_takes_a_new_sign_up(newsroom: Newsroom) -> None:
    confirmed(newsroom, "first-light")
    person, path = stopped(newsroom)
    newsroom.world.advance(hours=1)
    person.post(f"{path}/back")
    assert "Take it back" not in person.page.words
    assert "Sign up again" in person.page.words
    assert lists_of(newsroom, THANDI) == {"first-light": "left"}


def test_what_was_never_confirmed_is_not_taken_back(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    person, path = stopped(newsroom)
    assert "Take it back" not in person.page.words
    newsroom.world.http_client().post(f"{path}/back")
    assert lists_of(newsroom, THANDI) == {"first-light": "left"}


def test_after_a_complaint_the_page_says_why_it_is_not_taken_back(newsroom: Newsroom) -> None:
    confirmed(newsroom, "first-light")
    person, path = stopped(newsroom)
    complain(newsroom)
    person.post(f"{path}/back")
    assert "because a mail of ours to this address was reported as unwanted" in person.page.words
    assert "Take it back" not in person.page.words
    assert lists_of(newsroom, THANDI) == {"first-light": "left"}


def test_all_that_one_button_stopped_come_back_and_nothing_else(newsroom: Newsroom) -> None:
    confirmed(newsroom, "first-light", "the-long-read", "water-and-weather")
    stopped(newsroom)
    newsroom.world.advance(minutes=10)
    visitor = newsroom.world.browser()
    visitor.get(links.preferences_url(newsroom.world.services.site, signup_of(newsroom)))
    visitor.post("/newsletters/mine", stop_all="yes")
    assert "You have stopped Water & Weather, The Long Read" in visitor.page.words
    twice = visitor.filled("/newsletters/mine/back")
    visitor.post("/newsletters/mine/back")
    assert "on the same lists as before" in visitor.page.text
    visitor.http.send(twice)  # which doesn't undo the earlier stop of First Light
    assert lists_of(newsroom, THANDI) == {
        "first-light": "left",
        "the-long-read": "confirmed",
        "water-and-weather": "confirmed",
    }
    assert history(newsroom)[-1] == ("confirmed", "taken back", True)
    visitor.post("/newsletters/mine", stop_all="yes")
    late = visitor.filled("/newsletters/mine/back")
    complain(newsroom)
    assert "can’t be taken back here" in visitor.get("/newsletters/mine").words
    visitor.http.send(late)
    assert set(lists_of(newsroom, THANDI).values()) == {"left"}
