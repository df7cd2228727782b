"""The bookkeeper's files and page: exact to the cent, safe to open, and only for permitted roles."""

import csv
import io
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from billing.reports import exports, sheets
from billing.reports.condensed import JournalUnit
from billing.reports.journal_files import LAYOUTS
from billing.rules.money import major
from tests.support.actors import BY
from tests.support.books import book_text, cents, read_book
from tests.support.cli import run_on
from tests.support.compensation import extend
from tests.support.ledger_queries import balances, journal
from tests.support.staff_members import SignIn
from tests.support.world import World, local

MARCH = (date(2027, 3, 1), date(2027, 3, 31))


@pytest.fixture
def busy_march(world: World) -> None:
    """A sale, one refunded in part, one whose refund failed, and days given. It is 2 April."""
    world.once("a March with everything", lambda: live_through_march(world))


def live_through_march(world: World) -> None:
    """What `busy_march` names."""
    started = world.start_trial("a@example.com")
    world.start_trial("b@example.com", "pm_card_refundFail")
    world.advance_to(local(2027, 3, 20, 12))
    extend(world, started["subscription"]["id"], days=5)
    pay = {
        row["email"]: row["id"]
        for row in world.rows("SELECT p.id, r.email FROM payment p JOIN reader r ON r.id = p.reader_id")
    }
    for email, body in (
        ("a@example.com", {"amount": 2500, "reason": "=1+1"}),
        ("b@example.com", {"reason": "-"}),
    ):
        key = {"Idempotency-Key": email}
        world.api.post(f"/v1/payments/{pay[email]}/refunds", json=body, headers=key).raise_for_status()
        world.settle()  # after each, so that the credit notes are numbered in this order
    world.advance_to(local(2027, 3, 22, 12))
    world.advance_to(local(2027, 4, 2, 12))


def check_files(world: World, folder: Path) -> None:
    entries = read_book(folder, "journal")
    assert sum(cents(row["debit, in its currency"]) for row in entries) == sum(
        cents(row["credit, in its currency"]) for row in entries
    )
    ledger = world.rows(
        "SELECT e.account, sum(e.amount) AS cents FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id"
        " WHERE t.\"on\" BETWEEN '2027-03-01' AND '2027-03-31' GROUP BY 1"
    )
    for line in ledger:
        mine = [row for row in entries if row["account"] == line["account"]]
        assert (
            sum(cents(row["debit, in its currency"]) - cents(row["credit, in its currency"]) for row in mine)
            == line["cents"]
        ), line
    vat = {row["kind"]: row for row in read_book(folder, "vat")}
    invoices, notes = read_book(folder, "invoices"), read_book(folder, "credit-notes")
    for kind, documents, sign in (("invoice", invoices, 1), ("refund", notes, -1)):
        for column in ("excluding VAT, R", "VAT, R", "including VAT, R"):
            assert cents(vat[kind][column]) == sign * sum(cents(row[column]) for row in documents)
        assert vat[kind]["VAT rate %"] == "15"
    booked = next(line["cents"] for line in ledger if line["account"] == "vat_output")
    assert sum(cents(row["VAT, R"]) for row in vat.values()) == -booked
    assert [row["number"] for row in invoices] == ["INV-000001", "INV-000002"]
    assert [row["reason"] for row in notes] == ["'=1+1", "'-"], "nobody's words are a formula"
    assert [row["money"] for row in notes] == ["paid", "owed, the refund bounced"]


@pytest.mark.usefixtures("busy_march")
@pytest.mark.rare
def test_the_files_are_what_the_ledger_says(world: World, tmp_path: Path) -> None:
    done = run_on(world, "export", str(tmp_path / "march"), "--from", "2027-03-01", "--to", "2027-03-31")
    assert done.exit_code == 0, done.output
    assert "2 tax invoices, 0 numbers missing\n2 credit notes, 0 numbers missing" in done.output
    check_files(world, tmp_path / "march")
    summary = {(row["what"], row["which"]): row["value"] for row in read_book(tmp_path / "march", "summary")}
    assert summary["tax invoices", "numbers missing"] == "0"
    assert summary["ledger", "debits, R"] == summary["ledger", "credits, R"]
    assert summary["refunds_owed", "after, R"] == "-75.00"
    assert summary["period", "last day"] == "2027-03-31"
    assert run_on(world, "export", str(tmp_path), "--from", "2027-03-02", "--to", "2027-03-01").exit_code
    refused = run_on(world, "export", "/proc/none", "--from", "2027-03-01")
    assert refused.exit_code == 1
    assert refused.output.strip().splitlines()[-1] == (
        "Error: /proc/none can't be written to (no such file or directory). Choose another folder."
    )


@pytest.mark.usefixtures("busy_march")
def test_finance_sees_the_books_and_pays_back_what_bounced(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    page = finance.get("/staff/books?month=2027-03")
    assert "Refunds owed credited to readers, not paid yet 0.00 75.00 -75.00" in page.words
    assert "2 tax invoices, INV-000001 to INV-000002; 0 missing" in page.words
    assert "15% Tax invoices 130.44 19.56 150.00" in page.words
    journal_file = finance.http.get("/staff/books/journal.csv?month=2027-03")
    assert journal_file.text == book_text(world, "journal", *MARCH)
    assert journal_file.headers["cache-control"] == "private, no-store"
    assert finance.http.get("/staff/books/nothing.csv").status_code == 404
    finance.get("/staff/books")
    assert "Write down the bank" in finance.post("/staff/books/paid-back", reference=" ").words
    finance.get("/staff/books")
    page = finance.post("/staff/books/paid-back", reference="EFT 2027/118")
    assert "Owed to readers" not in page.words
    assert journal(world)[-1] == "2027-04-02 refund_paid_by_hand: refunds_owed +7500, bank -7500"
    assert balances(world)["bank"] == -7500
    assert "refunds_owed" not in balances(world)
    lines = world.rows(
        f"SELECT act, {BY}, subject FROM audit_line WHERE act IN ('export_books', 'paid_back_by_hand') ORDER BY id"
    )
    assert [(line["act"], line["by"]) for line in lines] == [
        ("export_books", "staff:finance@paper.example"),
        ("paid_back_by_hand", "staff:finance@paper.example"),
    ]
    assert staff("support").get("/staff/books").status == 403


@pytest.mark.usefixtures("busy_march")
def test_each_file_has_a_name_of_its_own_and_every_amount_its_unit(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    names = set()
    for name in exports.SHEETS:
        file = finance.http.get(f"/staff/books/{name}.csv?month=2027-03")
        names.add(file.headers["content-disposition"])
        for row in csv.DictReader(io.StringIO(file.text)):
            amounts = [column for column, cell in row.items() if re.fullmatch(r"-?\d+\.\d\d", cell)]
            unitless = [column for column in amounts if not column.endswith((", R", ", in its currency"))]
            assert unitless == [] or row["which"].endswith(", R")
    assert len(names) == len(exports.SHEETS)
    listed = finance.http.get("/staff/invoices.csv").headers["content-disposition"]
    assert listed not in names


@pytest.mark.usefixtures("busy_march")
@pytest.mark.parametrize("by", JournalUnit)
def test_page_and_command_write_the_same_files_under_the_same_names(
    world: World, staff: SignIn, tmp_path: Path, by: JournalUnit
) -> None:
    world.restart(vat_category="C")  # a month is a tax period, so VAT201 is of the same days
    days = ("--from", "2027-03-01", "--to", "2027-03-31")
    chosen = () if by is JournalUnit.DAY else ("--journal-by", by.value)
    assert run_on(world, "export", str(tmp_path), *days, *chosen).exit_code == 0
    by_command = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    finance, on_page = staff("finance"), dict[str, bytes]()
    layouts = [f"journals/{name}?month=2027-03&by={by.value}" for name in LAYOUTS]
    for place in (*(f"{name}.csv?month=2027-03" for name in exports.SHEETS), *layouts):
        file = finance.http.get(f"/staff/books/{place}")
        on_page[file.headers["content-disposition"].split('"')[1]] = file.content
    assert len(on_page) == len(exports.SHEETS) + len(LAYOUTS), "each has a name of its own"
    assert sorted(by_command) == sorted(on_page)
    assert [name for name, text in on_page.items() if by_command[name] != text] == []


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_no_cell_begins_as_a_formula_and_none_is_lost(rows: list[list[str]]) -> None:
    text = "".join(sheets.lines(("a", "b"), rows))
    back = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert not [cell for row in back for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert [[cell.removeprefix("'") for cell in row] for row in back] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert sheets.tame(major(-978)) == Decimal("-9.78"), "an amount stays a number"


@pytest.mark.usefixtures("busy_march")
def test_a_file_is_read_from_the_standby_where_one_is_set(world: World, staff: SignIn) -> None:
    """The address is the database's own here: a standby that was promoted."""
    world.restart(reports_database_url=world.url_of_database)
    standby = world.services.reports_standby
    assert standby is not None
    pool = standby.engine.pool
    assert isinstance(pool, sa.QueuePool)
    assert pool.checkedin() == 0
    file = staff("finance").http.get("/staff/books/invoices.csv?month=2027-03")
    assert "INV-000001" in file.text
    assert pool.checkedin() == 1
    standby.close()
