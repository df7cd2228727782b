"""The account page: the status in one sentence, in every state; receipts, copies and credit notes."""

import re

from tests.support.leaps import leap_to
from tests.support.pdf import Pdf
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "naledi@example.com"


def _status(world: World, email: str) -> str:
    """The sentence at the top."""
    words = world.browser().sign_in(email).words
    return words.partition(email)[2].strip().removeprefix("Change the email address").strip()


def test_every_state_is_one_sentence(world: World) -> None:
    said = {}
    for name, card in (
        ("grace", "pm_card_chargeCustomerFail"),
        ("paid", "pm_card_visa__1"),
        ("gone", "pm_card_visa__2"),
    ):
        world.start_trial(f"{name}@example.com", card)
    said["trial"] = _status(world, "paid@example.com")
    gone = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email LIKE 'gone%'"
    )
    world.api.post(f"/v1/subscriptions/{gone[0]['id']}/cancel", json={}).raise_for_status()
    said["cancelled"] = _status(world, "gone@example.com")
    leap_to(world, local(2027, 3, 16, 12), days=9)
    said["paid"] = _status(world, "paid@example.com")
    said["grace"] = _status(world, "grace@example.com")
    said["ended"] = _status(world, "gone@example.com")
    starts = {
        "trial": "Your free trial runs through Monday 15 March 2027.",
        "cancelled": "You have cancelled; you can read through Monday 15 March 2027.",
        "paid": "Your subscription is paid through Thursday 15 April 2027.",
        "grace": "Your last payment did not go through; you can read through Monday 5 April 2027.",
        "ended": "Your subscription ended on Monday 15 March 2027.",
    }
    for name, sentence in starts.items():
        assert said[name].startswith(sentence), name
    assert "R75.00 incl. VAT on Friday 16 April 2027" in said["paid"]
    assert "Visa" in said["paid"]
    assert "4242" in said["paid"]
    assert "Cancel my subscription" in said["grace"]
    assert "Next charge" not in said["cancelled"]
    assert "Keep my subscription" in said["cancelled"]
    assert "See the offer" in said["ended"]
    assert "Keep my subscription" not in said["ended"]


def test_a_receipt_is_a_copy_and_only_its_readers(world: World) -> None:
    world.start_trial(EMAIL)
    world.start_trial("other@example.com", "pm_card_visa__2")
    leap_to(world, local(2027, 3, 17), days=10)
    mine, others = (
        world.rows(
            "SELECT i.id FROM invoice i JOIN reader r ON r.id = i.reader_id WHERE r.email = :e", e=email
        )[0]["id"]
        for email in (EMAIL, "other@example.com")
    )
    mail = world.letter(EMAIL, "Tax invoice")
    assert "copy" not in mail.text.lower(), "the mail is the original"
    (enclosed,) = mail.enclosures
    number = mail.subject.split()[2].rstrip(":")
    assert (enclosed.name, enclosed.content_type) == (f"tax-invoice-{number}.pdf", "application/pdf")
    assert f"Tax invoice no. {number}" in Pdf(enclosed.content).words
    assert "copy" not in Pdf(enclosed.content).words
    browser = world.browser()
    account = browser.sign_in(EMAIL)
    assert f"/account/receipts/{mine}" in account.text
    page = browser.get(f"/account/receipts/{mine}")
    for words in ("Tax invoice Copy", "R65.22", "VAT 15%", "R9.78", "R75.00", "16 March 2027", "VAT number"):
        assert words in page.words
    assert "16 Mar 2027 to 15 Apr 2027" in page.words
    link = re.search(r'href="([^"]+)" download', page.text)
    assert link is not None
    file = browser.get(link[1]).response
    assert file.headers["content-disposition"] == f'attachment; filename="tax-invoice-{number}-copy.pdf"'
    assert file.headers["cache-control"] == "private, no-store"
    assert (
        f"Tax invoice (copy) Tax invoice no. {number} Date Tuesday 16 March 2027" in Pdf(file.content).words
    )
    for stranger in (others, "inv_nobody", "%27"):
        assert browser.get(f"/account/receipts/{stranger}").status == 404
        assert browser.get(f"/account/receipts/{stranger}.pdf").status == 404
    for ours in (f"/account/receipts/{mine}", link[1]):
        assert world.browser().get(ours).path == "/sign-in"


def test_a_receipt_shows_what_went_back_with_its_credit_notes(world: World, paid: Subscriber) -> None:
    invoice = world.api.get(f"/v1/readers/{paid.reader_id}/invoices").json()["data"][0]
    for amount in (2500, 1000):
        body = {"amount": amount, "reason": f"late paper {amount}"}
        world.api.post(f"/v1/payments/{invoice['payment_id']}/refunds", json=body).raise_for_status()
        world.settle()
    browser = world.browser()
    account = browser.sign_in(paid.email)
    assert "R35.00 incl. VAT refunded" in account.words
    invoice_page, *notes = Pdf(browser.get(f"/account/receipts/{invoice['id']}.pdf").response.content).pages
    assert "Tax invoice no. INV-000001" in invoice_page
    mails = sorted(world.letter(paid.email, f"Credit note CN-00000{n}").enclosures[0].name for n in (1, 2))
    assert mails == ["credit-note-CN-000001.pdf", "credit-note-CN-000002.pdf"]
    for note, number, amount in zip(notes, (1, 2), (2500, 1000), strict=True):
        assert f"Credit note no. CN-00000{number}" in note
        assert f"Reason late paper {amount}" in note
    page = browser.get(f"/account/receipts/{invoice['id']}")
    for words in (
        "Credit note CN-000001",
        "Credit note CN-000002",
        "late paper 2500",
        "R21.74",
        "R3.26",
        "R25.00",
    ):
        assert words in page.words
    assert world.mail_kinds(paid.email).count("refunded") == 2
    assert world.api.get(f"/v1/subscriptions/{paid.subscription_id}").json()["status"] == "active"
