"""The VAT201 return: its periods, its fields, and books that stay as the return says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from billing.ledger.models import Account
from billing.ledger.post import Posting, post
from billing.reports import vat_return
from billing.rules.tax import VatRate
from billing.rules.vat_periods import VatCategory, after, before, period_of
from billing.rules.vat_return import Supplies, vat201
from tests.reports.operator import broken
from tests.reports.test_bookkeeper_files import live_through_march
from tests.support.locked_table import LockedTable
from tests.support.polling import until
from tests.support.staff_members import SignIn
from tests.support.world import World

STANDARD = VatRate(1500, date(2018, 4, 1))
FILED = "VAT201 2027/02-03"


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.sampled_from(list(VatCategory)))
def test_tax_periods_follow_each_other_without_a_gap(day: date, category: VatCategory) -> None:
    period = period_of(day, category)
    assert period.first <= day <= period.last
    assert {period_of(period.first, category), period_of(period.last, category)} == {period}
    assert after(period, category).first == period.last + timedelta(days=1)
    assert before(after(period, category), category) == period
    months = {VatCategory.A: {1, 3, 5, 7, 9, 11}, VatCategory.B: {2, 4, 6, 8, 10, 12}}
    assert period.last.month in months.get(category, set(range(1, 13)))


def test_fields_add_up_and_rounding_is_named() -> None:
    sold = [Supplies(1500, 7500, 978, is_credit=False)] * 3
    made = vat201(
        [*sold, Supplies(1400, 11400, 1400, is_credit=False), Supplies(1500, -7500, -978, is_credit=True)],
        STANDARD,
    )
    assert (made.standard_rated, made.output_tax, made.other_rates) == (22500, 2935, 1400)
    assert (made.total_output, made.credit_notes, made.payable) == (4335, 978, 3357)
    assert (made.in_the_books, made.rounding) == (3356, 1)


@pytest.fixture
def march(world: World) -> None:
    """A March with sales and a refund, in tax periods that end in odd months. It is 2 April."""
    world.once("a March for the bookkeeper", lambda: live_through_march(world))
    world.restart(vat_category="A")


@pytest.mark.usefixtures("march")
def test_finance_files_a_return_and_the_books_stay_what_it_says(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    page = finance.get("/staff/books/vat-return")
    assert "VAT return, 1 Feb 2027 to 31 Mar 2027" in page.words
    assert "20 Payable, before the input tax of your purchases 16.31" in page.words
    refused = finance.post("/staff/books/vat-return/close", reference=" ")
    assert refused.status == 422
    assert "Write down the reference of the return" in refused.words
    page = finance.post("/staff/books/vat-return/close", reference=FILED)
    assert f"Filed: {FILED}" in page.words
    file = finance.http.get("/staff/books/vat201.csv?month=2027-03")
    assert "vat201-2027-02-01-to-2027-03-31.csv" in file.headers["content-disposition"]
    filed = returned(world)
    post_late(world, date(2027, 3, 30))
    assert returned(world) == filed, "found late: it goes into the next return"
    [late] = world.rows("SELECT \"on\", supply_on FROM ledger_transaction WHERE source_id = 'late'")
    assert late == {"on": date(2027, 4, 1), "supply_on": date(2027, 3, 30)}
    lines = world.rows("SELECT act, subject, after FROM audit_line WHERE act LIKE '%vat_period'")
    assert [(line["act"], line["subject"], line["after"]["payable_cents"]) for line in lines] == [
        ("close_vat_period", "2027-03-31", 1630)
    ]
    assert broken(world) == {}


def returned(world: World) -> int:
    with world.services.database.transaction() as session:
        return vat_return.of_period(session, date(2027, 2, 1), date(2027, 3, 31)).in_the_books


def post_late(world: World, on: date) -> None:
    """A sale that is learnt of long after its day."""
    with world.services.database.transaction() as session:
        post_late_in(session, world, on)


def post_late_in(session: Session, world: World, on: date) -> None:
    lines = {Account.GATEWAY: 7500, Account.VAT_OUTPUT: -978, Account.REVENUE: -6522}
    post(session, Posting("invoice", "late", world.now, on, lines, vat_basis_points=1500))


@pytest.mark.usefixtures("march")
def test_a_period_is_closed_though_nothing_is_deferred_any_more(world: World, staff: SignIn) -> None:
    """Then the mark of the earned days stays where it is."""
    world.execute("UPDATE recognition_mark SET through = '2027-03-20'")
    finance = staff("finance")
    finance.get("/staff/books/vat-return")
    refused = finance.post("/staff/books/vat-return/close", reference=FILED)
    assert (refused.status, world.rows("SELECT * FROM closed_period")) == (409, []), (
        "days are still to be earned"
    )
    world.execute("UPDATE deferral SET counts_until = '2027-03-21'")
    page = finance.post("/staff/books/vat-return/close", reference=FILED)
    assert f"Filed: {FILED}" in page.words


@pytest.mark.usefixtures("march")
def test_nothing_else_writes_into_closed_days(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    finance.get("/staff/books/vat-return")
    finance.post("/staff/books/vat-return/close", reference=FILED)
    insert = 'INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, currency) VALUES'
    with pytest.raises(sa.exc.DBAPIError, match="closed through 2027-03-31"):
        with world.services.database.transaction() as session:
            session.execute(sa.text(f"{insert} ('invoice', 'x', now(), '2027-03-31', '2027-03-31', 'ZAR')"))


@pytest.mark.usefixtures("march")
def test_a_return_is_corrected_with_a_reason(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    finance.get("/staff/books/vat-return")
    finance.post("/staff/books/vat-return/close", reference=FILED)
    assert finance.post("/staff/books/vat-return/reopen", month="2027-03", reason=" ").status == 422
    page = finance.post("/staff/books/vat-return/reopen", month="2027-03", reason="a purchase was missing")
    assert "Close the books" in page.words
    post_late(world, date(2027, 3, 30))
    [late] = world.rows("SELECT \"on\" FROM ledger_transaction WHERE source_id = 'late'")
    assert late["on"] == date(2027, 3, 30)
    page = finance.post("/staff/books/vat-return/close", month="2027-03", reference="again")
    assert "Filed: again" in page.words


@pytest.mark.usefixtures("march")
def test_a_period_that_is_not_over_is_not_closed(world: World, staff: SignIn) -> None:
    finance = staff("finance")
    page = finance.get("/staff/books/vat-return?month=2027-04")
    assert "This period isn’t over" in page.words
    assert "Close the books" not in page.words
    finance.get("/staff/books/vat-return")
    refused = finance.post("/staff/books/vat-return/close", month="2027-04", reference="early")
    assert (refused.status, world.rows("SELECT * FROM closed_period")) == (409, [])
    assert staff("support").get("/staff/books/vat-return").status == 403


@pytest.mark.usefixtures("march")
def test_a_posting_under_way_waits_for_the_close(world: World, staff: SignIn) -> None:
    """Close waits for it, so its figures include it; a posting that begins later lands on the first open day."""
    finance = staff("finance")
    finance.get("/staff/books/vat-return")
    with psycopg.connect(world.url_of_database) as watching, ThreadPoolExecutor(1) as other:
        with world.services.database.transaction() as session:
            post_late_in(session, world, date(2027, 3, 30))
            closing = other.submit(finance.post, "/staff/books/vat-return/close", reference=FILED)
            until(lambda: LockedTable(watching, "ledger_transaction").waiting == 1, "the close to wait")
        closing.result()
    assert world.rows("SELECT payable FROM closed_period") == [{"payable": 1630 + 978}]
