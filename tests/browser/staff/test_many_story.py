"""Finance pays an outage back to all who were charged in it: chosen, looked at, begun, done; with the page's own controls, without
scripts."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.staff_member import Enter
from tests.support.world import START

PAYERS = ("lerato.many@example.com", "sipho.many@example.com")
pytestmark = [pytest.mark.browser, pytest.mark.prove]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of its own, in which two readers have paid once: an outage is paid back to all who were charged in it."""
    with Demo(tmp_path_factory.mktemp("demo-of-many") / "data") as running:
        for number, email in enumerate(PAYERS):
            running.trial(email, f"pm_card_visa__{number + 85}")
        running.advance(days=16)
        yield running


def test_an_outage_is_paid_back_in_one_act(demo: Demo, enter: Enter) -> None:
    finance = enter("finance")
    finance.person.open("/staff/many")
    finance.can_use()
    finance.click("Pay back an outage", "link")
    finance.can_use()
    now = demo.now().astimezone(START.tzinfo)
    finance.type("From", f"{now - timedelta(days=3):%Y-%m-%dT%H:%M:%S}")
    finance.type("Until", f"{now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}")
    finance.click("See whom it touched")
    finance.person.see("2 charges were made, R150.00 incl. VAT in all", "isn’t recorded")
    finance.can_use()
    finance.page.get_by_label("All who were charged in that time").check()
    finance.page.get_by_label("Money: of the charge").check()
    finance.click("Show what happens to each")
    finance.person.see("In all R150.00 incl. VAT goes back", "Nothing is done yet.", *PAYERS)
    finance.can_use()
    finance.type("Why?", "Charged while the site was away.")
    finance.page.get_by_label("I have read what happens").check()
    finance.click("^Do it$")
    expect(finance.page.get_by_text("Nothing is done yet.")).to_have_count(0)
    demo.advance(minutes=1)
    finance.page.reload()
    finance.person.see("2 done: R150.00 incl. VAT", "Charged while the site was away.")
    finance.can_use()
    with finance.page.expect_download() as download:
        finance.click("All of it as CSV", "link")
    assert download.value.path().read_text().count(",done,") == 2


def test_a_list_with_mistakes_says_so_and_a_mail_is_looked_at(enter: Enter) -> None:
    finance = enter("finance")
    finance.person.open("/staff/many")
    finance.click("^Write a mail$", "link")
    finance.can_use()
    finance.type("Subject", "The paper is back")
    finance.type("Words", "We are sorry.")
    finance.type("Readers", f"{PAYERS[0]} kobus@exampel.com")
    finance.click("^Show what happens$")
    finance.person.see("These fit no reader", "kobus@exampel.com")
    finance.can_use()
    finance.page.get_by_label("Leave out what fits no reader").check()
    finance.click("^Show what happens$")
    finance.person.see("The mail “The paper is back” goes to lerato.many@example.com.", "We are sorry.")
    finance.can_use()
    finance.click("^Give it up$")
    finance.person.see("given up")
