"""Finance looks at the month on the demo: figures, a section with its charts, another period, and a file; then an editor."""

import json

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.staff_member import Enter

pytestmark = [pytest.mark.browser, pytest.mark.prove]
ROOM = "/staff/numbers"


def test_finance_reads_the_month_and_takes_a_table_along(demo: Demo, enter: Enter) -> None:
    began = demo.now().date()
    demo.trial("nomsa.numbers@example.com", "pm_card_visa__71")
    demo.trial("karel.numbers@example.com", "pm_card_chargeCustomerFail__72")
    demo.advance(days=17)
    today = demo.now().date()
    finance = enter("finance")
    finance.person.open(ROOM)
    finance.person.see(
        "MRR", "Churn by payment", "Lifetime value", "Conversion", "Deferred revenue in a month"
    )
    finance.can_use()
    finance.click("^Recurring revenue$", "link")
    expect(finance.page.get_by_role("heading", level=1)).to_have_text("Recurring revenue")
    finance.can_use()
    assert finance.page.get_by_role("img").count() >= 3
    finance.type("From", "2020-01-01")
    finance.click("^Show$")
    finance.person.see("at most five years long")
    expect(finance.page.get_by_label("From")).to_have_value("2020-01-01")
    finance.can_use()
    finance.type("From", began.isoformat())
    finance.type("Through", today.isoformat())
    finance.click("^Show$")
    finance.person.see("How MRR moved", "Cohorts")
    with finance.page.expect_download() as download:
        finance.click("CSV of How MRR moved", "link")
    assert download.value.path().read_text("utf-8-sig").startswith("From,")
    finance.click("^JSON of How MRR moved", "link")
    shown = json.loads(finance.page.locator("body").inner_text())
    assert (shown["key"], shown["to"]) == ("mrr-movement", today.isoformat())


@pytest.mark.parametrize(
    "section", ["trials", "dunning", "money", "schemes", "newsletters", "origins", "forecast"]
)
def test_an_editor_can_use_every_section(enter: Enter, section: str) -> None:
    editor = enter("editor")
    editor.person.open(f"{ROOM}/{section}")
    expect(editor.page.get_by_role("link", name="All figures", exact=True)).to_be_visible()
    editor.can_use()
