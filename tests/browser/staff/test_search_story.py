"""Support on the phone: finds the caller while typing, looks at their page, and weighs what to do; axe on each page."""

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.staff_member import Enter

pytestmark = [pytest.mark.browser, pytest.mark.prove]
ONE, TWO = "lindiwe.first@example.com", "lindiwe.second@example.com"
THREE, FOUR = "palesa.first@example.com", "palesa.second@example.com"


def test_a_caller_is_found_while_typing_and_served(demo: Demo, enter: Enter) -> None:
    demo.trial(ONE, "pm_card_visa__41")
    demo.trial(TWO, "pm_card_mastercard__42")
    support = enter("support")
    support.person.open("/staff/find")
    page = support.page
    expect(page.get_by_label("Find a reader")).to_be_focused()
    page.keyboard.type("lindiwe")
    expect(page.get_by_role("link", name=ONE)).to_be_visible()
    expect(page.get_by_role("link", name=TWO)).to_be_visible()
    support.can_use()
    support.click("Find")
    page.get_by_role("link", name=TWO).click()
    expect(page.get_by_role("heading", name=TWO)).to_be_visible()
    support.can_use()
    page.go_back()
    expect(page.get_by_role("link", name=ONE)).to_be_visible()
    page.get_by_role("link", name=ONE).click()
    expect(page.get_by_role("heading", name=ONE)).to_be_visible()
    page.wait_for_load_state()  # `/` is the page's script's
    page.keyboard.press("/")
    expect(page.get_by_label("Find a reader")).to_be_focused()

    support.click("Mail a link to sign in", "link")
    support.can_use()
    support.type("Why?", "No link arrived")
    support.click("Mail the link")
    expect(page.get_by_role("heading", name=ONE)).to_be_visible()
    demo.advance(minutes=1)
    assert "sign-in link" in demo.letter(ONE, "Your sign-in link").subject

    support.click("What is next", "link")
    support.person.see("As it is", "Cancelled now", "14 days more", "R75.00 incl. VAT")
    support.can_use()
    page.go_back()
    support.click("See it as they do", "link")
    support.can_use()
    support.type("Why?", "Sees no button")
    support.click("See the account")
    banner = page.get_by_role("region", name="For staff")
    expect(banner).to_contain_text(f"You see this account as {ONE} sees it.")
    support.person.see("Cancel my subscription")
    support.can_use()


def test_all_of_it_works_without_scripts(demo: Demo, enter: Enter) -> None:
    demo.trial(THREE, "pm_card_visa__43")
    demo.trial(FOUR, "pm_card_mastercard__44")
    support = enter("support", java_script_enabled=False)
    support.person.open("/staff/find")
    support.page.get_by_label("Find a reader").fill("palesa example")
    support.click("Find")
    support.page.get_by_role("link", name=FOUR).click()
    support.person.see("Signed in", "Paid in all")
    support.page.go_back()
    expect(support.page.get_by_role("link", name=THREE)).to_be_visible()
