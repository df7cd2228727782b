"""Staff at work in a browser without scripts: every room of the menu, a filter, the numbers of a period, and an act."""

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.staff_member import Enter
from tests.support.without_scripts import faults

READER = "tumi.scripts@example.com"
MOST_ROOMS = 15

pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_an_admin_opens_every_room_and_works_in_them_by_forms_alone(demo: Demo, enter: Enter) -> None:
    demo.trial(READER, "pm_card_visa__92")
    demo.advance(days=17)
    today = demo.now().date()
    admin = enter("admin", java_script_enabled=False)
    page = admin.page
    rooms = [link.get_attribute("href") for link in page.locator(".at-desk a").all()]
    assert len(rooms) > MOST_ROOMS
    found = {}
    for address in rooms:
        admin.person.open(str(address))
        if wrong := faults(page):
            found[address] = wrong
    assert found == {}

    page.locator(".at-desk summary", has_text="Readers").click()
    admin.click("^Lists$", "link")
    page.get_by_label("State").select_option("paid")
    admin.click("^Show$")
    admin.person.see("with state: paid", READER)

    admin.click("^Numbers$", "link")
    admin.type("From", today.replace(day=1).isoformat())
    admin.type("Through", today.isoformat())
    admin.click("^Show$")
    admin.person.see(f"{today.day} {today:%B %Y}. Before: the period of equal length", "MRR")

    admin.click("^Today$", "link")
    admin.find(READER)
    admin.click("^Cancel", "link")
    page.get_by_label("Reading stops").select_option("now")
    admin.click("Look again")
    admin.person.see("Nothing is done yet.")
    assert faults(page) == []
    admin.type("Why?", "Rang, and has no computer")
    admin.click("^Cancel")
    admin.person.see("Your subscription ended", "Rang, and has no computer")
    expect(page.get_by_role("link", name="Cancel", exact=True)).to_have_count(0)
    assert faults(page) == []
