"""An account that settles in a currency other than the readers'. Our sums stay in rand, Stripe's in its own currency,
and the exchange loss is booked.
"""

from datetime import date
from typing import Any

import pytest

from billing.acquirer.balance_port import Movement
from billing.ledger.models import Account
from billing.ledger.post import Posting, post
from billing.payments import balance_mirror
from billing.platform.actors import WORKER
from billing.reconcile.reconcile import ComparisonReport, reconcile
from tests.reports.operator import broken, execute
from tests.support.books import rows_of
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

CHARGE_DAY = date(2027, 3, 16)
RATE = 0.055
"""US dollars for a rand: R75.00 are USD 4.125."""
CHARGE, FEE = 413, 23
"""US cents that settle for it, and the fee of R4.18."""


def compare(world: World, since: date = CHARGE_DAY, through: date | None = None) -> ComparisonReport:
    return reconcile(world.services.reconcile_context, since, through or since, world.now)


def differing(report: ComparisonReport) -> list[tuple[str, int | None, int | None]]:
    """Kind, our cents, Stripe's."""
    return [(one.kind.value, one.ours, one.theirs) for one in report.differences]


def stands(world: World) -> dict[tuple[str, str], int]:
    """The balances of accounts by currency and name, without those at zero."""
    rows = world.rows(
        "SELECT t.currency, e.account, sum(e.amount) AS amount FROM ledger_entry e"
        " JOIN ledger_transaction t ON t.id = e.transaction_id GROUP BY 1, 2 HAVING sum(e.amount) <> 0"
    )
    return {(row["currency"], row["account"]): int(row["amount"]) for row in rows}


def at_stripe(world: World) -> int:
    """What the account holds there, in its own currency."""
    return sum(row["net"] for row in world.sandbox.objects("balance_transaction"))


def cases(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT kind, what, theirs, currency FROM staff_case ORDER BY id")


def charged(world: World, *cards: str) -> list[str]:
    """Payments of a day on which the account settles in dollars."""

    def live() -> None:
        world.sandbox.banks("settle_in", currency="usd", rate=RATE)
        for number, card in enumerate(cards or ("pm_card_visa",)):
            world.start_trial(f"{number}@example.com", card)
        world.advance_to(local(2027, 3, 16, 12))

    world.once(f"charges in dollars of {cards}", live)
    return [
        row["id"]
        for row in world.rows(
            "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id ORDER BY r.email"
        )
    ]


def give_back(world: World, payment: str, amount: int | None = None) -> None:
    body = {"reason": "kind"} | ({"amount": amount} if amount else {})
    world.api.post(f"/v1/payments/{payment}/refunds", json=body).raise_for_status()
    world.settle()


def test_a_month_that_settles_in_dollars_is_clean_and_each_currency_adds_up(world: World) -> None:
    """Charges, a fee, a payout: rand where readers pay, dollars where Stripe holds and pays out."""
    charged(world)
    assert (
        world.sandbox.objects("balance_transaction")[0]
        | {"currency": "usd", "amount": CHARGE, "fee": FEE, "exchange_rate": RATE}
        == world.sandbox.objects("balance_transaction")[0]
    )
    assert differing(compare(world)) == []
    after = stands(world)
    assert after["ZAR", "conversion"] == 7500
    assert ("ZAR", "gateway") not in after, "no rand are at Stripe"
    assert after["USD", "gateway"] == CHARGE - FEE == at_stripe(world)
    assert (after["USD", "gateway_fees"], after["USD", "conversion"]) == (FEE, -CHARGE)
    world.advance_to(local(2027, 3, 27, 12))
    assert (stands(world)["USD", "bank"], at_stripe(world)) == (CHARGE - FEE, 0)
    assert ("USD", "gateway") not in stands(world)
    assert (differing(compare(world, CHARGE_DAY, date(2027, 3, 26))), cases(world)) == ([], [])
    [moved] = world.rows("SELECT * FROM balance_movement WHERE category = 'charge'")
    assert (moved["currency"], moved["exchange_rate"]) == ("USD", RATE)
    assert (moved["presented_amount"], moved["presented_currency"]) == (7500, "ZAR")
    assert broken(world) == {}


def test_a_refund_at_another_rate_books_what_the_rate_cost(world: World) -> None:
    [payment] = charged(world)
    compare(world)
    world.sandbox.banks("settle_in", currency="usd", rate=0.06)
    give_back(world, payment)
    assert differing(compare(world)) == []
    after = stands(world)
    assert after["USD", "exchange_differences"] == 450 - CHARGE, (
        "it cost as many cents more as it had brought in"
    )
    assert ("USD", "conversion") not in after
    assert ("ZAR", "conversion") not in after
    assert after["USD", "gateway"] == at_stripe(world)


def test_refunds_in_part_dispute_and_bounce_are_set_beside_the_charges_own_rate(world: World) -> None:
    partly, bounces, lost, won = charged(
        world, "pm_card_visa", "pm_card_refundFail", "pm_card_visa__2", "pm_card_visa__3"
    )
    compare(world)
    world.sandbox.banks("settle_in", currency="usd", rate=0.05)
    give_back(world, partly, 2500)
    give_back(world, bounces)
    refs = {row["id"]: row["charge_ref"] for row in world.rows("SELECT id, charge_ref FROM payment")}
    opened = [world.sandbox.banks("dispute", charge=refs[payment])["id"] for payment in (lost, won)]
    world.settle()
    assert differing(compare(world)) == []
    # A third of 413 is 138 cents and went back for 125, and each of the other three for 375.
    assert stands(world)["USD", "exchange_differences"] == 125 - 138 + 3 * (375 - CHARGE)
    world.sandbox.banks("settle_in", currency="usd", rate=RATE)
    world.advance_to(local(2027, 3, 17, 12))
    world.sandbox.banks("lose", dispute=opened[0])
    world.sandbox.banks("win", dispute=opened[1])
    world.settle()
    world.advance_to(local(2027, 4, 3, 12))
    assert differing(compare(world, CHARGE_DAY, date(2027, 4, 2))) == []
    after = stands(world)
    assert after["USD", "exchange_differences"] == 125 - 138 + 3 * (375 - CHARGE), (
        "what came back, did so at the first rate"
    )
    assert after.get(("USD", "gateway"), 0) == at_stripe(world)
    assert {case["kind"] for case in cases(world)} == {"refund_failed", "dispute"}


@pytest.mark.usefixtures("paid")
def test_an_account_that_begins_to_settle_in_dollars_pays_both_balances_out(world: World) -> None:
    world.advance_to(local(2027, 3, 20, 12))
    world.sandbox.banks("settle_in", currency="usd", rate=RATE)
    world.advance_to(local(2027, 4, 28, 12))
    assert {payout["currency"]: payout["amount"] for payout in world.sandbox.payouts()} == {
        "zar": 7082, "usd": CHARGE - FEE,
    }  # fmt: skip
    after = stands(world)
    assert (after["ZAR", "bank"], after["USD", "bank"]) == (7082, CHARGE - FEE)
    assert (cases(world), broken(world)) == ([], {})


def test_what_differs_is_told_in_the_currency_it_is_in(world: World, staff: SignIn) -> None:
    """An unknown charge in the reader's currency, and a correction of Stripe's in the account's."""
    charged(world)
    execute(world, "DELETE FROM payment")
    world.sandbox.banks("correct", amount=-1234, description="We found an error")
    report = compare(world)
    assert sorted(differing(report), key=str) == [
        ("unexpected_movement", None, -1234),
        ("unknown_charge", None, 7500),
    ]
    assert {(case["kind"], case["currency"]) for case in cases(world)} == {
        ("unexpected_movement", "USD"), ("unknown_charge", "ZAR"),
    }  # fmt: skip
    words = staff("finance").get("/staff/cases").words
    assert "moved R75.00" in words
    assert "USD 12.34" in words.replace("\u00a0", " ")


@pytest.mark.usefixtures("paid")
def test_the_same_number_of_another_currency_is_no_match(world: World) -> None:
    """7 500 US cents are no R75.00."""
    compare(world)
    execute(world, "UPDATE balance_movement SET currency = 'USD' WHERE category = 'charge'")
    [one] = compare(world).differences
    assert one.kind == "other_amount"
    assert "R75.00, by Stripe's USD 75.00" in one.what.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("currency", "words"), [("JPY", "JPY 1 234"), ("KWD", "KWD 1.234"), ("USDC", "USDC 12.34")]
)
@pytest.mark.usefixtures("paid")
def test_a_currency_of_any_kind_ends_nothing(world: World, currency: str, words: str) -> None:
    """Without decimals, with three, or none that is on any list."""
    execute(
        world,
        "INSERT INTO balance_movement (acquirer, ref, category, amount, fee, net, currency, description, at, available_at)"
        " VALUES ('stripe', 'txn_x', 'other_adjustment', 1234, 0, 1234, :currency, '', '2027-03-16 12:00+00', '2027-03-16')",
        currency=currency,
    )
    [one] = compare(world).differences
    assert words in one.what.replace("\u00a0", " ")


def test_the_books_of_a_month_show_each_currency_by_itself(world: World, staff: SignIn) -> None:
    charged(world)
    world.advance_to(local(2027, 3, 18, 12))
    finance = staff("finance")
    page = finance.get("/staff/books?month=2027-03").words.replace("\u00a0", " ")
    assert "Trial balance in USD" in page
    assert "Conversion" in page
    assert "Gateway fees what the acquirer keeps 0.00 0.23" in page
    journal = rows_of(finance.get("/staff/books/journal.csv?month=2027-03").text)
    fee = next(row for row in journal if row["account"] == "gateway_fees")
    assert (fee["debit, in its currency"], fee["credit, in its currency"], fee["currency"]) == (
        "0.23",
        "",
        "USD",
    )
    summary = finance.get("/staff/books/summary.csv?month=2027-03").text
    assert 'gateway USD,"after, USD",3.90' in summary
    # R75.00 settled for USD 4.13, so USD 3.90 are worth R70.82 in the books.
    assert "Book value, R" in page
    assert "3.90 70.82" in page
    assert 'gateway USD,"book value after, R",70.82,"Gateway, USD"' in summary


def test_a_balance_without_any_charge_in_its_currency_has_no_book_value(world: World, staff: SignIn) -> None:
    world.sandbox.banks("settle_in", currency="usd", rate=RATE)
    world.start_trial("0@example.com", "pm_card_visa")
    with world.services.database.transaction() as session:
        lines = {Account.GATEWAY_FEES: 23, Account.GATEWAY: -23}
        on = date(2027, 3, 1)
        post(session, Posting("gateway_fee", "txn_x", world.now, on, lines, currency="USD"))
    finance = staff("finance")
    assert "no rate known" in finance.get("/staff/books?month=2027-03").words
    summary = finance.get("/staff/books/summary.csv?month=2027-03").text.splitlines()
    assert 'gateway USD,"book value after, R",,"Gateway, USD"' in summary


def test_what_was_kept_without_what_was_paid_is_filled_in(world: World) -> None:
    """With the US cents and the rate alone, the charge's rand would stand in the gateway's account for ever."""
    charged(world)
    [row] = world.sandbox.objects("balance_transaction")
    execute(
        world,
        "INSERT INTO balance_movement (acquirer, ref, category, source_ref, amount, fee, net, currency, exchange_rate, description, at,"
        " available_at) VALUES ('stripe', :ref, 'charge', :source, :amount, :fee, :net, 'USD', :rate, '', :at, :at)",
        ref=row["id"], source=row["source"], amount=row["amount"], fee=row["fee"], net=row["net"], rate=RATE, at=world.now,
    )  # fmt: skip
    world.advance_to(local(2027, 3, 18, 12))
    assert world.rows("SELECT presented_amount, presented_currency FROM balance_movement WHERE category = 'charge'") == [
        {"presented_amount": 7500, "presented_currency": "ZAR"}
    ]  # fmt: skip
    after = stands(world)
    assert (after["ZAR", "conversion"], after["USD", "gateway"]) == (7500, at_stripe(world))
    assert ("ZAR", "gateway") not in after
    assert (cases(world), broken(world)) == ([], {})


def test_a_settlement_in_rand_stays_as_it_was(world: World, paid: Subscriber) -> None:
    compare(world)
    assert {currency for currency, _ in stands(world)} == {"ZAR"}
    assert not {"conversion", "exchange_differences"} & {account for _, account in stands(world)}
    assert world.rows("SELECT presented_amount, exchange_rate FROM balance_movement") == [
        {"presented_amount": None, "exchange_rate": None}
    ]


def dispute(world: World, payment: str, **how: Any) -> str:
    """The bank's, in the currency that the account settles in."""
    [row] = world.rows("SELECT charge_ref FROM payment WHERE id = :id", id=payment)
    found: str = world.sandbox.banks("dispute", charge=row["charge_ref"], settled=True, **how)["id"]
    return found


def disputed(world: World) -> list[int]:
    """Cents of disputes, as our books have them."""
    return [row["amount"] for row in world.rows("SELECT amount FROM dispute ORDER BY opened_at, id")]


@pytest.mark.parametrize(
    ("rate", "taken", "cents"), [(RATE, 413, 7500), (0.06, 450, 7500), (0.05, 375, 6810)]
)
def test_a_dispute_in_the_settlements_currency_is_booked_in_the_charges(
    world: World, rate: float, taken: int, cents: int
) -> None:
    """At the charge's rate, and the whole charge at most: what it takes beyond that, another rate cost."""
    [payment] = charged(world)
    world.sandbox.banks("settle_in", currency="usd", rate=rate)
    ref = dispute(world, payment)
    world.settle()
    assert (world.sandbox.disputes()[0]["currency"], world.sandbox.disputes()[0]["amount"]) == ("usd", taken)
    assert disputed(world) == [cents]
    world.advance(days=1)
    assert differing(compare(world)) == []
    after = stands(world)
    assert after["ZAR", "disputes"] == cents
    assert ("ZAR", "gateway") not in after
    assert after.get(("ZAR", "conversion"), 0) == 7500 - cents
    assert after["USD", "gateway"] == at_stripe(world)
    assert after.get(("USD", "exchange_differences"), 0) == max(0, taken - CHARGE)
    world.sandbox.banks("win", dispute=ref)
    world.settle()
    world.advance(days=2)
    assert differing(compare(world, CHARGE_DAY, date(2027, 3, 18))) == []
    after = stands(world)
    assert ("ZAR", "disputes") not in after
    assert after.get(("USD", "exchange_differences"), 0) == 0, "what came back, came back at the same rate"
    assert after["USD", "gateway"] == at_stripe(world)
    assert {case["kind"] for case in cases(world)} == {"dispute"}
    assert "R75.00" in cases(world)[0]["what"] or cents != 7500


def test_a_dispute_whose_event_is_lost_is_caught_up_with_in_the_charges_currency(world: World) -> None:
    [payment] = charged(world)
    world.sandbox.trouble({"type": "charge.dispute.*", "effect": "drop"})
    dispute(world, payment)
    world.settle()
    assert disputed(world) == []
    assert differing(compare(world)) == []
    assert disputed(world) == [7500]
    after = stands(world)
    assert (after["ZAR", "disputes"], after["USD", "gateway"]) == (7500, at_stripe(world))
    assert ("USD", "conversion") not in after
    assert {case["kind"] for case in cases(world)} == {"dispute"}


def test_an_inquiry_in_the_settlements_currency_that_becomes_a_dispute(world: World) -> None:
    [payment] = charged(world)
    ref = dispute(world, payment, inquiry=True)
    world.settle()
    assert disputed(world) == [7500]
    assert ("ZAR", "disputes") not in stands(world)
    world.sandbox.banks("settle_in", currency="usd", rate=0.06)
    world.sandbox.banks("lose", dispute=ref)
    world.settle()
    world.advance(days=1)
    assert differing(compare(world)) == []
    assert (disputed(world), stands(world)["ZAR", "disputes"]) == ([7500], 7500)


def test_a_dispute_in_dollars_of_an_account_that_settles_in_rand(world: World, paid: Subscriber) -> None:
    """What it takes beyond the charge is an exchange difference. A second withdrawal, which corrects the rate, is one as well."""
    charge = world.charges()[0]["id"]
    ref = world.sandbox.banks("dispute", charge=charge)["id"]
    world.settle()
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        for number, (amount, dollars) in enumerate([(-7620, -413), (-30, -413)]):
            moved = Movement(
                ref=f"txn_{number}", category="dispute", source_ref=ref, amount=amount, fee=0, net=amount, currency="ZAR",
                exchange_rate=18.45, description="", at=world.now, available_at=world.now, presented_amount=dollars,
                presented_currency="USD", charge_ref=charge,
            )  # fmt: skip
            balance_mirror.keep_movements(ctx, "stripe", [moved])
    after = stands(world)
    assert after["ZAR", "disputes"] == 7500
    assert after["ZAR", "gateway"] == 7500 - 7620 - 30
    assert after["ZAR", "exchange_differences"] == 120 + 30
    assert ("ZAR", "conversion") not in after
    assert {currency for currency, _ in after} == {"ZAR"}


def test_a_dispute_of_a_charge_that_is_not_ours_is_told_in_its_own_currency(world: World) -> None:
    [payment] = charged(world)
    ref = dispute(world, payment)
    execute(world, "DELETE FROM payment")
    world.sandbox.trouble({"type": "payment_intent.*", "effect": "drop"})
    world.settle()
    found = [case for case in cases(world) if case["kind"] == "unknown_dispute"]
    assert ref
    assert [(case["theirs"], case["currency"]) for case in found] == [(-413, "USD")]
    assert "USD 4.13" in found[0]["what"].replace("\u00a0", " ")
