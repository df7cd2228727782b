"""Staff at work on the demo: an angry call, two members on one reader, a refund above the limit; clicks are counted."""

import re
from datetime import datetime, timedelta

import pytest

from tests.support.demo import Demo
from tests.support.person import Arrive
from tests.support.staff_member import Enter

READER = "nandi@example.com"
REASON = "Wrote on the 3rd that she wants to stop"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.prove,
]


def test_she_wrote_nobody_answered_and_she_was_charged(demo: Demo, arrive: Arrive, enter: Enter) -> None:
    started = demo.trial(READER, "pm_card_visa__31")
    charge_at = datetime.fromisoformat(started["subscription"]["next_charge"]["at"])
    demo.advance_to(charge_at + timedelta(days=-2, hours=3))
    reader = arrive()
    reader.write_to_us("Please cancel my subscription", "Please cancel. I am moving abroad.", email=READER)
    reader.see("it counts from this moment")
    demo.advance_to(charge_at + timedelta(hours=8))
    assert demo.charges(READER) == [], "the request holds the charge, once"
    demo.advance_to(charge_at + timedelta(days=8, hours=8))
    assert len(demo.charges(READER)) == 1

    first, second = enter("support"), enter("admin")
    first.person.see("1 request waits for an answer")
    first.find(READER)
    second.find(READER)
    first.person.see("I am moving abroad.", "R75.00 incl. VAT charged since")
    first.can_use()
    first.click("^Cancel", "link")
    second.click("^Cancel", "link")
    first.person.see("R75.00 incl. VAT goes back")
    first.can_use()
    first.type("Why?", REASON)
    first.click("Cancel and give back R75.00 incl. VAT")
    first.person.see("Your subscription ended")
    assert first.clicks <= 6
    assert first.typed == [REASON]

    second.type("Why?", "asked me too")
    second.click("Cancel and give back")
    second.person.see("This was done before you", REASON)
    second.can_use()

    demo.advance(minutes=1)
    letter = demo.letter(READER, "is cancelled")
    assert "R75.00 incl. VAT goes back to you" in letter.subject
    assert re.search(r"Credit note no\.:\s+CN-\d{6}", letter.text)
    first.page.reload()
    first.person.see("R75.00 incl. VAT went back")
    first.page.get_by_role("link", name="refunds").click()
    first.can_use()


def test_support_is_refused_what_only_finance_may_give_back(demo: Demo, enter: Enter) -> None:
    """Three months are paid, and a letter is dated before all of them. The limit is R150.00 a reader and month."""
    began = demo.now()
    started = demo.trial("pieter@example.org", "pm_card_mastercard__32")
    demo.advance_to(datetime.fromisoformat(started["subscription"]["next_charge"]["at"]) + timedelta(days=65))
    support = enter("support")
    support.find("pieter@example.org")
    support.click("^Cancel", "link")
    asked = (began + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    support.page.get_by_label("First asked at").fill(asked)
    support.click("Look again")
    support.person.see(
        "This would give back R225.00 incl. VAT.", "Your role leaves you R150.00 incl. VAT for this reader"
    )
    admin = enter("admin")
    admin.person.open("/staff/audit?refused=yes")
    admin.person.see("This would give back R225.00 incl. VAT")
    admin.can_use()


def test_two_accounts_of_one_person_are_merged(demo: Demo, enter: Enter) -> None:
    """Both run first, which is refused with the acts that help; then one is cancelled, and the accounts become one."""
    here, there = "precious@example.com", "precious.work@example.org"
    demo.trial(here, "pm_card_visa__33")
    other = demo.trial(there, "pm_card_mastercard__34")["reader"]["id"]
    support = enter("support")
    support.find(here)
    support.click("Merge with another account", "link")
    support.can_use()
    support.type("The other account", there)
    support.click("Show what happens")
    support.person.see("Both accounts have a live subscription")
    support.can_use()
    support.click(f"Cancel now for {other}", "link")
    support.page.get_by_label("Reading stops").select_option("now")
    support.click("Look again")
    support.type("Why?", "has two")
    support.click("^Cancel")
    support.person.see("Cancel for a reader", "has two")
    support.find(here)
    support.click("Merge with another account", "link")
    support.type("The other account", there)
    support.click("Show what happens")
    support.person.see("It has the live subscription.", "This can’t be undone.")
    support.can_use()
    support.type("Why?", "rang from both")
    support.click("Merge the accounts")
    support.person.see("Merge two accounts of one person", "rang from both")
    support.can_use()
    demo.advance(minutes=1)
    for address in (here, there):
        assert "are one now" in demo.letter(address, "Your two accounts").subject
