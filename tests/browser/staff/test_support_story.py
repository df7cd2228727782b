"""Support ends a matter without a mail, records that a reader has died, and opens the paper to somebody who has no account."""

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.person import Arrive
from tests.support.staff_member import Enter

THANKS, DIED, GUEST = "vuyo.thanks@example.com", "hendrik.died@example.com", "judge.guest@example.org"
EXECUTOR = "executor.story@attorneys.example"

pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_a_request_is_sorted_and_closed_without_a_mail(demo: Demo, arrive: Arrive, enter: Enter) -> None:
    reader = arrive()
    reader.write_to_us("Something else", "It came twice this morning. Thank you for the paper!", email=THANKS)
    demo.now()
    mails = len(demo.letters(THANKS))
    support = enter("support")
    support.person.open("/staff/requests")
    support.page.get_by_role("row").filter(has_text=THANKS).get_by_role("link").first.click()
    support.page.get_by_label("What it is about").select_option("Asks about a newsletter")
    support.click("^Change$")
    expect(support.page.get_by_role("heading", level=1)).to_have_text("Asks about a newsletter")
    support.type("Why it needs no answer", "Says thank you; the list is mended.")
    support.can_use()
    support.click("Close without a mail")
    support.person.see("closed it without a mail", "Says thank you; the list is mended.")
    expect(support.page.get_by_label("Your answer")).to_have_count(0)
    support.can_use()
    support.person.open("/staff/requests")
    expect(support.page.get_by_role("main")).not_to_contain_text(THANKS)
    demo.advance(minutes=1)
    assert len(demo.letters(THANKS)) == mails


def test_a_reader_has_died_and_their_page_says_whom_to_write_to(demo: Demo, enter: Enter) -> None:
    demo.trial(DIED, "pm_card_visa__91")
    demo.now()
    mails = len(demo.letters(DIED))
    support = enter("support")
    support.find(DIED)
    support.click("^The reader has died$", "link")
    support.can_use()
    support.type("Executor or relative", "A. van Wyk")
    support.type("Their email address", EXECUTOR)
    support.click("Show what happens")
    support.person.see("Nothing is done yet.", f"Nothing is sent to {DIED} any more")
    support.can_use()
    support.type("Why?", "His daughter called")
    support.click("^Record the death")
    banner = support.page.locator("p.call").filter(has_text="The reader has died.")
    expect(banner).to_contain_text(f"Nothing is sent to {DIED}. Write to A. van Wyk, {EXECUTOR}.")
    support.person.see("Nothing is charged.", "His daughter called")
    expect(support.page.get_by_role("link", name="The reader has not died")).to_be_visible()
    expect(support.page.get_by_role("link", name="Cancel")).to_have_count(0)
    support.can_use()
    demo.advance(days=20)
    assert demo.charges(DIED) == []
    assert len(demo.letters(DIED)) == mails
    assert demo.letter(EXECUTOR, "has ended, as its reader has died")


def test_an_address_without_an_account_is_given_days(demo: Demo, arrive: Arrive, enter: Enter) -> None:
    support = enter("support")
    support.page.get_by_label("Find a reader").fill(GUEST)
    support.click("Find")
    support.person.see("Nobody fits.")
    support.click("Give complimentary days to this address", "link")
    support.person.see("Nothing is done yet.", f"{GUEST} gets an account")
    support.can_use()
    support.type("Why?", "Judges our photographs")
    support.click(f"Give 7 days to {GUEST}")
    expect(support.page.get_by_role("heading", name=GUEST)).to_be_visible()
    support.person.see("address never proved by a mailed link", "Judges our photographs")
    support.can_use()
    demo.now()
    guest = arrive()
    guest.open(demo.letter(GUEST, "An invitation").link("/sign-in"))
    guest.sign_in_by_mail(GUEST)
    guest.see("ompliments")
