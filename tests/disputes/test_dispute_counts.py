"""Disputes won and lost by month and card scheme, which agree with the ledger."""

from datetime import date

from billing.reports import books, dispute_counts
from tests.support.books import book_text
from tests.support.leaps import leap_to
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

CARDS = ("pm_card_visa__1", "pm_card_visa__2", "pm_card_mastercard", "pm_card_amex", "pm_card_visa__3")


def balances(world: World) -> dict[str, int]:
    """The ledger's cents by account."""
    rows = world.rows("SELECT account, sum(amount) AS cents FROM ledger_entry GROUP BY account")
    return {row["account"]: int(row["cents"]) for row in rows}


def test_won_lost_and_open_agree_with_the_ledger(world: World, staff: SignIn) -> None:
    for number, card in enumerate(CARDS):
        world.start_trial(f"reader{number}@example.com", card)
    leap_to(world, local(2027, 3, 16, 12), days=9)
    paid = world.rows(
        "SELECT p.charge_ref FROM payment p JOIN reader r ON r.id = p.reader_id ORDER BY r.email"
    )
    won, lost, undecided, inquiry = (
        world.sandbox.banks("dispute", charge=row["charge_ref"], inquiry=number == 3)["id"]
        for number, row in enumerate(paid[:4])
    )
    world.settle()
    world.sandbox.banks("win", dispute=won)
    world.sandbox.banks("lose", dispute=lost)
    world.settle()
    assert undecided
    assert inquiry
    with world.services.database.transaction() as session:
        found = dispute_counts.count(session, world.now.date(), world.services.site.zone)
    month = found.months[0]
    assert (month.charges, month.opened, month.inquiries) == (5, 3, 1)
    assert (month.won, month.lost, month.undecided, month.share_won) == (1, 1, 1, 0.5)
    assert month.rate == 3 / 5
    books = balances(world)
    assert month.cents_lost == books["refunds"] == 7500
    assert month.cents_open == books["disputes"] == 7500
    assert {name: row.opened for name, row in found.schemes.items()} == {
        "amex": 0,
        "mastercard": 1,
        "visa": 2,
    }
    words = staff("finance").get("/staff/disputes").words
    assert "March 2027 5 60.00% 3 1 1 1 50% R75.00 incl. VAT 1" in words
    assert "Mastercard 1" in words
    assert "February 2027 0 no charges" in words


def test_fees_with_their_vat_agree_with_the_ledger(world: World, paid: Subscriber, staff: SignIn) -> None:
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.advance_to(local(2027, 3, 19, 12))
    with world.services.database.transaction() as session:
        lines = books.fees(session, date(2027, 3, 1), date(2027, 3, 31))
        days = books.fees(session, date(2027, 3, 1), date(2027, 3, 31), by_day=True)
    assert {line.category for line in lines} == {"charge", "dispute"}
    assert sum(line.gross for line in lines) == sum(line.gross for line in days)
    assert sum(line.gross for line in lines) == balances(world)["gateway_fees"] > 0
    assert all(line.vat == round(line.gross * 15 / 115) for line in lines)
    finance = staff("finance")
    words = finance.get("/staff/books?month=2027-03").words
    assert "Gateway fees What the acquirer kept" in words
    assert "Disputes 1 ZAR" in words
    assert "2027-03-16,charge,1," in book_text(world, "fees", date(2027, 3, 1), date(2027, 3, 31))
