"""A tax invoice with the buyer's details put on it afterwards: a credit note and a new one; no money moves (VAT-8)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import httpx
import pytest

from billing.reports import books, doctor
from tests.support import ledger_checks
from tests.support.books import book_text, rows_of
from tests.support.browser import Browser
from tests.support.independent_calendar import assert_promises_kept
from tests.support.pdf import Pdf
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

DETAILS = "/account/invoice-details"
BUSINESS = {
    "name": "Karoo Wool (Pty) Ltd",
    "address": "1 Church Street\nCradock\n5880",
    "vat_number": "4123456789",
}
MARCH, APRIL = (date(2027, 3, 1), date(2027, 3, 31)), (date(2027, 4, 1), date(2027, 4, 30))


CORRECTION = 0
"""A step that is no refund of so many cents."""


def signed_in(world: World, email: str) -> Browser:
    browser = world.browser()
    browser.sign_in(email)
    return browser


def save(browser: Browser, **details: str) -> None:
    """Save invoice details."""
    browser.get(DETAILS)
    browser.post(DETAILS, **BUSINESS | details)


def receipt_of(world: World, reader_id: str) -> str:
    (invoice,) = world.api.get(f"/v1/readers/{reader_id}/invoices").json()["data"]
    return f"/account/receipts/{invoice['id']}"


def correct(browser: Browser, receipt: str) -> Any:
    """Press the button on the receipt."""
    browser.get(receipt)
    return browser.post(receipt)


def refund(world: World, cents: int) -> None:
    """Give some cents of the one payment back."""
    (payment,) = world.rows("SELECT id FROM payment")
    body = {"amount": cents, "reason": "goodwill"}
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body).raise_for_status()
    world.settle()


def check(world: World) -> None:
    ledger_checks.check(world)
    assert_promises_kept(world)


def vat(world: World, first: date, last: date) -> dict[str, int]:
    with world.services.database.transaction() as session:
        return {line.kind: line.vat for line in books.vat(session, first, last)}


def test_a_credit_note_and_a_new_tax_invoice_take_its_place(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    browser, receipt = signed_in(world, paid.email), receipt_of(world, paid.reader_id)
    assert "save them first" in browser.get(receipt).words
    save(browser)
    before = vat(world, *MARCH)
    world.advance_to(local(2027, 4, 2, 10))
    browser = signed_in(world, paid.email)
    page = browser.get(receipt)
    assert "It would be made out to Karoo Wool (Pty) Ltd , 1 Church Street, Cradock, 5880" in page.words
    page = browser.post(receipt)
    for words in (
        "Tax invoice Copy INV-000002 Friday 2 April 2027 Date of supply: Tuesday 16 March 2027",
        "To Karoo Wool (Pty) Ltd 1 Church Street Cradock 5880 VAT number 4123456789",
        "Paid on Tuesday 16 March 2027",
        "Takes the place of tax invoice INV-000001 of Tuesday 16 March 2027",
        "Credit note CN-000001 Friday 2 April 2027, for tax invoice INV-000001: Replaced by tax invoice INV-000002",
    ):
        assert words in page.words, page.words
    assert "Put my details" not in page.words
    world.settle()
    letter = world.letter(paid.email, "Corrected tax invoice INV-000002, in place of INV-000001")
    invoice, note = Pdf(letter.enclosures[0].content).pages
    assert (
        "Date of supply Tuesday 16 March 2027 Takes the place of INV-000001 Quantity 1 Recipient Karoo"
        in invoice
    )
    assert ("For tax invoice no. INV-000001" in note, "Karoo Wool" in note) == (True, False)
    assert "No money moves" in note
    copies = Pdf(browser.get(f"{receipt}.pdf").response.content).pages
    assert ["INV-000002" in copies[0], "INV-000001" in copies[1], "CN-000001" in copies[2]] == [True] * 3
    assert list(world.sandbox.refunds()) == []
    assert vat(world, *MARCH) == before, "the period of the supply stays as it was declared"
    assert vat(world, *APRIL) == {"invoice": 978, "refund": -978}
    shown = world.api.get(receipt.replace("/account/receipts", "/v1/invoices")).json()
    assert (shown["number"], shown["buyer"]["name"]) == ("INV-000002", BUSINESS["name"])
    assert shown["corrections"] == [
        {
            "replaced": "INV-000001",
            "credit_note": "CN-000001",
            "number": "INV-000002",
            "net": {"amount": 6522, "currency": "ZAR"},
            "vat": {"amount": 978, "currency": "ZAR"},
            "gross": {"amount": 7500, "currency": "ZAR"},
            "issued_on": "2027-04-02",
        }
    ]
    finance = staff("finance")
    march = finance.get("/staff/invoices?since_from=2027-03-01&since_through=2027-03-31").words
    assert ("INV-000001" in march, "INV-000002" in march, "to Karoo Wool" in march) == (True, False, False)
    april = finance.get("/staff/invoices?since_from=2027-04-01").words
    assert ("INV-000001" in april, "INV-000002" in april, "to Karoo Wool" in april) == (False, True, True)
    for month, number, buyer in (
        ("2027-03", "INV-000001", ("", "", "")),
        (
            "2027-04",
            "INV-000002",
            (BUSINESS["name"], "1 Church Street, Cradock, 5880", BUSINESS["vat_number"]),
        ),
    ):
        (row,) = rows_of(finance.http.get(f"/staff/books/invoices.csv?month={month}").text)
        assert row["number"] == number
        assert (row["buyer"], row["buyer's address"], row["buyer's VAT number"]) == buyer
    notes = finance.get("/staff/invoices?kind=credit_notes").words
    assert "CN-000001 for INV-000001" in notes
    assert "Replaced by tax invoice INV-000002: the buyer’s details -R65.22 excl. VAT" in notes
    for number in ("INV-000001", "INV-000002"):
        finance.get("/staff")
        assert finance.get(f"/staff/find?q={number}").path == f"/staff/readers/{paid.reader_id}"
    assert "Tax invoice INV-000001 replaced by INV-000002: no money moved" in (
        finance.get(f"/staff/readers/{paid.reader_id}?only=refunds").words
    )
    check(world)


def test_pressed_again_it_is_one_and_other_details_make_another(world: World, paid: Subscriber) -> None:
    browser, receipt = signed_in(world, paid.email), receipt_of(world, paid.reader_id)
    save(browser)
    browser.get(receipt)
    form = browser.filled(receipt)
    assert [browser.http.send(form).status_code for _ in range(2)] == [200, 200]
    save(browser, vat_number="")
    correct(browser, receipt)
    assert world.rows("SELECT replaced_number, number FROM invoice_correction ORDER BY number") == [
        {"replaced_number": 1, "number": 2},
        {"replaced_number": 2, "number": 3},
    ]
    page = browser.get(receipt)
    assert "VAT number 4123456789" not in page.words
    assert "Takes the place of tax invoice INV-000001" in page.words
    assert "Takes the place of tax invoice INV-000002" in page.words
    world.settle()
    check(world)


def test_staff_correct_it_with_a_reason(world: World, paid: Subscriber, staff: SignIn) -> None:
    support = staff("support")
    (payment,) = world.rows("SELECT id FROM payment")
    path = f"/staff/readers/{paid.reader_id}/correct-invoice"
    assert "Correct INV-000001" in support.get(f"/staff/readers/{paid.reader_id}").words
    support.get(f"{path}?payment={payment['id']}")
    page = support.post(path, **BUSINESS | {"vat_number": "1"}, step="preview")
    assert "ten digits and begins with 4" in page.words
    page = support.post(path, **BUSINESS, step="preview")
    assert "INV-000001 is made out to nobody by name" in page.words
    assert "No money moves" in page.words
    support.post(path, **BUSINESS, step="confirm", reason="Wrote to us")
    world.settle()
    assert world.rows("SELECT actor_kind, reason, replaced_number FROM invoice_correction") == [
        {"actor_kind": "staff", "reason": "Wrote to us", "replaced_number": 1}
    ]
    assert world.letter(paid.email, "Corrected tax invoice INV-000002")
    world.advance_to(local(2027, 4, 17))
    assert "Karoo Wool" in world.letter(paid.email, "Tax invoice INV-000003").text, "and so are those to come"
    check(world)


@pytest.mark.parametrize("state", ["no details", "refunded", "old", "of another"])
def test_what_is_refused_writes_nothing(world: World, paid: Subscriber, state: str) -> None:
    browser, receipt = signed_in(world, paid.email), receipt_of(world, paid.reader_id)
    if state != "no details":
        save(browser)
    page = browser.get(receipt if state != "no details" else DETAILS)
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    if state == "refunded":
        refund(world, 7500)
    if state == "old":
        world.execute("UPDATE invoice SET issued_on = '2022-02-28'")
    if state == "of another":
        world.start_trial("other@example.com", "pm_card_visa__2")
        browser = signed_in(world, "other@example.com")
        page = browser.get("/account")
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = browser.http.post(receipt, data={"csrf": csrf}, headers={"sec-fetch-site": "same-origin"})
    expected = {"no details": 422, "refunded": 409, "old": 409, "of another": 404}
    assert answer.status_code == expected[state]
    if state in ("refunded", "old"):
        assert "Put my details" not in browser.get(receipt).words
    assert world.rows("SELECT FROM invoice_correction") == []


@pytest.mark.parametrize(
    "steps",
    [
        (CORRECTION, CORRECTION, 7500),
        (CORRECTION, 999, 1, CORRECTION, 6500),
        (2500, CORRECTION, CORRECTION, 7, 4993),
    ],
)
def test_whatever_the_order_credit_notes_name_the_invoice_in_force(
    world: World, paid: Subscriber, steps: tuple[int, ...]
) -> None:
    """Corrections and partial refunds until nothing is left: sums hold, series have no gaps, VAT is the refunds'. Each of both
    comes first, after a correction, and after a refund."""
    numbers = [1]
    browser, receipt = signed_in(world, paid.email), receipt_of(world, paid.reader_id)
    expected: list[str] = []
    for number, step in enumerate(steps):
        expected.append(f"INV-{numbers[-1]:06d}")
        if step == CORRECTION:
            save(browser, name=f"Buyer {number}")
            correct(browser, receipt)
            numbers.append(numbers[-1] + 1)
        else:
            refund(world, step)
        world.settle()
        check(world)
        notes = world.rows(
            "SELECT n->>'invoice_number' AS invoice FROM message, jsonb_array_elements(fields->'notes') n"
            " WHERE fields ? 'notes' ORDER BY n->>'credit_note_number'"
        )
        assert [row["invoice"] for row in notes] == expected
        shown = [note.split(":")[0] for note in browser.get(receipt).words.split("for tax invoice ")[1:]]
        assert shown == expected
    with world.services.database.transaction() as session:
        series = {row.name: (row.count, row.missing) for row in books.series(session, *MARCH)}
    notes_file = rows_of(book_text(world, "credit-notes", *MARCH))
    assert [row["tax invoice"] for row in notes_file] == expected
    invoices_file = rows_of(book_text(world, "invoices", *MARCH))
    assert [row["number"] for row in invoices_file] == [f"INV-{number:06d}" for number in numbers]
    assert series == {"tax invoices": (len(numbers), 0), "credit notes": (len(expected), 0)}
    (returned,) = world.rows("SELECT coalesce(sum(vat), 0) AS vat FROM refund")
    assert sum(vat(world, *MARCH).values()) == 978 - returned["vat"]


@pytest.mark.parametrize("round_", range(3))
def test_at_once_two_corrections_are_one_and_a_refund_finds_the_one_in_force(
    world: World, paid: Subscriber, round_: int
) -> None:
    browser, receipt = signed_in(world, paid.email), receipt_of(world, paid.reader_id)
    save(browser)
    browser.get(receipt)
    forms = [browser.filled(receipt) for _ in range(2)]
    (payment,) = world.rows("SELECT id FROM payment")

    def give_back() -> httpx.Response:
        body = {"amount": 2500 + round_, "reason": "late"}
        return world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body)

    with ThreadPoolExecutor(3) as threads:
        sent = [threads.submit(browser.http.send, form) for form in forms]
        sent.insert(round_, threads.submit(give_back))
        assert sorted(one.result().status_code for one in sent) == [200, 200, 201]
    world.settle()
    (row,) = world.rows("SELECT replaced_number, number, gross FROM invoice_correction")
    assert (row["replaced_number"], row["number"]) == (1, 2)
    check(world)


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE invoice_correction SET gross = gross - 1, net = net - 1",
        "UPDATE invoice_correction SET vat = vat - 1, net = net + 1",
        "UPDATE invoice SET number = 7",
    ],
)
def test_the_doctor_finds_a_correction_that_does_not_add_up(
    world: World, paid: Subscriber, wrong: str
) -> None:
    def live() -> None:
        browser, receipt = signed_in(world, paid.email), receipt_of(world, paid.reader_id)
        save(browser)
        refund(world, 1000)
        correct(browser, receipt)

    world.once("a part is refunded, and its tax invoice corrected", live)
    check(world)
    world.execute(wrong)
    found = doctor.examine(world.services.database, world.services.site, world.now)
    assert "one-tax-invoice-in-force" in [one.promise.name for one in found if one.count]
