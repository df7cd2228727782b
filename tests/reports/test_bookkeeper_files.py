"""Files that a bookkeeper imports: the condensed journal, payouts with what they hold, refunds and failed payments."""

import io
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.ledger.models import Account
from billing.platform.actors import Command
from billing.reports import books, condensed, dispute_counts, journal_files
from billing.reports.condensed import EntryLine, JournalEntry, JournalUnit
from billing.reports.exports import SHEETS
from billing.reports.journal_files import LAYOUTS, MOST_LINES, JournalSettings
from billing.rules.account_codes import DEFAULTS, read_codes
from billing.rules.periods import last_of_month
from tests.support.books import book_text, cents, rows_of
from tests.support.cli import run_on
from tests.support.plans import whole_tables_read
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

SETTINGS = JournalSettings(read_codes("revenue=200, bank=090"), "No VAT")


def test_every_account_of_the_ledger_has_a_code_of_its_own() -> None:
    assert set(DEFAULTS) == {account.value for account in Account}
    assert len(set(DEFAULTS.values())) == len(DEFAULTS)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [("sales=200", "names 'sales'"), ("revenue=", "gives revenue no code"), ("revenue=1000", "one code")],
)
def test_a_wrong_code_is_named(typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_codes(typed)


ACCOUNTS = st.lists(st.sampled_from(list(Account)), min_size=2, max_size=6, unique=True)


@st.composite
def journal_entry(draw: st.DrawFn) -> JournalEntry:
    accounts = draw(ACCOUNTS)
    amounts = [draw(st.integers(1, 10**9)) for _ in accounts[1:]]
    lines = [EntryLine(account, cents) for account, cents in zip(accounts[1:], amounts, strict=True)]
    on, kind = (
        draw(st.dates(date(2027, 1, 1), date(2027, 12, 31))),
        draw(st.sampled_from(["invoice", "payment"])),
    )
    return JournalEntry(on, kind, "ZAR", (EntryLine(accounts[0], -sum(amounts)), *lines))


@given(st.lists(journal_entry(), max_size=200))
def test_each_file_balances_and_none_is_longer_than_xero_and_sage_take(entries: list[JournalEntry]) -> None:
    for name, signed in (("journal-for-xero", "*Amount"), ("journal-for-sage", "")):
        texts = list(journal_files.files(LAYOUTS[name], entries, SETTINGS))
        rows = [rows_of(text) for text in texts]
        assert sum(len(file) for file in rows) == sum(len(entry.lines) for entry in entries)
        for file in rows:
            assert len(file) <= MOST_LINES
            debit = sum(Decimal(row[signed] if signed else row["Debit"] or "0") for row in file)
            credit = Decimal(0) if signed else sum(Decimal(row["Credit"] or "0") for row in file)
            assert debit == credit, "an entry is never parted"


@pytest.fixture
def march(world: World) -> None:
    """A March with two sales, a refund by staff, and a charge that failed. It is 2 April."""
    world.once("a March for the bookkeeper", lambda: live_through_march(world))


def live_through_march(world: World) -> None:
    """What `march` names."""
    world.start_trial("a@example.com")
    world.start_trial("b@example.com", "pm_card_mastercard")
    world.start_trial("c@example.com", "pm_card_chargeCustomerFail")
    world.advance_to(local(2027, 3, 20, 12))
    payment = world.rows("SELECT id FROM payment ORDER BY id LIMIT 1")[0]["id"]
    key = {"Idempotency-Key": "half"}
    body = {"amount": 2500, "reason": "half a month"}
    world.api.post(f"/v1/payments/{payment}/refunds", json=body, headers=key).raise_for_status()
    world.settle()
    world.advance_to(local(2027, 4, 2, 12))


@pytest.mark.usefixtures("march")
def test_the_condensed_journal_sums_up_to_the_trial_balance(world: World, staff: SignIn) -> None:
    world.restart(account_codes="revenue=200")
    finance = staff("finance")
    whole = rows_of(finance.http.get("/staff/books/journal.csv?month=2027-03").text)
    moved = Counter[str]()
    for row in whole:
        moved[row["account"]] += cents(row["debit, in its currency"]) - cents(row["credit, in its currency"])
    kinds = {row["kind"] for row in whole}
    days = {(row["kind"], row["date"]) for row in whole}
    for by, entries in (("day", len(days)), ("month", len(kinds))):
        file = finance.http.get(f"/staff/books/journals/condensed-journal?month=2027-03&by={by}")
        assert f"condensed-journal-by-{by}-2027-03.csv" in file.headers["content-disposition"]
        rows, sums = rows_of(file.text), Counter[str]()
        for row in rows:
            sums[row["account"]] += cents(row["debit, in its currency"]) - cents(
                row["credit, in its currency"]
            )
        assert sums == moved
        assert {row["account code"] for row in rows if row["account"] == "revenue"} == {"200"}
        assert len({row["entry"] for row in rows}) == entries


@pytest.mark.usefixtures("march")
def test_xero_and_sage_get_their_own_columns(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    xero = rows_of(finance.http.get("/staff/books/journals/journal-for-xero?month=2027-03&by=month").text)
    sale = [row for row in xero if row["*Narration"] == "Tax invoices, 2027-03-31"]
    assert {row["*Date"] for row in sale} == {"31/03/2027"}
    assert {row["*TaxRate"] for row in sale} == {"No VAT"}
    assert {row["*AccountCode"]: row["Description"] for row in sale}["2200"] == "VAT output", "as the page"
    assert {row["*AccountCode"]: row["*Amount"] for row in sale}["2200"] == "-19.56"
    sage = rows_of(finance.http.get("/staff/books/journals/journal-for-sage?month=2027-03&by=month").text)
    tax = [
        row
        for row in sage
        if row["Reference"] == "20270331-invoice" and row["Ledger Account Number"] == "2200"
    ]
    assert [(row["Debit"], row["Credit"], row["Details"]) for row in tax] == [("", "19.56", "VAT output")]
    assert finance.http.get("/staff/books/journals/pastel?month=2027-03").status_code == 404
    assert finance.http.get("/staff/books/journals/journal-for-xero?by=week").status_code == 422


@pytest.mark.usefixtures("march")
def test_more_lines_than_a_file_takes_come_as_one_zip(
    world: World, staff: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "journal-for-xero"
    monkeypatch.setitem(LAYOUTS, name, replace(LAYOUTS[name], most_lines=10))
    answer = staff("finance").http.get(f"/staff/books/journals/{name}?month=2027-03")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
        assert names[:2] == ["journal-for-xero-by-day-2027-03-1.csv", "journal-for-xero-by-day-2027-03-2.csv"]
        for file in names:
            rows = rows_of(packed.read(file).decode())
            assert sum(Decimal(row["*Amount"]) for row in rows) == 0


@pytest.mark.usefixtures("march")
def test_a_payout_says_what_it_holds_and_what_the_bank_calls_it(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    payouts = rows_of(finance.http.get("/staff/books/payouts.csv?month=2027-03").text)
    assert payouts
    contents = rows_of(finance.http.get("/staff/books/payout-contents.csv?month=2027-03").text)
    for payout in payouts:
        inside = [row for row in contents if row["payout"] == payout["payout"]]
        net = sum(cents(row["net, in its currency"]) for row in inside)
        held = ("charged", "refunded", "disputed", "fees", "other")
        assert net == cents(payout["amount, in its currency"])
        assert net == sum(cents(payout[f"{name}, in its currency"]) for name in held)
        assert int(payout["charges"]) == sum(row["kind"] == "charge" for row in inside)
        assert payout["bank's reference"].startswith("SBX"), (
            "the acquirer learns it a day later, and is asked again"
        )
    assert {row["tax invoice"] for row in contents if row["kind"] == "charge"} == {"INV-000001", "INV-000002"}


@pytest.mark.usefixtures("march")
def test_refunds_and_failed_payments_are_summed_up(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    [refund] = rows_of(finance.http.get("/staff/books/refunds.csv?month=2027-03").text)
    assert (refund["reason"], refund["how many"], refund["including VAT, R"]) == (
        "half a month",
        "1",
        "25.00",
    )
    assert refund["by"].startswith("api:")
    [failed] = rows_of(finance.http.get("/staff/books/failed-payments.csv?month=2027-03").text)
    assert (failed["including VAT, R"], failed["now"], failed["tax invoice"]) == ("75.00", "still owed", "")
    ages = rows_of(finance.http.get("/staff/books/ageing.csv?month=2027-03").text)
    assert sum(cents(row["including VAT, R"]) for row in ages) == 7500
    page = finance.get("/staff/books?month=2027-03")
    assert "Failed payments still owed" in page.words
    of_april = rows_of(finance.http.get("/staff/books/ageing.csv?month=2027-04").text)
    assert [row["owed for"] for row in of_april if row["how many"] != "0"] == ["15 to 30 days"], (
        "as of today, not as of the end of April"
    )


@pytest.mark.usefixtures("march")
def test_every_code_in_a_file_has_its_words_beside_it(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    rows = {
        name: rows_of(finance.http.get(f"/staff/books/{name}?month=2027-03").text)
        for name in (
            *("journal.csv", "vat.csv", "fees.csv", "payout-contents.csv", "summary.csv"),
            "journals/condensed-journal",
        )
    }
    page = finance.get("/staff/books?month=2027-03").words
    said = dict[str, str]()
    for name, code in (
        *(("journal.csv", "account"), ("journals/condensed-journal", "account"), ("summary.csv", "what")),
        *(("journal.csv", "kind"), ("vat.csv", "kind"), ("fees.csv", "what")),
    ):
        words = {row[code]: row[f"{code} in words"] for row in rows[name]}
        assert words, name
        said |= words
    assert [words for words in said.values() if "_" in words or not words] == []
    assert said["vat_output"] == "VAT output"
    assert said["refund"] == "Credit notes"
    assert said["charge"] == "Charges"
    shown = ("vat_output", "deferred_revenue", "gateway_fees", "invoice", "refund", "charge")
    assert [code for code in shown if said[code] not in page] == [], "the page says the same"
    contents = {row["kind"]: row["kind in words"] for row in rows["payout-contents.csv"]}
    assert contents["charge"] == "Charge", "one movement"


def test_refunds_are_summed_up_by_the_member_who_gave_them(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    (payment,) = world.rows("SELECT id FROM payment")
    where = f"/staff/readers/{paid.reader_id}/refund"
    for name, amounts in (("sipho", ("20", "10")), ("lindiwe", ("5",))):
        member = staff("support", f"{name}@paper.example")
        for amount in amounts:
            member.get(f"{where}?payment={payment['id']}")
            member.post(where, amount=amount, step="preview")
            member.post(where, amount=amount, step="confirm", reason="a bad week")
            world.advance(minutes=2)  # until then it can be undone
    rows = rows_of(book_text(world, "refunds", date(2027, 3, 1), date(2027, 3, 31)))
    assert [(row["by"], row["how many"], row["including VAT, R"], row["reason"]) for row in rows] == [
        ("staff:sipho@paper.example", "2", "30.00", "a bad week"),
        ("staff:lindiwe@paper.example", "1", "5.00", "a bad week"),
    ]


def reader_by_card(world: World, name: str, number: int) -> tuple[str, str]:
    """Start a trial with a card of its own; the subscription's id, and the sandbox's name of the card."""
    started = world.start_trial(f"{name}@example.com", f"pm_card_visa__{number}")
    (card,) = world.rows(
        "SELECT m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email = :email",
        email=f"{name}@example.com",
    )
    return started["subscription"]["id"], card["gateway_ref"]


def owed(world: World, month: int) -> dict[str, tuple[str, str]]:
    """What the file says of the ages that something has: charges and amount."""
    first = date(2027, month, 1)
    rows = rows_of(book_text(world, "ageing", first, last_of_month(2027, month)))
    return {
        row["owed for"]: (row["how many"], row["including VAT, R"]) for row in rows if row["how many"] != "0"
    }


def test_what_is_owed_at_the_end_of_a_month_stays_whatever_is_paid_or_given_up_later(
    world: World, staff: SignIn
) -> None:
    names = ("pays-in-march", "quits-in-march", "quits-in-april", "pays-in-april", "given-up-in-april")
    found = {name: reader_by_card(world, name, number) for number, name in enumerate(names, 1)}
    subscription, card = ({name: each[place] for name, each in found.items()} for place in (0, 1))
    for name in names:
        world.sandbox.decline(card[name], "insufficient_funds")
    world.advance_to(local(2027, 3, 16, 12))
    assert owed(world, 3) == {"up to 7 days": ("5", "375.00")}, "as of now"
    world.sandbox.decline(card["pays-in-march"], None)
    world.advance_to(local(2027, 3, 31, 23, 30))
    world.api.post(f"/v1/subscriptions/{subscription['quits-in-march']}/cancel").raise_for_status()
    assert owed(world, 3) == {"15 to 30 days": ("3", "225.00")}

    world.advance_to(local(2027, 4, 1, 0, 30))  # in UTC it is still March
    world.api.post(f"/v1/subscriptions/{subscription['quits-in-april']}/cancel").raise_for_status()
    world.sandbox.decline(card["pays-in-april"], None)
    browser = world.browser()
    browser.get(world.mailed_link("pays-in-april@example.com", "/pay/"))
    assert "this is paid" in browser.post("/pay").words
    assert owed(world, 4) == {"15 to 30 days": ("1", "75.00")}, "as of now"
    world.advance_to(local(2027, 5, 2, 12))
    states = world.rows("SELECT state FROM invoice WHERE first_failed_on = '2027-03-16' ORDER BY state")
    assert [row["state"] for row in states] == ["paid", "paid", "void", "void", "void"], "none is owed now"
    assert owed(world, 3) == {"15 to 30 days": ("3", "225.00")}
    assert owed(world, 4) == {}
    assert "15 to 30 days 3 225.00" in staff("finance").get("/staff/books?month=2027-03").words


@pytest.mark.usefixtures("march")
def test_no_file_reads_a_growing_table_from_end_to_end(world: World) -> None:
    services, days = world.services, (date(2027, 3, 1), date(2027, 3, 31))

    def write_all() -> None:
        with services.database.begin(services.site, world.now, Command()) as ctx:
            session = ctx.session
            for sheet in SHEETS.values():
                assert list(sheet.lines(ctx, *days))
            assert list(condensed.entries(session, *days, JournalUnit.DAY))
            assert books.fees(session, *days)
            assert dispute_counts.count(session, days[1], services.site.zone).months

    assert whole_tables_read(services.database, write_all) == []


@pytest.mark.usefixtures("march")
def test_a_month_that_is_not_over_says_so(world: World, staff: SignIn, tmp_path: Path) -> None:
    finance = staff("finance")
    assert "This month isn’t over" in finance.get("/staff/books?month=2027-04").words
    assert "This month isn’t over" not in finance.get("/staff/books?month=2027-03").words
    file = finance.http.get("/staff/books/vat.csv?month=2027-04")
    assert 'filename="vat-2027-04-not-over.csv"' in file.headers["content-disposition"]
    done = run_on(world, "export", str(tmp_path), "--from", "2027-03-15", "--to", "2027-04-30")
    assert "journal-2027-03-15-to-2027-04-30-not-over.csv" in done.output
