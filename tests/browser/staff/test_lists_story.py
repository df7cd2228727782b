"""Finance lists those who owe, keeps the filter for support, and takes the file along; all with the keyboard's own controls, without scripts."""

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.staff_member import Enter

OWES, PAYS = "sipho.lists@example.com", "lerato.lists@example.com"
pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_who_owes_is_one_click_for_colleagues(demo: Demo, enter: Enter) -> None:
    demo.trial(PAYS, "pm_card_visa__83")
    demo.trial(OWES, "pm_card_chargeCustomerFail__84")
    demo.advance(days=16)
    finance = enter("finance")
    finance.page.locator(".at-desk summary", has_text="Readers").click()
    finance.click("^Lists$", "link")
    finance.page.get_by_label("State").select_option("payment overdue")
    finance.page.get_by_label("Owes money").check()
    finance.click("^Show$")
    finance.person.see("with state: payment overdue; owes money", OWES, "R75.00 incl. VAT")
    expect(finance.page.get_by_role("main").get_by_text(PAYS)).to_have_count(0)
    finance.can_use()
    finance.page.get_by_text("Save this filter for all of you").click()
    finance.type("Name", "Call these on Friday")
    finance.click("^Save$")
    finance.person.see("Change or delete “Call these on Friday”")
    with finance.page.expect_download() as download:
        finance.click("Download as CSV", "link")
    assert OWES in download.value.path().read_text()

    support = enter("support")
    support.click("^Lists$", "link")
    support.click("Call these on Friday", "link")
    support.person.see(OWES)
    expect(support.page.get_by_role("link", name="Download as CSV")).to_have_count(0)
    assert support.clicks == 2
    support.click(OWES, "link")
    expect(support.page.get_by_role("heading", name=OWES)).to_be_visible()


def test_every_list_and_its_mistakes_are_usable(enter: Enter) -> None:
    admin = enter("admin")
    for address in (
        "readers?due_from=2027-03-02&due_through=2027-03-01&card_ends=x",
        "subscriptions",
        "payments",
        "refunds?state=failed",
        "invoices?kind=credit_notes",
    ):
        admin.person.open(f"/staff/{address}")
        admin.can_use()
