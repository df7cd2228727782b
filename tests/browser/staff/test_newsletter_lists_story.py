"""An editor adds a newsletter, corrects its words and retires it, by keyboard's own controls; readers' page follows."""

import pytest
from playwright.sync_api import expect

from tests.support.person import Arrive
from tests.support.staff_member import Enter

NAME = "Harbour Notes"
pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_a_newsletter_from_its_first_day_to_its_last(arrive: Arrive, enter: Enter) -> None:
    editor, reader = enter("editor"), arrive()
    editor.click("^Newsletters$", "link")
    editor.click("^What readers can sign up for$", "link")
    editor.can_use()
    add = editor.page.locator("section", has=editor.page.get_by_role("heading", name="Add a newsletter"))
    for label, words in (
        ("Id", "harbour-notes"),
        ("Name", NAME),
        ("Description", "What the tide brought."),
        ("Rhythm", "Sundays"),
    ):
        add.get_by_label(label).fill(words)
    editor.click("^Add the newsletter$")
    expect(editor.page.get_by_role("alert")).to_contain_text("Say why")
    editor.can_use()
    add.get_by_label("Why?").fill("the harbour has readers")
    editor.click("^Add the newsletter$")
    editor.person.see("harbour-notes · Sundays · editorial · for everyone · 0 on the list")
    reader.open("/newsletters")
    reader.see(NAME, "Sundays")

    own = editor.page.locator("section", has=editor.page.get_by_role("heading", name=NAME))
    own.get_by_text("Name, description and rhythm").click()
    own.get_by_label("Rhythm").fill("Saturdays")
    own.locator('form[action$="/edit"]').get_by_label("Why?").fill("a day earlier")
    own.get_by_role("button", name="Save").click()
    editor.person.see("harbour-notes · Saturdays")

    own.get_by_text("Retire it").click()
    own.locator('form[action$="/retire"]').get_by_label("Why?").fill("its editor has left")
    own.get_by_role("button", name="Retire").click()
    editor.person.see("nobody can sign up, and no issue goes out")
    editor.can_use()
    reader.open("/newsletters")
    reader.see("First Light")
    expect(reader.page.get_by_text(NAME)).to_have_count(0)
