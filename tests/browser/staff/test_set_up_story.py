"""An admin makes an API key, adds a plan with its price and publishes a legal text, and finds all of it in the audit."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.person import Arrive
from tests.support.staff_member import Enter

WHY = "The board decided on Tuesday."
pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_a_key_is_shown_once_and_opens_the_api_until_it_is_revoked(demo: Demo, enter: Enter) -> None:
    admin = enter("admin")
    admin.person.open("/staff/keys")
    admin.type("Name", "Story of a key")
    admin.page.get_by_role("checkbox", name="see readers, their subscriptions").check()
    admin.click("Make the key")
    admin.person.see("The secret of Story of a key", "It isn’t shown again")
    admin.can_use()
    shown = {"Authorization": f"Bearer {admin.page.locator('pre').inner_text().strip()}"}
    asked = f"{demo.url}/v1/readers/rdr_unknown"
    assert httpx.get(asked, headers=shown, trust_env=False).status_code == 404
    admin.click("I have copied it", "link")
    key = admin.page.get_by_role("region", name="Story of a key")
    expect(key).to_contain_text("readers:read")
    admin.can_use()
    key.get_by_text("Revoke", exact=True).first.click()
    admin.click("^Revoke Story of a key$")
    expect(key).to_contain_text("revoked")
    assert httpx.get(asked, headers=shown, trust_env=False).status_code == 401


def test_a_plan_is_added_and_its_price_is_the_next_step(enter: Enter) -> None:
    admin = enter("admin")
    admin.person.open("/staff/plans")
    admin.can_use()
    add = admin.page.get_by_role("region", name="Add a plan")
    for label, words in (
        ("Id", "story-quarterly"),
        ("Name", "Full access"),
        ("Months paid at once", "3"),
        ("What so many months are called", "quarter"),
        ("Why?", WHY),
    ):
        add.get_by_label(label).first.fill(words)
    add.get_by_role("button", name="Add the plan").click()
    plan = admin.page.get_by_role("region", name="Full access, every quarter")
    expect(plan).to_contain_text("No price yet, so it can’t be offered.")
    plan.get_by_text("Another price").click()
    plan.get_by_label("Rand every quarter").fill("199")
    plan.get_by_label("Why?").first.fill(WHY)
    admin.click("^Set the price of Full access, every quarter$")
    expect(plan).to_contain_text("R199.00 incl. VAT from")
    expect(plan).to_contain_text("offered to nobody")
    admin.can_use()


def test_a_legal_text_is_published_and_stands_in_the_audit(arrive: Arrive, enter: Enter) -> None:
    admin, reader = enter("admin"), arrive()
    admin.person.open("/staff/brand")
    admin.click("a page of their own", "link")
    admin.can_use()
    admin.page.get_by_label("Document", exact=True).select_option("Refund policy")
    admin.type("Text, in Markdown", "# Refunds\n\nWe give back what was charged in error.")
    admin.type("Why?", WHY)
    admin.click("Publish it now")
    expect(admin.page.get_by_role("row").filter(has_text="Refund policy").first).to_contain_text("2")
    reader.open("/refunds")
    reader.see("We give back what was charged in error.")

    admin.person.open("/staff/audit")
    admin.type("Words", "board decided legal")
    admin.click("^Search$")
    admin.person.see("Publish a legal text", WHY)
    admin.can_use()
    admin.page.get_by_text("Before and after").first.click()
    admin.person.see("after: number")
    admin.can_use()
