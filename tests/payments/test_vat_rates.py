"""The rates of VAT are rows: a new one counts from its first day on, for charges of that day and later, and changes no price (VAT-1)."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from click.testing import Result

from billing.payments import vat_rates
from billing.payments.vat_rates import UnknownVatRate, VatRateExists
from billing.platform.actors import Command
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Refusal
from billing.rules.tax import VatRate
from tests.payments.ledger_rows import SITE, noon
from tests.support.actors import BY
from tests.support.cli import run_on
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.statements import statements
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World, local

WHY = ("--reason", "the Budget of 2027")
TODAY = date(2027, 3, 1)
TOMORROW = TODAY + timedelta(days=1)


def run_vat(world: World, *words: str) -> Result:
    return run_on(world, "vat", *words)


def said(world: World, *words: str) -> str:
    done = run_vat(world, *words)
    assert done.exit_code == 0, done.output or done.exception
    return done.stdout


def refused(world: World, *words: str) -> str:
    done = run_vat(world, *words)
    assert isinstance(done.exception, Refusal), done.output
    return str(done.exception)


def add(world: World, percent: str, first_day: str) -> str:
    return said(world, "add", "--percent", percent, "--from", first_day, *WHY)


def withdraw(world: World, first_day: str) -> str:
    return said(world, "withdraw", "--from", first_day, *WHY)


def invoices(world: World) -> list[tuple[str, int, int, int]]:
    """Day, gross, VAT and rate of each tax invoice."""
    rows = world.rows(
        "SELECT issued_on, gross, vat, vat_basis_points FROM invoice WHERE state = 'paid' ORDER BY number"
    )
    return [(row["issued_on"].isoformat(), row["gross"], row["vat"], row["vat_basis_points"]) for row in rows]


def test_an_installation_begins_with_the_rates_so_far(world: World) -> None:
    assert said(world, "list") == "from 07 April 1993  14%\nfrom 01 April 2018  15%  (today's)\n"


def test_an_invoice_of_its_first_day_has_it_and_readers_pay_the_same(world: World, paid: Subscriber) -> None:
    assert add(world, "15.5", "2027-04-16") == "15.5% VAT from 16 April 2027 on. Readers pay what they did.\n"
    assert said(world, "list").endswith("15%  (today's)\nfrom 16 April 2027  15.5%  (to come)\n")
    world.advance_to(local(2027, 4, 17))
    assert invoices(world) == [("2027-03-16", 7500, 978, 1500), ("2027-04-16", 7500, 1006, 1550)]
    assert [charge["amount"] for charge in world.charges()] == [7500, 7500]
    receipt = world.letter(paid.email, "Tax invoice INV-000002").text
    assert "VAT at 15.5%" in receipt
    assert "R10.06" in receipt
    rates = world.rows(
        "SELECT DISTINCT vat_basis_points FROM ledger_transaction WHERE kind = 'invoice' ORDER BY 1"
    )
    assert [row["vat_basis_points"] for row in rates] == [1500, 1550]
    assert said(world, "list").endswith("from 16 April 2027  15.5%  (today's)\n")


def test_the_day_before_has_the_rate_before(world: World, paid: Subscriber) -> None:
    add(world, "15.5", "2027-04-17")
    world.advance_to(local(2027, 4, 17))
    assert invoices(world)[1] == ("2027-04-16", 7500, 978, 1500)


def test_a_period_that_fell_due_before_keeps_its_rate_when_it_is_paid_later(
    world: World, owing: Subscriber
) -> None:
    add(world, "15.5", "2027-04-17")
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], None)
    world.advance_to(local(2027, 5, 10))
    (_, (paid_on, *split)) = invoices(world)
    assert paid_on > "2027-04-17"
    assert split == [7500, 978, 1500]


def test_a_refund_keeps_the_rate_of_its_invoice(world: World, paid: Subscriber) -> None:
    add(world, "20", "2027-03-17")
    world.advance_to(local(2027, 3, 20))
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    world.api.post(f"/v1/payments/{payment}/refunds", json={"reason": "late"}).raise_for_status()
    world.settle()
    assert world.rows("SELECT vat, net FROM refund") == [{"vat": 978, "net": 6522}]
    assert "VAT at 15%" in world.letter(paid.email, "Credit note").text


@pytest.mark.parametrize(
    ("first_day", "without_trial", "vat"),
    [
        ("2027-03-16", False, "R10.06"),
        ("2027-03-17", False, "R9.78"),
        ("2027-03-16", True, "R9.78"),
    ],
)
def test_the_review_names_the_vat_of_the_first_charge(
    world: World, first_day: str, without_trial: bool, vat: str
) -> None:
    add(world, "15.5", first_day)
    browser = world.browser().again("/subscribe")
    browser.post("/subscribe", email="thandi@example.com")
    if without_trial:
        form = browser.get("/subscribe/review").text.partition('name="csrf" value="')[2].partition('"')[0]
        headers = {"origin": world.url, "sec-fetch-site": "same-origin"}
        browser.http.post("/subscribe/without-trial", data={"csrf": form}, headers=headers)
    assert f"incl. {vat} VAT" in browser.get("/subscribe/review").words
    assert f"incl. {vat} VAT" in browser.post("/subscribe/review").words, "when the box isn't ticked"


@pytest.mark.parametrize(("first_day", "vat"), [("2027-04-16", "R100.65"), ("2027-04-17", "R97.83")])
def test_a_change_of_plan_names_the_vat_of_its_first_charge(
    world: World, paid: Subscriber, first_day: str, vat: str
) -> None:
    add(world, "15.5", first_day)
    page = signed_in(world, paid.email).get("/account/plan?to=yearly")
    assert f"R750.00 on Friday 16 April 2027 incl. {vat} VAT" in page.words


def test_a_rate_to_come_is_withdrawn_and_the_one_before_goes_on(world: World, paid: Subscriber) -> None:
    add(world, "15.5", "2027-04-16")
    add(world, "16", "2027-04-20")
    assert withdraw(world, "2027-04-16") == "VAT is 15% on 16 April 2027.\n"
    world.advance_to(local(2027, 4, 17))
    assert invoices(world)[1] == ("2027-04-16", 7500, 978, 1500)
    world.advance_to(local(2027, 5, 17))
    assert invoices(world)[2][3] == 1600


def test_each_change_is_kept_with_its_reason(world: World, staff: SignIn) -> None:
    add(world, "15.50%", "2027-05-01")
    withdraw(world, "2027-05-01")
    lines = world.rows(f"SELECT {BY}, act, subject, reason, before, after FROM audit_line ORDER BY id")
    old, new = {"vat_percent": "15"}, {"vat_percent": "15.5"}
    common = {"by": "command", "subject": "2027-05-01", "reason": WHY[1]}
    assert lines == [
        {**common, "act": "add_vat_rate", "before": old, "after": new},
        {**common, "act": "withdraw_vat_rate", "before": new, "after": old},
    ]
    words = staff("admin").get("/staff/audit?act=add_vat_rate").words
    assert (
        f"Add a rate of VAT 2027-05-01 {WHY[1]} Before and after before: VAT, per cent 15 after: VAT, per cent 15.5"
        in words
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "--percent", "16", "--from", "2027-03-01"), "begins tomorrow or later"),
        (("add", "--percent", "16", "--from", "1990-01-01"), "begins tomorrow or later"),
        (("add", "--percent", "16", "--from", "2027-04-01"), "begins on that day already"),
        (("add", "--percent", "15", "--from", "2027-03-02"), "nothing would change"),
        (("withdraw", "--from", "2027-04-02"), "No rate of VAT begins on that day"),
        (("withdraw", "--from", "2018-04-01"), "This one has begun"),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_is_changed(
    world: World, words: tuple[str, ...], sentence: str
) -> None:
    add(world, "15.5", "2027-04-01")
    before = world.rows("SELECT * FROM vat_rate ORDER BY from_on")
    assert sentence in refused(world, *words, *WHY)
    assert "Say why" in refused(world, *words, "--reason", " ")
    assert world.rows("SELECT * FROM vat_rate ORDER BY from_on") == before
    assert len(world.rows("SELECT * FROM audit_line WHERE act LIKE '%vat_rate'")) == 1


def test_a_rate_begins_with_the_day_and_is_not_withdrawn_then(world: World) -> None:
    add(world, "15.5", "2027-03-02")
    world.skip_to(local(2027, 3, 2, 0))
    assert "has begun" in refused(world, "withdraw", "--from", "2027-03-02", *WHY)
    assert said(world, "list").endswith("from 02 March 2027  15.5%  (today's)\n")


@pytest.mark.parametrize("percent", ["15.555", "-1", "100.01", "fifteen", "NaN", "Infinity", ""])
def test_what_is_no_percentage_is_no_rate(world: World, percent: str) -> None:
    done = run_vat(world, "add", "--percent", percent, "--from", "2027-04-01", *WHY)
    assert done.exit_code == 2
    assert "percentage like 15 or 15.5" in done.output


def test_a_reason_must_be_given(world: World) -> None:
    assert run_vat(world, "add", "--percent", "16", "--from", "2027-04-01").exit_code == 2
    assert run_vat(world, "withdraw", "--from", "2027-04-01").exit_code == 2


def test_a_billing_run_reads_the_rates_once_a_batch(world: World) -> None:
    for number in range(5):
        world.start_trial(f"r{number}@example.com", f"pm_card_visa__{number}")
    world.advance_to(local(2027, 3, 16, 8))
    with statements(world.services.database) as sent:
        world.advance_to(local(2027, 3, 16, 9))
    assert len(invoices(world)) == 5
    assert len([statement for statement in sent if "vat_rate" in statement]) == 1


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def without_waiting(database: Database, do: Callable[[TransactionContext], object]) -> None:
    with database.begin(SITE, noon(TODAY), Command()) as ctx:
        fail_instead_of_waiting(ctx.session)
        do(ctx)


def test_of_two_who_add_a_rate_for_one_day_the_second_is_refused(database: Database) -> None:
    at, rate = noon(TODAY), VatRate(1550, TOMORROW)
    with database.begin(SITE, at, Command()) as ctx:
        vat_rates.add_rate(ctx, rate)
        with pytest.raises(sa.exc.OperationalError):
            without_waiting(database, lambda ctx: vat_rates.add_rate(ctx, VatRate(1600, TOMORROW)))
    with pytest.raises(VatRateExists), database.begin(SITE, at, Command()) as ctx:
        vat_rates.add_rate(ctx, VatRate(1600, TOMORROW))
    with database.transaction() as session:
        assert vat_rates.rates(session)[-1] == rate


def test_of_two_who_withdraw_a_rate_the_second_is_refused(database: Database) -> None:
    at = noon(TODAY)
    with database.begin(SITE, at, Command()) as ctx:
        vat_rates.add_rate(ctx, VatRate(1550, TOMORROW))
    with database.begin(SITE, at, Command()) as ctx:
        vat_rates.withdraw_rate(ctx, TOMORROW)
        with pytest.raises(sa.exc.OperationalError):
            without_waiting(database, lambda ctx: vat_rates.withdraw_rate(ctx, TOMORROW))
    with pytest.raises(UnknownVatRate), database.begin(SITE, at, Command()) as ctx:
        vat_rates.withdraw_rate(ctx, TOMORROW)
    with database.transaction() as session:
        assert vat_rates.rate_on(session, TOMORROW) == VatRate(1500, date(2018, 4, 1))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vat_rate SET basis_points = 1550",
        "INSERT INTO vat_rate (from_on, basis_points, added_at) VALUES ('2030-01-01', 10001, now())",
        "INSERT INTO vat_rate (from_on, basis_points, added_at) VALUES ('2030-01-01', -1, now())",
    ],
)
def test_the_database_refuses_another_rate_for_the_past_and_what_is_none(
    database: Database, statement: str
) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as session:
        session.execute(sa.text(statement))
