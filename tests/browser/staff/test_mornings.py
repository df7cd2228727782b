"""Staff begin the day on the demo: the first page of each role, the head, and an editor's articles, by mouse and keyboard."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.a11y import ANY, accessibility_barriers
from tests.support.demo import Demo
from tests.support.person import LAPTOP, PHONE, Arrive
from tests.support.staff_member import Enter, Member

READER = "zanele.mornings@example.com"
pytestmark = [pytest.mark.browser, pytest.mark.prove]


def height_of_head(member: Member) -> float:
    """Of the head of the page, without the demo's bar."""
    box = member.page.locator("header.staff-top").bounding_box()
    assert box is not None
    return float(box["height"])


def test_each_role_sees_its_morning_and_the_head_stays_on_one_line(
    demo: Demo, arrive: Arrive, enter: Enter
) -> None:
    started = demo.trial(READER, "pm_card_visa__87")
    charge_at = datetime.fromisoformat(started["subscription"]["next_charge"]["at"])
    demo.advance_to(charge_at + timedelta(hours=1))
    reader = arrive()
    reader.write_to_us("Something else", "Where is my paper?", email=READER)
    demo.advance(hours=2)  # still on the day of the charge, which is in the month to date
    seen = {
        "support": ("for an answer", "the oldest for", "Asked something", READER),
        "finance": ("to date", "Charged", "for an answer"),
        "editor": ("No issue goes out today.", "published"),
        "admin": ("Machinery", "A worker is at work", "for an answer"),
    }
    for role, words in seen.items():
        member = enter(role)
        member.person.open("/staff")
        member.person.see(*words)
        member.can_use()
        member.page.set_viewport_size(LAPTOP["viewport"])
        assert height_of_head(member) < 60, role
        member.page.set_viewport_size(PHONE["viewport"])
        assert height_of_head(member) < 60, role


def test_a_slash_leads_to_the_search_from_any_page(enter: Enter) -> None:
    admin, editor = enter("admin"), enter("editor")
    page = admin.page
    admin.person.open("/staff/answers")
    page.wait_for_load_state()  # `/` is the page's script's
    title = page.get_by_role("region", name="Another answer").get_by_label("Title")
    title.press_sequentially("a/b")
    expect(title).to_have_value("a/b")
    expect(page).to_have_url(re.compile("/staff/answers$"))
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    expect(page).to_have_url(re.compile("/staff/find$"))
    expect(page.get_by_label("Find a reader")).to_be_focused()
    expect(page.get_by_label("Find a reader")).to_have_value("")
    editor.person.open("/staff/newsletters")
    editor.page.wait_for_load_state()
    assert editor.page.locator("[data-search-page]").count() == 0, "editors find no readers"


def test_the_keyboard_reaches_the_search_and_every_menu(enter: Enter) -> None:
    admin = enter("admin")
    admin.person.open("/staff")
    admin.page.set_viewport_size(LAPTOP["viewport"])
    expect(admin.page.get_by_label("Find a reader")).to_be_focused()
    admin.page.locator(".at-desk summary", has_text="Money").focus()
    admin.page.keyboard.press("/")
    expect(admin.page.get_by_label("Find a reader")).to_be_focused()
    admin.page.keyboard.type("a/b")
    expect(admin.page.get_by_label("Find a reader")).to_have_value("a/b")
    money = admin.page.locator(".at-desk summary", has_text="Money")
    money.focus()
    admin.page.keyboard.press("Enter")
    books = admin.page.get_by_role("link", name="Books", exact=True)
    expect(books).to_be_visible()
    assert accessibility_barriers(admin.page, ANY) == []
    admin.page.keyboard.press("Escape")
    expect(books).not_to_be_visible()
    expect(money).to_be_focused()
    admin.page.keyboard.press("Enter")
    books.focus()
    admin.page.keyboard.press("Enter")
    expect(admin.page.get_by_role("heading", level=1)).to_contain_text("Books")
    assert admin.page.locator(".at-desk details.here summary").inner_text() == "Money"
    admin.page.set_viewport_size(PHONE["viewport"])
    admin.page.locator(".by-phone summary").click()
    admin.page.get_by_role("link", name="Cases", exact=True).click()
    expect(admin.page.get_by_role("heading", level=1)).to_contain_text("Cases")


def test_an_editor_finds_an_article_changes_it_and_opens_the_site_after_a_second_question(
    enter: Enter,
) -> None:
    editor = enter("editor")
    editor.person.open("/staff/articles")
    editor.can_use()
    editor.type("Words of the title, or the id", "water nobody")
    editor.click("^Show$")
    editor.click("The water nobody counted", "link")
    editor.person.see("Terms of its own")
    editor.can_use()
    editor.page.get_by_label("What it asks").select_option("registered")
    editor.type("Why?", "The drought debate")
    editor.click("Change it")
    editor.person.see("free for whoever is signed in", "an exception of its own")
    editor.person.open("/staff/articles")
    editor.page.get_by_label("What", exact=True).select_option("site")
    editor.type("Why?", "Flood warning for the lower valley.")
    editor.click("Open it to everyone")
    editor.person.see("Open the whole site to everyone?", "Nothing is open yet.")
    editor.can_use()
    editor.click("Open the whole site")
    editor.person.see("the whole site", "Flood warning for the lower valley.")
    editor.click("Close now")
    editor.person.see("closed by staff:")
