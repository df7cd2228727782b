"""Two members and one request on the demo: taken, noted, answered by an answer kept for it; and a refund undone within its minute."""

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.person import Arrive
from tests.support.staff_member import Enter

READER = "mpho.requests@example.com"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.prove,
]


def test_a_request_is_taken_noted_and_answered_from_the_list(
    demo: Demo, arrive: Arrive, enter: Enter
) -> None:
    demo.trial(READER, "pm_card_visa__81")
    reader = arrive()
    reader.write_to_us("I was charged wrongly", "What do you charge me, and when?", email=READER)
    reader.see("A person reads")

    first, second = enter("support"), enter("finance")
    first.person.open("/staff/answers")
    first.can_use()
    another = first.page.get_by_role("region", name="Another answer")
    another.get_by_label("Title").fill("Next charge")
    another.get_by_label("Answer", exact=True).fill("We charge {next charge} on {next charge day}.")
    another.get_by_role("button", name="Save").click()
    first.person.see("Next charge")
    first.person.open("/staff/requests")
    first.person.see(READER, "What do you charge me")
    first.can_use()
    first.page.get_by_role("row").filter(has_text=READER).get_by_role("link").first.click()
    first.click("^Take it")
    first.person.see("You have it")
    first.type("Note", "Her bank shows a reservation.")
    first.click("Keep the note")
    first.person.see("wrote a note", "Her bank shows a reservation.")
    first.can_use()
    second.person.open("/staff/requests?whose=nobody")
    expect(second.page.get_by_role("main").get_by_text(READER)).to_have_count(0)
    first.page.get_by_label("Put in an answer").select_option("Next charge")
    first.click("Put it in")
    first.person.see("We charge R75.00 incl. VAT on")
    first.can_use()
    first.click("Send the answer")
    first.page.get_by_text("Answered. The mail is on its way.").wait_for()


def test_a_refund_is_undone_within_its_minute(demo: Demo, enter: Enter) -> None:
    started = demo.trial("pieter.requests@example.org", "pm_card_visa__82")
    demo.advance_to(datetime.fromisoformat(started["subscription"]["next_charge"]["at"]) + timedelta(days=1))
    support = enter("support")
    support.find("pieter.requests@example.org")
    support.click("^Give back", "link")
    support.person.see("Nothing is done yet.", "It leaves us after a minute.")
    support.can_use()
    support.page.get_by_label("Why").fill("Charged twice")
    support.click("^Give back R75.00")
    support.page.get_by_text("The money leaves in a minute").wait_for()
    support.person.see("can be undone until")
    support.can_use()
    support.click("^Undo")
    support.page.get_by_text("Undone. No money has left.").wait_for()
    support.person.see("was undone by staff before it left")
