"""A tax invoice names its buyer above R5 000, and below if the reader wants it (VAT-4, VAT-6)."""

import re

import pytest

from tests.support.books import rows_of
from tests.support.pdf import Pdf
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "naledi@example.com"
DETAILS = "/account/invoice-details"
BUSINESS = {
    "name": "Karoo Wool (Pty) Ltd",
    "address": "1 Church Street\nCradock\n5880",
    "vat_number": "4123 456 789",
}
NAMED = "Recipient Karoo Wool (Pty) Ltd Recipient’s address 1 Church Street, Cradock, 5880 Recipient’s VAT number 4123456789"


def receipts(world: World, reader_id: str) -> list[str]:
    """The pages of the reader's receipts, the oldest first."""
    data = world.api.get(f"/v1/readers/{reader_id}/invoices").json()["data"]
    return [f"/account/receipts/{row['id']}" for row in sorted(data, key=lambda row: row["number"])]


def test_above_r5_000_it_asks_for_the_buyer_and_names_them_from_then_on(world: World) -> None:
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
    browser.get(DETAILS)
    assert "Your tax invoices have these details from now on" in browser.post(DETAILS, **BUSINESS).text
    assert "by law it must name you and your address" in browser.get(receipt).words, "until it is replaced"
    page = browser.post(receipt)
    assert ("INV-000002" in page.words, "by law" in page.words) == (True, False)
    world.advance_to(local(2027, 4, 17))
    second = world.letter(EMAIL, "Tax invoice INV-000003")
    assert "by law" not in second.text
    assert f"Quantity 1 {NAMED}" in Pdf(second.enclosures[0].content).words
    assert "Karoo Wool (Pty) Ltd" in second.text
    page = browser.get(receipts(world, reader_id)[1])
    assert "To Karoo Wool (Pty) Ltd 1 Church Street Cradock 5880 VAT number 4123456789" in page.words
    assert "by law" not in page.words


def test_a_reader_may_ask_for_it_below_and_a_credit_note_names_them_too(
    world: World, in_trial: Subscriber
) -> None:
    browser = world.browser()
    browser.sign_in(in_trial.email)
    browser.get(DETAILS)
    browser.post(DETAILS, **BUSINESS | {"vat_number": ""})
    world.advance_to(local(2027, 3, 17))
    assert "by law" not in world.letter(in_trial.email, "Tax invoice").text
    (receipt,) = receipts(world, in_trial.reader_id)
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    world.api.post(f"/v1/payments/{payment}/refunds", json={"reason": "late"}).raise_for_status()
    world.settle()
    for paper in (
        browser.get(f"{receipt}.pdf").response.content,
        world.letter(in_trial.email, "Credit note").enclosures[0].content,
    ):
        assert NAMED.partition(" Recipient’s VAT")[0] in Pdf(paper).words
        assert "Recipient’s VAT number" not in Pdf(paper).words


def test_each_invoice_keeps_the_details_that_it_was_issued_with(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    browser = world.browser()
    browser.sign_in(paid.email)
    browser.get(DETAILS)
    browser.post(DETAILS, **BUSINESS)
    browser.post(DETAILS, **BUSINESS)  # pressed twice
    support = staff("support")
    assert "Invoices to Karoo Wool (Pty) Ltd, 1 Church Street, Cradock, 5880" in (
        support.get(f"/staff/readers/{paid.reader_id}").words
    )
    world.advance_to(local(2027, 4, 18))
    browser.get(DETAILS)
    browser.post(DETAILS, **BUSINESS | {"name": "Karoo Wool and Mohair"})
    world.advance_to(local(2027, 5, 18))
    browser.get(DETAILS)
    page = browser.post(f"{DETAILS}/remove")
    assert ("only your email address from now on" in page.text, "Remove them" in page.words) == (True, False)
    world.advance_to(local(2027, 6, 18))
    finance = staff("finance")
    names = [None, "Karoo Wool (Pty) Ltd", "Karoo Wool and Mohair", None]
    data = world.api.get(f"/v1/readers/{paid.reader_id}/invoices").json()["data"]
    assert [row["buyer"] and row["buyer"]["name"] for row in data] == names
    assert data[1]["buyer"] == {
        "name": "Karoo Wool (Pty) Ltd",
        "address": ["1 Church Street", "Cradock", "5880"],
        "vat_number": "4123456789",
    }
    assert world.api.get(f"/v1/invoices/{data[1]['id']}").json()["buyer"] == data[1]["buyer"]
    shown = [browser.get(receipt).words for receipt in receipts(world, paid.reader_id)]
    assert [f"To {name or paid.email}" in words for name, words in zip(names, shown, strict=True)] == [
        True
    ] * 4
    kept = world.rows("SELECT name FROM invoice_recipient ORDER BY entered_at, id")
    assert [row["name"] for row in kept] == ["Karoo Wool (Pty) Ltd", "Karoo Wool and Mohair", None]
    assert (
        "to Karoo Wool (Pty) Ltd"
        in finance.get("/staff/invoices?since_from=2027-04-01&since_through=2027-04-30").words
    )
    buyers = [
        (row["buyer"], row["buyer's address"], row["buyer's VAT number"])
        for month in (3, 4, 5, 6)
        for row in rows_of(finance.http.get(f"/staff/books/invoices.csv?month=2027-0{month}").text)
    ]
    address = "1 Church Street, Cradock, 5880"
    assert buyers == [(name, address, "4123456789") if name else ("", "", "") for name in names]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"vat_number": "5123456789"}, "ten digits and begins with 4"),
        ({"vat_number": "412345678"}, "ten digits and begins with 4"),
        ({"name": " "}, "made out to a name and an address"),
        ({"address": ""}, "made out to a name and an address"),
        ({"address": "x" * 201}, "made out to a name and an address"),
        ({"address": "a\nb\nc\nd\ne\nf\ng"}, "at most six lines"),
        ({"name": "Karoo \0 Wool"}, "can’t be read"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    world: World, paid: Subscriber, typed: dict[str, str], says: str
) -> None:
    browser = world.browser()
    browser.sign_in(paid.email)
    browser.get(DETAILS)
    page = browser.post(DETAILS, **BUSINESS | typed)
    assert (page.status, says in page.words) == (422, True)
    assert BUSINESS["name"] in page.text or "name" in typed, "what was typed stays"
    assert world.rows("SELECT FROM invoice_recipient") == []


def test_the_details_are_the_readers_alone(world: World, paid: Subscriber) -> None:
    mine, other = world.browser(), world.browser()
    mine.sign_in(paid.email)
    mine.get(DETAILS)
    mine.post(DETAILS, **BUSINESS)
    world.start_trial("other@example.com", "pm_card_visa__2")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', other.sign_in("other@example.com").text)[0]
    assert "Karoo" not in other.get(DETAILS).text
    sent = other.http.post(
        f"{DETAILS}/remove", data={"csrf": csrf}, headers={"sec-fetch-site": "same-origin"}
    )
    assert sent.status_code == 200
    assert "Karoo" in mine.get(DETAILS).text
    assert world.browser().get(DETAILS).path == "/sign-in"
