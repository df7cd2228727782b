"""Finance on the demo: a dispute from its case to the bank, a refund that no card takes, and a VAT return filed and corrected."""

import csv
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.demo import Demo
from tests.support.staff_member import Enter, Member

DISPUTES, OWED, PAYS = "anele.khumalo@example.com", "riaan.botha@example.com", "busisiwe.books@example.com"
WORDS = "They agreed to the price, had two mails before the charge, and read every day."

pytestmark = [pytest.mark.browser, pytest.mark.prove]


def charged(demo: Demo, email: str, card: str) -> None:
    """A subscription whose first charge was taken an hour ago."""
    started = demo.trial(email, card)
    demo.advance_to(datetime.fromisoformat(started["subscription"]["next_charge"]["at"]) + timedelta(hours=1))


def test_a_dispute_is_answered_from_its_case(demo: Demo, enter: Enter) -> None:
    charged(demo, DISPUTES, "pm_card_createDispute__51")
    finance = enter("finance")
    finance.person.open("/staff/cases")
    finance.person.see("A bank disputes a charge", DISPUTES)
    finance.can_use()
    finance.page.get_by_role("row").filter(has_text=DISPUTES).get_by_role(
        "link", name="A bank disputes"
    ).click()
    finance.person.see("has taken back R75.00 incl. VAT")
    finance.can_use()
    finance.click("Answer the bank", "link")
    finance.person.see("If nobody answers, the system sends this on", "A bank takes one answer")
    finance.can_use()
    finance.type("Why the charge was right", WORDS)
    finance.click("Keep it for later")
    finance.page.get_by_text("Saved.").wait_for()
    finance.person.see(WORDS)
    finance.click("Send it to the bank")
    finance.page.get_by_text("Sent. The bank decides").wait_for()
    finance.person.see("Our answer", WORDS)
    finance.can_use()
    finance.person.open("/staff/cases")
    finance.person.see("Answered: waits for the bank")
    finance.can_use()
    finance.click("Disputes won and lost", "link")
    finance.person.see("By card scheme, over these months")
    finance.can_use()


def test_a_refund_that_no_card_takes_is_paid_by_transfer(demo: Demo, enter: Enter) -> None:
    charged(demo, OWED, "pm_card_refundFail__52")
    support = enter("support")
    support.find(OWED)
    support.click("^Give back", "link")
    support.page.get_by_label("Why").fill("Charged twice")
    support.click("^Give back R75.00")
    support.page.get_by_text("The money leaves in a minute").wait_for()
    demo.advance(days=3)
    finance = enter("finance")
    finance.person.open("/staff/owed")
    finance.person.see(OWED, "The reader was asked for a bank account.")
    finance.can_use()
    finance.page.get_by_label(f"The bank’s reference for {OWED}").fill("EFT 4711")
    finance.page.get_by_role("row").filter(has_text=OWED).get_by_role("button", name="Paid").click()
    finance.page.get_by_text("Saved.").wait_for()
    assert OWED not in finance.page.get_by_role("main").inner_text()
    finance.can_use()


def test_a_vat_return_is_filed_and_corrected(enter: Enter) -> None:
    finance = enter("finance")
    finance.person.open("/staff/books")
    finance.person.see("Trial balance")
    finance.can_use()
    finance.person.open("/staff/books/vat-return")
    finance.person.see("Payable, before the input tax of your purchases")
    finance.can_use()
    finance.type("Reference of the return", "VAT201 of the story")
    finance.click("Close the books")
    finance.person.see("Filed: VAT201 of the story")
    finance.can_use()
    finance.page.get_by_text("Correct the return").click()
    finance.type("Why it is opened again", "A purchase was missing")
    finance.can_use()
    finance.click("Reopen the books")
    finance.person.see("Close the books")


def test_the_bookkeeper_is_sent_the_journal_and_the_invoices_of_a_month(demo: Demo, enter: Enter) -> None:
    charged(demo, PAYS, "pm_card_visa__53")
    finance = enter("finance")
    finance.person.open("/staff/books")
    finance.person.see("This month isn’t over.", "Files for the bookkeeper")
    journal, name = downloaded(finance, "^by month ?, Condensed journal$")
    assert name.startswith("condensed-journal-by-month-")
    debit, credit = (
        sum(Decimal(row[f"{side}, in its currency"] or 0) for row in journal) for side in ("debit", "credit")
    )
    assert debit == credit > 0
    finance.page.get_by_text("Account codes").click()
    finance.can_use()
    codes = set(finance.page.locator("details.more td").all_inner_texts())
    assert {row["account code"] for row in journal} <= codes
    invoices, name = downloaded(finance, "^invoices$")
    assert name.startswith("invoices-")
    assert invoices[-1]["including VAT, R"] == "75.00"


def downloaded(member: Member, link: str) -> tuple[list[dict[str, str]], str]:
    """The rows of the file behind a link, and its name."""
    with member.page.expect_download() as download:
        member.click(link, "link")
    found = Path(download.value.path()).read_text("utf-8-sig")
    return list(csv.DictReader(found.splitlines())), download.value.suggested_filename
