"""One mail follows a confirmation: what comes and when, what to read meanwhile, how to stop it."""

from datetime import timedelta
from typing import Any

import pytest

from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.platform.actors import WORKER
from tests.newsletters.test_choosing import THANDI, confirm, lists_of, sign_up
from tests.support.newsroom import Newsroom

WELCOME = "You are signed up: "


def welcomes(newsroom: Newsroom) -> list[Any]:
    """The welcome mails to THANDI."""
    newsroom.world.settle()
    return [letter for letter in newsroom.world.letters(THANDI) if letter.subject.startswith(WELCOME)]


def test_one_mail_welcomes_for_all_that_was_confirmed(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light", "from-the-newsroom")
    confirm(newsroom, THANDI)
    (letter,) = welcomes(newsroom)
    assert letter.subject == "You are signed up: First Light, From the Newsroom"
    said = " ".join(letter.text.split())
    assert "First Light: Weekdays at six" in said
    assert "Only for subscribers, so nothing comes before you have a subscription: From the Newsroom." in said
    assert newsroom.world.rows("SELECT 1 FROM delivery") == []


@pytest.mark.parametrize(("subscribed", "titles"), [(False, ["Free"]), (True, ["Paid", "Free"])])
def test_it_shows_only_what_is_open_to_this_reader(
    newsroom: Newsroom, *, subscribed: bool, titles: list[str]
) -> None:
    world = newsroom.world
    newsroom.add_reader(THANDI, subscribed=subscribed)
    for hours, (title, access) in enumerate([("Later", "free"), ("Paid", "subscriber"), ("Free", "free")]):
        world.execute(
            "INSERT INTO article (id, title, url, section, access, published_at)"
            " VALUES (:title, :title, :url, 'News', :access, :at)",
            title=title,
            url=f"https://paper.example/{title}",
            access=access,
            at=world.now + timedelta(hours=1 - hours, minutes=-1),
        )
    sign_up(newsroom, THANDI, "first-light")
    confirm(newsroom, THANDI)
    (letter,) = welcomes(newsroom)
    shown = [url.rpartition("/")[2] for url in letter.links if url.startswith("https://paper.example/")]
    assert shown[: len(titles)] == titles
    assert "Later" not in shown
    assert ("Paid" in shown) is subscribed


def test_the_mail_about_several_stops_all_of_these_and_no_other(newsroom: Newsroom) -> None:
    for names in (("the-long-read",), ("first-light", "from-the-newsroom")):
        sign_up(newsroom, THANDI, *names)
        confirm(newsroom, THANDI)
        newsroom.world.advance(days=1)
    letter = welcomes(newsroom)[-1]
    assert letter.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    address = (letter.header("List-Unsubscribe") or "").strip("<>")
    assert address in letter.text
    browser = newsroom.world.browser()
    assert "Stop First Light and From the Newsroom?" in browser.get(address).words
    assert "are stopped" in browser.post(browser.page.path).words
    assert lists_of(newsroom, THANDI)["the-long-read"] == "confirmed"
    assert {lists_of(newsroom, THANDI)[name] for name in ("first-light", "from-the-newsroom")} == {"left"}
    assert browser.http.post(address).status_code == 200, "once more, as a mail program may"
    assert "are yours again" in browser.post(f"{browser.page.path}/back").words
    assert set(lists_of(newsroom, THANDI).values()) == {"confirmed"}


def test_the_mail_about_one_newsletter_stops_it_with_one_click(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    confirm(newsroom, THANDI)
    (letter,) = welcomes(newsroom)
    link = next(url for url in letter.links if "/u/" in url)
    assert letter.header("List-Unsubscribe") == f"<{link}>"
    assert letter.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert newsroom.world.http_client().post(link).status_code == 200
    assert lists_of(newsroom, THANDI) == {"first-light": "left"}


def test_a_newsletter_is_welcomed_once_a_month(newsroom: Newsroom) -> None:
    for days in (0, 2, 31):
        newsroom.world.advance(days=days)
        sign_up(newsroom, THANDI, "first-light")
        confirm(newsroom, THANDI)
        assert len(welcomes(newsroom)) == (2 if days == 31 else 1)
        newsroom.world.execute("UPDATE signup SET state = 'left'")


def test_nothing_goes_to_an_address_that_staff_stopped(newsroom: Newsroom) -> None:
    world = newsroom.world
    sign_up(newsroom, THANDI, "first-light")
    world.settle()
    browser = world.browser()
    browser.get(world.mailed_link(THANDI, "/newsletters/confirm/"))
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        suppressions.suppress(
            ctx, THANDI, scope=suppressions.ALL, reason=SuppressionReason.STAFF, source="test"
        )
    browser.post("/newsletters/confirm")
    assert welcomes(newsroom) == []
