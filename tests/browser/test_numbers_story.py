"""Finance looks at the month on the demo: figures, a section with its charts, another period, and a file; then an editor."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.support.a11y import ANY, accessibility_barriers
from tests.support.demo import Demo
from tests.support.person import LAPTOP
from tests.support.shared_chromium import Chromium
from tests.support.staff_member import Member

pytestmark = [pytest.mark.browser, pytest.mark.prove]
SIZES = ({"width": 360, "height": 740}, LAPTOP["viewport"])
ROOM = "/staff/numbers"
Enter = Callable[[str], Member]


@pytest.fixture
def enter(chromium: Chromium, demo: Demo) -> Iterator[Enter]:
    """Sign a member of staff with a role in. At the end of the test the console must be empty."""
    with ExitStack() as ends:

        def colleague(role: str) -> Member:
            member = Member.sign_in(chromium, demo, role)
            ends.callback(member.person.leave)
            return member

        yield colleague


def is_usable(member: Member) -> None:
    """By everybody, at a desk and on a phone, without any violation that axe knows."""
    for size in SIZES:
        member.page.set_viewport_size(size)
        assert accessibility_barriers(member.page, ANY) == [], (member.page.url, size)


def test_finance_reads_the_month_and_takes_a_table_along(demo: Demo, enter: Enter) -> None:
    demo.trial("nomsa.numbers@example.com", "pm_card_visa__71")
    demo.trial("karel.numbers@example.com", "pm_card_chargeCustomerFail__72")
    demo.advance(days=17)
    today = demo.now().date()
    finance = enter("finance")
    finance.person.open(ROOM)
    finance.person.see(
        "MRR", "Churn by payment", "Lifetime value", "Conversion", "Deferred revenue in a month"
    )
    is_usable(finance)
    finance.click("^Recurring revenue$", "link")
    expect(finance.page.get_by_role("heading", level=1)).to_have_text("Recurring revenue")
    assert finance.page.get_by_role("img").count() >= 3
    is_usable(finance)
    finance.type("From", "2020-01-01")
    finance.click("^Show$")
    finance.person.see("at most five years long")
    expect(finance.page.get_by_label("From")).to_have_value("2020-01-01")
    is_usable(finance)
    finance.type("From", today.replace(day=1).isoformat())
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
    is_usable(editor)
