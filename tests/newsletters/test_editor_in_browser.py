"""The editor's pages in Chromium: the preview follows typing, articles go in at the cursor, and the pages are accessible."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from billing.staff.branding import set_logo
from tests.support.a11y import accessibility_barriers
from tests.support.browser import Browser
from tests.support.newsroom import BY, EDITOR, PREHEADER, SUBJECT, Newsroom, parts_of
from tests.support.pictures import png
from tests.support.shared_chromium import Chromium
from tests.support.staff_members import sign_in
from tests.support.world import local

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
LAPTOP: ViewportSize = {"width": 1280, "height": 900}

pytestmark = pytest.mark.browser


@pytest.fixture
def laptop(chromium: Chromium, editor: Browser) -> Iterator[BrowserContext]:
    """Chromium, with the editor's session."""
    with chromium.context(viewport=LAPTOP) as context:
        take_session(context, editor)
        yield context


def take_session(context: BrowserContext, browser: Browser) -> None:
    """Carry a session into Chromium."""
    context.add_cookies(
        [
            {"name": str(each.name), "value": str(each.value), "url": browser.world.url}
            for each in browser.http.cookies.jar
        ]
    )


def begin(newsroom: Newsroom, page: Page) -> str:
    """On the page of a new issue; where that is."""
    page.goto(f"{newsroom.world.url}/staff/newsletters")
    page.select_option("#newsletter_id", "first-light")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url(re.compile(r"/staff/newsletters/iss_"))
    return page.url


def test_an_editor_writes_looks_and_schedules_and_hundreds_get_it_once(
    newsroom: Newsroom, laptop: BrowserContext
) -> None:
    people = newsroom.people(250)
    newsroom.add_reader(PAYER, subscribed=True)
    newsroom.join(PAYER)
    gone, leaver, late = people[2], people[6], people[7]
    newsroom.leave(gone)
    page = laptop.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    home = begin(newsroom, page)
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
    assert newsroom.world.rows("SELECT source FROM issue")[0]["source"] == ""  # nothing was kept by looking

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
    page.get_by_role("button", name="Save and schedule for 250").click()
    expect(page.get_by_role("heading", name="It starts on Tuesday 2 March 2027 at 06:00")).to_be_visible()
    assert troubles == []

    for address in (leaver, late):
        newsroom.world.smtp.refuse(450, "4.2.0 later", to=address, times=1)
    newsroom.world.advance_to(local(2027, 3, 2, 6))
    take_session(laptop, sign_in(newsroom.world, EDITOR))  # half an hour idle signs staff out
    page.clock.install()
    page.goto(home)
    expect(page.locator("#progress")).to_contain_text("248 of 250 are done with")
    newsroom.leave(leaver)
    newsroom.world.advance(minutes=5)
    page.clock.fast_forward(2000)  # milliseconds after which the page looks again
    expect(page.locator("#progress")).to_contain_text("250 of 250 are done with")  # it looks by itself
    assert sorted(mail.recipients[0] for mail in newsroom.arrived()) == sorted(
        {*people, PAYER} - {gone, leaver}
    )
    for address, own, others in ((PAYER, "Thank you for paying", "Try it"), (late, "Try it", "Thank you")):
        (mail,) = newsroom.arrived_for(address)
        assert own in parts_of(mail)[0]
        assert others not in parts_of(mail)[0]
    page.close()


def test_the_preview_shows_the_logo_that_mails_have(newsroom: Newsroom, laptop: BrowserContext) -> None:
    services = newsroom.world.services
    with services.database.begin(services.site, newsroom.world.now, BY) as ctx:
        set_logo(ctx, png(200, 40), reason="the new design")
        services.publisher.refresh(ctx.session)
    page = laptop.new_page()
    begin(newsroom, page)
    page.fill("#subject", SUBJECT)
    page.fill("#source", "Good morning.")
    logo = page.frame_locator("iframe[name=preview]").locator("img.logo")
    expect(logo).to_have_js_property("naturalWidth", 200)
    page.close()


def test_the_pages_are_accessible_and_fit_on_a_desk_and_a_phone(
    newsroom: Newsroom, laptop: BrowserContext
) -> None:
    page = laptop.new_page()
    found = {}

    def look(place: str) -> None:
        for size in (PHONE, LAPTOP):
            page.set_viewport_size(size)
            found[place, size["width"]] = accessibility_barriers(page)

    newsroom.people(3)
    sent = newsroom.send()
    places = ["/staff/newsletters", "/newsletters", "/newsletters/asked", f"/staff/newsletters/{sent}"]
    for place in places:
        page.goto(newsroom.world.url + place)
        look(place)
    begin(newsroom, page)
    look("compose")
    assert {where: what for where, what in found.items() if what} == {}
    page.close()
