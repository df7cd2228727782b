"""Readers and strangers choose newsletters; every choice leaves evidence, and scanners decide nothing (C5, C6, C7, H4 to H7)."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from billing.newsletters import links
from billing.newsletters.signups import words
from billing.platform.actors import WORKER
from billing.readers import rate
from tests.support.browser import Browser
from tests.support.newsroom import Newsroom
from tests.support.signed_in import signed_in
from tests.support.table_contents import changed, contents

THANDI = "thandi@example.com"
TRANSIENT = ("rate_count",)


def lists_of(newsroom: Newsroom, address: str) -> dict[str, str]:
    """The newsletters that an address ever chose, with their states."""
    rows = newsroom.world.rows(
        "SELECT newsletter_id, state FROM signup WHERE address_key = :key ORDER BY newsletter_id", key=address
    )
    return {row["newsletter_id"]: row["state"] for row in rows}


def sign_up(newsroom: Newsroom, address: str, *names: str) -> Browser:
    """A stranger's browser, after ticking boxes."""
    browser: Browser = newsroom.world.browser()
    browser.get("/newsletters")
    browser.post("/newsletters", email=address, newsletter=list(names))
    return browser


def confirm(newsroom: Newsroom, address: str) -> Browser:
    """Press the button behind the newest mail."""
    newsroom.world.settle()
    browser: Browser = newsroom.world.browser()
    browser.get(newsroom.world.mailed_link(address, "/newsletters/confirm/"))
    browser.post("/newsletters/confirm")
    return browser


def on_list(newsroom: Newsroom, name: str = "first-light") -> str:
    """An unsubscribe link of a confirmed sample address, as a path."""
    newsroom.people(1, name)
    (row,) = newsroom.world.rows("SELECT id FROM signup WHERE newsletter_id = :name LIMIT 1", name=name)
    site = newsroom.world.services.site
    return links.unsubscribe_url(site, row["id"]).removeprefix(site.public_url)


def test_a_stranger_is_asked_by_mail_and_a_look_changes_nothing(newsroom: Newsroom) -> None:
    browser = sign_up(newsroom, THANDI, "first-light", "the-long-read")
    assert browser.page.path == "/newsletters/asked"
    assert lists_of(newsroom, THANDI) == {"first-light": "pending", "the-long-read": "pending"}
    assert newsroom.world.rows("SELECT 1 FROM signup_change") == []
    newsroom.world.settle()
    (letter,) = newsroom.world.letters(THANDI)
    assert letter.subject == "Please confirm: First Light and The Long Read"
    assert [url for url in letter.links if newsroom.world.url in url and "confirm" in url] == letter.links[:1]

    before = contents(newsroom.world)
    scanner = newsroom.world.browser()
    for _ in range(31):  # more than a network may ask for in a day
        assert scanner.get(letter.links[0]).status == 200
        scanner.http.head(letter.links[0])
    assert changed(before, contents(newsroom.world)) == []

    done = confirm(newsroom, THANDI)
    assert "the next one comes to you" in done.page.words
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "confirmed"}
    line, _ = newsroom.world.rows("SELECT * FROM signup_change ORDER BY words")
    assert line["words"] == words("First Light")
    assert line["text_version"]
    assert line["source"] == "confirmation mail"
    assert (line["ip"], line["device"]) == ("127.0.0.1", "Test/1")
    sent = newsroom.world.rows("SELECT key FROM message WHERE kind = 'confirm_signup'")
    assert [row["key"] for row in sent] == [line["message_key"]]


def test_the_button_works_once_and_then_says_so(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    confirm(newsroom, THANDI)
    again = newsroom.world.browser()
    assert again.get(newsroom.world.mailed_link(THANDI, "/newsletters/confirm/")).status == 410
    assert "all is done" in again.page.words


def test_every_address_gets_the_same_answer(newsroom: Newsroom) -> None:
    newsroom.add_reader("known@example.com")
    confirmed = newsroom.people(1)[0]
    answers = {
        address: sign_up(newsroom, address, "first-light").page
        for address in ("known@example.com", "new@example.com", confirmed)
    }
    assert len({(page.path, page.status, page.words) for page in answers.values()}) == 1
    newsroom.world.settle()
    assert newsroom.world.letters(confirmed) == []  # is on the list: there is nothing to ask
    assert len(newsroom.world.letters("new@example.com")) == 1


def test_an_address_is_asked_once_an_hour_and_three_times_a_day(newsroom: Newsroom) -> None:
    for hour in range(6):
        for _ in range(2):
            assert sign_up(newsroom, THANDI, "first-light").page.path == "/newsletters/asked"
        newsroom.world.advance(minutes=75)
        assert len(newsroom.world.letters(THANDI)) == min(hour + 1, 3)
    newsroom.world.skip_to(newsroom.world.now + timedelta(days=1, hours=4))
    sign_up(newsroom, THANDI, "first-light")
    newsroom.world.settle()
    assert len(newsroom.world.letters(THANDI)) == 4


def test_what_is_ticked_within_the_hour_is_confirmed_by_the_same_mail(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    newsroom.world.advance(minutes=20)
    page = sign_up(newsroom, THANDI, "the-long-read", "first-light").page
    assert "its button covers all that you have ticked" in page.words
    newsroom.world.settle()
    assert len(newsroom.world.letters(THANDI)) == 1
    button = newsroom.world.browser().get(newsroom.world.mailed_link(THANDI, "/newsletters/confirm/"))
    assert "First Light, The Long Read" in button.words
    confirm(newsroom, THANDI)
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "confirmed"}


def test_a_question_that_needed_no_mail_does_not_use_up_the_hour(newsroom: Newsroom) -> None:
    (address,) = newsroom.people(1)
    sign_up(newsroom, address, "first-light")
    sign_up(newsroom, address, "the-long-read")
    newsroom.world.settle()
    (letter,) = newsroom.world.letters(address)
    assert letter.subject == "Please confirm: The Long Read"


def test_a_newsletter_for_subscribers_promises_strangers_nothing(newsroom: Newsroom) -> None:
    newsroom.world.execute("UPDATE newsletter SET audience = 'subscribers' WHERE id = 'the-long-read'")
    sign_up(newsroom, THANDI, "the-long-read")
    done = confirm(newsroom, THANDI).page.words
    assert "The Long Read is for subscribers: nothing comes before you have a subscription." in done
    assert "the next one comes to you" not in done


def test_one_network_address_cannot_flood_many(newsroom: Newsroom) -> None:
    answers = [
        sign_up(newsroom, f"victim-{number}@example.com", "first-light").page.status for number in range(12)
    ]
    assert answers == [200] * 10 + [429] * 2
    newsroom.world.settle()
    assert len({letter.recipient for letter in newsroom.world.letters()}) == 10


def test_a_network_has_its_limit_a_day(newsroom: Newsroom) -> None:
    """All tries but one are in the limiter's table already. The last is allowed, and none after it (C5)."""
    world, per = newsroom.world, timedelta(days=1)
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        rate.count_network(ctx, "signup-from-day", "127.0.0.1", limit=1, per=per)
        ctx.session.execute(sa.text("UPDATE rate_count SET tries = 29"))
    statuses = [
        sign_up(newsroom, f"{n}@example.com", "first-light").page.status for n in ("one", "two", "three")
    ]
    assert statuses == [200, 429, 429]
    world.settle()
    assert [letter.recipient for letter in world.letters()] == ["one@example.com"]
    assert lists_of(newsroom, "two@example.com") == {}
    world.advance(seconds=per.total_seconds() * 1.2)
    assert sign_up(newsroom, "four@example.com", "first-light").page.status == 200


def test_a_trap_catches_what_is_no_person(newsroom: Newsroom) -> None:
    robot = newsroom.world.browser()
    robot.get("/newsletters")
    assert 'name="website"' in robot.page.text
    robot.post("/newsletters", email=THANDI, newsletter=["first-light"], website="https://spam.example")
    assert robot.page.path == "/newsletters/asked"
    assert lists_of(newsroom, THANDI) == {}
    assert newsroom.world.rows("SELECT 1 FROM message") == []


@pytest.mark.parametrize(
    ("email", "says"), [("thandi@", "email address"), ("a\r\nBcc: b@example.com", "email address")]
)
def test_a_bad_address_is_told(newsroom: Newsroom, email: str, says: str) -> None:
    page = sign_up(newsroom, email, "first-light").page
    assert page.status == 422
    assert page.text.count(" checked") == 1  # what was ticked stays
    assert says in page.words
    assert "Tick at least one" in sign_up(newsroom, THANDI).page.words
    assert sign_up(newsroom, THANDI, "no-such-list").page.path == "/newsletters/asked"
    assert newsroom.world.rows("SELECT 1 FROM signup") == []


@pytest.mark.rare
def test_who_never_confirms_is_forgotten_after_a_week(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    newsroom.world.advance(days=6, hours=23)
    assert lists_of(newsroom, THANDI) == {"first-light": "pending"}
    newsroom.world.advance(hours=2)
    assert lists_of(newsroom, THANDI) == {}
    for table in ("message", "signup_change"):
        assert newsroom.world.rows(f"SELECT 1 FROM {table}") == []
    late = newsroom.world.browser()
    assert late.get(newsroom.world.mailed_link(THANDI, "/newsletters/confirm/")).status == 410


def test_a_signed_in_reader_chooses_at_once(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    reader = signed_in(newsroom.world, THANDI)
    reader.get("/newsletters")
    assert " checked" not in reader.page.text
    reader.post("/newsletters", newsletter=["first-light", "from-the-newsroom"])
    assert "Your choice is saved" in reader.page.text
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "from-the-newsroom": "confirmed"}
    reader.get("/newsletters")
    assert reader.page.text.count(" checked") == 2
    reader.post("/newsletters", newsletter=["the-long-read"])
    assert lists_of(newsroom, THANDI) == {
        "first-light": "left",
        "from-the-newsroom": "left",
        "the-long-read": "confirmed",
    }
    rows = newsroom.world.rows(
        "SELECT newsletter_id, to_state, source, words <> '' AS said FROM signup_change ORDER BY id"
    )
    assert [(row["newsletter_id"], row["to_state"], row["source"], row["said"]) for row in rows] == [
        ("first-light", "confirmed", "page", True),
        ("from-the-newsroom", "confirmed", "page", True),
        ("first-light", "left", "page", False),
        ("from-the-newsroom", "left", "page", False),
        ("the-long-read", "confirmed", "page", True),
    ]


def test_at_the_start_of_a_trial_no_box_is_ticked_and_an_unproved_address_is_asked(
    newsroom: Newsroom,
) -> None:
    reader = newsroom.world.browser()
    reader.start(THANDI)
    assert reader.page.path == "/subscribe/started"
    assert reader.page.text.count('name="newsletter"') == 4
    assert " checked" not in reader.page.text
    reader.post("/newsletters/add", newsletter=["water-and-weather"])
    assert "One more step" in reader.page.text
    assert lists_of(newsroom, THANDI) == {"water-and-weather": "pending"}
    confirm(newsroom, THANDI)
    assert lists_of(newsroom, THANDI) == {"water-and-weather": "confirmed"}
    (row,) = newsroom.world.rows("SELECT reader_id, source FROM signup")
    assert row["reader_id"]
    assert row["source"] == "started"


def test_who_starts_a_trial_with_a_strangers_address_neither_sees_nor_stops_what_the_stranger_chose(
    newsroom: Newsroom,
) -> None:
    sign_up(newsroom, THANDI, "first-light")
    confirm(newsroom, THANDI)
    newsroom.world.advance(minutes=75)  # an address is asked once an hour
    impostor = newsroom.world.browser()
    impostor.start(THANDI)
    assert impostor.page.text.count('name="newsletter"') == 4
    impostor.get("/newsletters")
    assert " checked" not in impostor.page.text
    assert "We don’t know yet" in impostor.page.words
    impostor.post("/newsletters")
    assert impostor.page.status == 422
    impostor.post("/newsletters", newsletter=["the-long-read"])
    assert "One more step" in impostor.page.text
    assert "Waiting for the answer" not in impostor.page.words
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "pending"}

    impostor.get("/newsletters")
    assert 'href="/sign-in"' in impostor.page.text
    impostor.sign_in(THANDI)
    impostor.get("/newsletters")
    assert impostor.page.text.count(" checked") == 1
    impostor.post("/newsletters")
    assert lists_of(newsroom, THANDI)["first-light"] == "left"


def test_one_click_stops_one_newsletter_with_no_cookie_and_no_form_of_ours(newsroom: Newsroom) -> None:
    address = newsroom.people(1, "the-long-read")[0]
    path = on_list(newsroom)
    program = newsroom.world.http_client()
    foreign = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
    answer = program.post(path, data={"List-Unsubscribe": "One-Click"}, headers=foreign)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert answer.history == []
    assert lists_of(newsroom, address) == {"first-light": "left", "the-long-read": "confirmed"}
    again = program.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert (again.status_code, "set-cookie" in again.headers) == (200, False)
    assert program.post(path, content=b"").status_code == 200
    lines = newsroom.world.rows("SELECT to_state, source FROM signup_change")
    assert [(line["to_state"], line["source"]) for line in lines] == [("left", "one click")]


def test_a_hundred_scanners_unsubscribe_nobody(newsroom: Newsroom) -> None:
    path = on_list(newsroom)
    before = contents(newsroom.world)
    scanner = newsroom.world.http_client()
    for _ in range(50):
        page, head = scanner.get(path), scanner.head(path)
        assert (page.status_code, head.status_code, head.content) == (200, 200, b"")
        assert "set-cookie" not in page.headers
    assert "<form" in page.text
    assert "First Light" in page.text
    assert changed(before, contents(newsroom.world)) == []


def test_a_person_presses_the_button_years_later(newsroom: Newsroom) -> None:
    path = on_list(newsroom)
    newsroom.world.skip_to(newsroom.world.now + timedelta(days=800))
    person = newsroom.world.browser()
    person.get(path)
    person.post(path)
    assert "First Light is stopped" in person.page.words


@pytest.mark.parametrize("harm", ["x", "", "~"])
def test_a_forged_link_does_nothing(newsroom: Newsroom, harm: str) -> None:
    path = on_list(newsroom)
    wrong = path[:-1] + (harm or ("A" if path[-1] != "A" else "B"))
    stranger = newsroom.world.http_client()
    assert stranger.post(wrong).status_code == 404
    assert stranger.get(wrong).status_code == 404
    assert set(lists_of(newsroom, "reader-0001@readers.example").values()) == {"confirmed"}


def test_the_preference_page_opens_without_signing_in_and_shows_lists_alone(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    reader = signed_in(newsroom.world, THANDI)
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light", "the-long-read"])
    (row,) = newsroom.world.rows("SELECT id FROM signup WHERE newsletter_id = 'first-light'")
    site = newsroom.world.services.site
    visitor = newsroom.world.browser()
    page = visitor.get(links.preferences_url(site, row["id"]))
    assert page.path == "/newsletters/mine"
    assert page.text.count(" checked") == 2
    assert THANDI not in page.text
    assert "Visa" not in page.text
    visitor.post("/newsletters/mine", newsletter=["first-light", "water-and-weather"])
    assert lists_of(newsroom, THANDI) == {
        "first-light": "confirmed",
        "the-long-read": "left",
        "water-and-weather": "confirmed",
    }
    visitor.post("/newsletters/mine", stop_all="yes")
    assert set(lists_of(newsroom, THANDI).values()) == {"left"}
    assert "no more newsletters" in visitor.page.text
    assert visitor.get("/newsletters/mine/sgn_x.forged").status == 404


def test_who_registered_later_stops_all_from_an_older_newsletter(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    confirm(newsroom, THANDI)
    (row,) = newsroom.world.rows("SELECT id FROM signup")
    reader = newsroom.world.browser()
    reader.sign_in(THANDI)
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light", "the-long-read"])
    visitor = newsroom.world.browser()
    page = visitor.get(links.preferences_url(newsroom.world.services.site, row["id"]))
    assert page.text.count(" checked") == 2
    visitor.post("/newsletters/mine", stop_all="yes")
    assert "no more newsletters" in visitor.page.text
    assert lists_of(newsroom, THANDI) == {"first-light": "left", "the-long-read": "left"}


def test_evidence_is_never_rewritten(newsroom: Newsroom) -> None:
    sign_up(newsroom, THANDI, "first-light")
    confirm(newsroom, THANDI)
    for statement in ("UPDATE signup_change SET words = ''", "DELETE FROM signup_change"):
        with pytest.raises(Exception, match="append-only"):
            newsroom.world.rows(statement)
