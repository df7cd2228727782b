"""The editor's pages in a real browser: the preview follows what is typed, articles go in where the cursor is, and nothing is grave."""

import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from billing import seed
from billing.app import create_app
from tests.support.a11y import accessibility_barriers
from tests.support.databases import Databases
from tests.support.newsletter_env import Floor
from tests.support.newsroom import PREHEADER, SUBJECT, Newsroom, join, leave, parts_of
from tests.support.shared_chromium import Chromium
from tests.support.staff_members import add, sign_in
from tests.support.world import local

EDITOR = "editor@paper.example"
PAYER = "thandi@example.com"
WORDS = """Good morning.

::: subscribers
Thank you for paying.
:::
::: non-subscribers
Try it for two weeks.
:::

"""
PHONE: ViewportSize = {"width": 360, "height": 640}
DESK: ViewportSize = {"width": 1280, "height": 900}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def open_room(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom whose pages can be reached over the network."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        databases.fresh() as database,
        Floor(database, tmp_path_factory.mktemp("room"), public_url=url) as floor,
    ):
        newsroom = Newsroom(floor)
        with floor.parts.database.transaction() as session:
            seed.articles(session, floor.parts.office, floor.now)
        server = uvicorn.Server(uvicorn.Config(create_app(floor.parts), log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield newsroom
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="module")
def desk(chromium: Chromium, open_room: Newsroom) -> Iterator[BrowserContext]:
    """Chromium, with the session of an editor who signed in with link and code."""
    add(open_room.world, "editor", EDITOR)
    with chromium.context(viewport=DESK) as context:
        enter(context, open_room)
        yield context


def enter(context: BrowserContext, open_room: Newsroom) -> None:
    """Sign in with link and code, and carry the session into Chromium."""
    cookies = sign_in(open_room.world, EDITOR).http.cookies.jar
    context.add_cookies(
        [{"name": str(each.name), "value": str(each.value), "url": open_room.world.url} for each in cookies]
    )


def begin(open_room: Newsroom, page: Page) -> str:
    """On the page of a new issue; where that is."""
    page.goto(f"{open_room.world.url}/staff/newsletters")
    page.select_option("#newsletter_id", "first-light")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url(re.compile(r"/staff/newsletters/iss_"))
    return page.url


def test_an_editor_writes_looks_and_schedules_and_a_thousand_get_it_once(
    open_room: Newsroom, desk: BrowserContext
) -> None:
    people = open_room.people(1000)
    open_room.world.reader(PAYER, subscribed=True)
    join(open_room, PAYER)
    gone, leaver, late = people[2], people[6], people[7]
    leave(open_room, gone)
    page = desk.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    home = begin(open_room, page)
    frame = page.frame_locator("iframe[name=preview]")

    page.fill("#subject", SUBJECT)
    page.fill("#preheader", PREHEADER)
    page.fill("#source", "Good morning, **Kransrivier**.\n\nAnd good night.")
    expect(frame.locator("h1")).to_have_text(SUBJECT)
    expect(frame.locator("strong")).to_have_text("Kransrivier")
    page.evaluate("document.getElementById('source').setSelectionRange(30, 30)")
    for title in ("The water nobody counted", "The bridge that waited", "Counting vultures"):
        page.get_by_role("button", name=re.compile(f"Put in {title}")).click()
    cards = ["the-water-nobody-counted", "the-bridge-that-waited", "counting-vultures"]
    expect(page.locator("#source")).to_have_value(
        "Good morning, **Kransrivier**.\n\n"
        + "".join(f"[[article:{card}]]\n\n" for card in cards)
        + "And good night."
    )
    expect(frame.locator("a.headline")).to_have_count(3)
    assert open_room.world.rows("SELECT source FROM issue")[0]["source"] == ""  # nothing was kept by looking

    page.get_by_label("Phone").check()
    expect(page.locator("iframe[name=preview]")).to_have_css("width", "375px")
    page.get_by_label("Text", exact=True).first.check()
    expect(frame.locator("pre")).to_contain_text("And good night.")
    page.get_by_label("Desktop").check()
    expect(frame.locator("h1")).to_have_text(SUBJECT)
    expect(frame.locator("body")).to_contain_text("kB of 90.0 kB")
    page.fill("#source", "::: friends")
    expect(frame.locator("body")).to_contain_text("not for friends")
    page.fill("#source", WORDS + "".join(f"[[article:{card}]]\n\n" for card in cards))
    expect(frame.locator("body")).not_to_contain_text("not for friends")
    page.fill("#when", "2027-03-02T06:00")
    page.get_by_role("button", name="Save and schedule for 1000").click()
    expect(page.get_by_role("heading", name="It starts on Tuesday 2 March 2027 at 06:00")).to_be_visible()
    assert troubles == []

    for address in (leaver, late):
        open_room.world.smtp.refuse(450, "4.2.0 later", to=address, times=1)
    open_room.world.advance_to(local(2027, 3, 2, 6))
    enter(desk, open_room)  # half an hour idle signs staff out
    page.goto(home)
    expect(page.locator("#progress")).to_contain_text("998 of 1000 are done with")
    leave(open_room, leaver)
    open_room.world.advance(minutes=5)
    expect(page.locator("#progress")).to_contain_text("1000 of 1000 are done with")  # it looks by itself
    assert sorted(mail.recipients[0] for mail in open_room.arrived()) == sorted(
        {*people, PAYER} - {gone, leaver}
    )
    for address, own, others in ((PAYER, "Thank you for paying", "Try it"), (late, "Try it", "Thank you")):
        (mail,) = open_room.arrived_for(address)
        assert own in parts_of(mail)[0]
        assert others not in parts_of(mail)[0]
    page.close()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_pages_are_accessible_and_fit(open_room: Newsroom, desk: BrowserContext, size: Any) -> None:
    page = desk.new_page()
    page.set_viewport_size(size)
    found = {}
    places = ["/staff/newsletters", "/newsletters", "/newsletters/asked"]
    issue = open_room.world.rows("SELECT id FROM issue ORDER BY id LIMIT 1")
    places += [f"/staff/newsletters/{row['id']}" for row in issue]
    for place in places:
        page.goto(open_room.world.url + place)
        found[place] = accessibility_barriers(page)
    begin(open_room, page)
    found["compose"] = accessibility_barriers(page)
    assert {place: what for place, what in found.items() if what} == {}
    page.close()
