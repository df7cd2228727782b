"""A tax invoice names its recipient above R5 000, and below if the reader wants it (VAT-4, VAT-6)."""

import re

import pytest

from tests.support.pdf import Pdf
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "naledi@example.com"
BUSINESS = {
    "name": "Karoo Wool (Pty) Ltd",
    "address": "1 Church Street, Cradock, 5880",
    "vat_number": "4123456789",
}
NAMED = "Recipient Karoo Wool (Pty) Ltd Recipient’s address 1 Church Street, Cradock, 5880 Recipient’s VAT number 4123456789"


def receipts(world: World, reader_id: str) -> list[str]:
    """The pages of the reader's receipts, the oldest first."""
    data = world.api.get(f"/v1/readers/{reader_id}/invoices").json()["data"]
    return [f"/account/receipts/{row['id']}" for row in sorted(data, key=lambda row: row["number"])]


def test_above_r5_000_it_asks_for_the_recipient_and_names_them_from_then_on(world: World) -> None:
    world.execute("UPDATE price SET amount = 600000")
    reader_id = world.start_trial(EMAIL)["reader"]["id"]
    world.advance_to(local(2027, 3, 17))
    first = world.letter(EMAIL, "Tax invoice")
    assert "by law it must be made out to your name and address" in " ".join(first.text.split())
    assert "Recipient" not in Pdf(first.enclosures[0].content).words
    (receipt,) = receipts(world, reader_id)
    browser = world.browser()
    browser.sign_in(EMAIL)
    assert "by law it must name you and your address" in browser.get(receipt).words
    page = browser.post(receipt, **BUSINESS)
    assert "To Karoo Wool (Pty) Ltd 1 Church Street, Cradock, 5880 VAT number 4123456789" in page.words
    copy = Pdf(browser.get(f"{receipt}.pdf").response.content)
    assert "Tax invoice (copy)" in copy.words
    assert f"Quantity 1 {NAMED}" in copy.words
    world.advance_to(local(2027, 4, 17))
    second = world.letter(EMAIL, "Tax invoice INV-000002")
    assert "by law" not in second.text
    assert NAMED in Pdf(second.enclosures[0].content).words


def test_a_reader_may_ask_for_it_below_and_a_credit_note_names_them_too(
    world: World, paid: Subscriber
) -> None:
    (receipt,) = receipts(world, paid.reader_id)
    browser = world.browser()
    browser.sign_in(paid.email)
    assert "by law" not in browser.get(receipt).words
    assert "by law" not in world.letter(paid.email, "Tax invoice").text
    browser.post(receipt, **BUSINESS | {"vat_number": ""})
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    world.api.post(f"/v1/payments/{payment}/refunds", json={"reason": "late"}).raise_for_status()
    world.settle()
    for paper in (
        browser.get(f"{receipt}.pdf").response.content,
        world.letter(paid.email, "Credit note").enclosures[0].content,
    ):
        assert NAMED.partition(" Recipient’s VAT")[0] in Pdf(paper).words
        assert "Recipient’s VAT number" not in Pdf(paper).words


def test_a_correction_counts_for_its_invoice_and_both_are_kept(world: World, paid_twice: Subscriber) -> None:
    first, second = receipts(world, paid_twice.reader_id)
    browser = world.browser()
    browser.sign_in(paid_twice.email)
    browser.get(first)
    browser.post(first, **BUSINESS | {"name": "Karo Wool"})
    page = browser.post(first, **BUSINESS)
    assert "To Karoo Wool (Pty) Ltd" in page.words
    assert f"To {paid_twice.email}" in browser.get(second).words, "it was paid before anything was entered"
    assert [
        row["name"] for row in world.rows("SELECT name FROM invoice_recipient ORDER BY entered_at, id")
    ] == [
        "Karo Wool",
        BUSINESS["name"],
    ]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"vat_number": "5123456789"}, "ten digits and begins with 4"),
        ({"name": " "}, "made out to a name and an address"),
        ({"address": ""}, "made out to a name and an address"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    world: World, paid: Subscriber, typed: dict[str, str], says: str
) -> None:
    (receipt,) = receipts(world, paid.reader_id)
    browser = world.browser()
    browser.sign_in(paid.email)
    browser.get(receipt)
    page = browser.post(receipt, **BUSINESS | typed)
    assert (page.status, says in page.words) == (422, True)
    assert world.rows("SELECT FROM invoice_recipient") == []


def test_nobody_makes_out_anothers(world: World, paid: Subscriber) -> None:
    (receipt,) = receipts(world, paid.reader_id)
    world.start_trial("other@example.com", "pm_card_visa__2")
    browser = world.browser()
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.sign_in("other@example.com").text)[0]
    answer = browser.http.post(
        receipt, data=BUSINESS | {"csrf": csrf}, headers={"sec-fetch-site": "same-origin"}
    )
    assert answer.status_code == 404
    assert world.rows("SELECT FROM invoice_recipient") == []
