"""A subscriber's months in the ledger: the postings of each fact, and the balances."""

import pytest

from tests.support.compensation import extend, refund
from tests.support.leaps import leap_to
from tests.support.ledger_queries import balances, journal, recognised
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


@pytest.fixture
def ten_days_paid(world: World, paid: Subscriber) -> Subscriber:
    """Ten days of the first month are earned: it is noon of 26 March."""
    fast_forward(world, local(2027, 3, 26, 12))
    return paid


SOLD = [
    "2027-03-16 invoice: receivable +7500, deferred_revenue -6522, vat_output -978",
    "2027-03-16 payment: gateway +7500, receivable -7500",
]


def test_three_months_of_a_subscriber(world: World, notified: Subscriber) -> None:
    world.advance_to(local(2027, 3, 16, 8))
    assert journal(world) == [], "a trial is no sale"
    world.advance_to(local(2027, 3, 16, 12))
    assert journal(world) == SOLD
    assert recognised(world) == [], "a day is earned when it is over"
    world.advance_to(local(2027, 3, 18))
    assert recognised(world) == [("2027-03-16", 211), ("2027-03-17", 211)]
    leap_to(world, local(2027, 4, 16, 8), days=1)
    assert balances(world) == {"gateway": 7500, "vat_output": -978, "revenue": -6522}
    assert len(recognised(world)) == 31
    world.advance_to(local(2027, 4, 16, 12))
    leap_to(world, local(2027, 5, 16, 12), days=1)
    leap_to(world, local(2027, 6, 16, 8), days=1)
    assert balances(world) == {"gateway": 22500, "vat_output": -2934, "revenue": -3 * 6522}
    days = [day for day, _ in recognised(world)]
    assert len(days) == 92
    assert (days[0], days[-1]) == ("2027-03-16", "2027-06-15")
    assert [line.split(":")[0] for line in journal(world)] == [
        f"2027-0{month}-16 {kind}" for month in (3, 4, 5) for kind in ("invoice", "payment")
    ]


def test_a_refund_in_full_takes_the_unearned_first_and_the_rest_from_revenue(
    world: World, ten_days_paid: Subscriber
) -> None:
    assert balances(world)["revenue"] == -2110
    refund(world)
    assert journal(world) == [
        *SOLD,
        "2027-03-26 refund: deferred_revenue +4412, refunds +2110, vat_output +978, gateway -7500",
    ]
    leap_to(world, local(2027, 4, 16, 8), days=1)
    assert balances(world) == {"revenue": -2110, "refunds": 2110}
    assert recognised(world)[-1] == ("2027-03-25", 211)


def test_refunds_in_parts_come_from_what_is_still_to_come(world: World, ten_days_paid: Subscriber) -> None:
    refund(world, amount=2500)
    refund(world, amount=2501)
    world.advance(minutes=1)
    assert [line for line in journal(world) if "refund" in line] == [
        "2027-03-26 refund: deferred_revenue +2174, vat_output +326, gateway -2500,"
        " deferred_revenue +2175, vat_output +326, gateway -2501",
    ]
    leap_to(world, local(2027, 4, 16, 8), days=1)
    assert balances(world) == {
        "gateway": 2499,
        "vat_output": -(978 - 652),
        "revenue": -(6522 - 2174 - 2175),
    }
    assert [cents for day, cents in recognised(world) if "2027-03-25" <= day <= "2027-03-27"] == [211, 3, 3]


def test_the_last_part_gives_back_exactly_what_is_left_of_the_vat(world: World, paid: Subscriber) -> None:
    for amount in (3, 7497):
        refund(world, amount=amount)
        world.advance(seconds=1)
    split = world.rows("SELECT sum(net) AS net, sum(vat) AS vat FROM refund")[0]
    assert (split["net"], split["vat"]) == (6522, 978)
    assert balances(world) == {}


def test_a_refund_that_bounces_is_owed_and_its_credit_note_stands(world: World) -> None:
    world.start_trial("nomsa@example.com", "pm_card_refundFail")
    leap_to(world, local(2027, 3, 16, 12), days=9)
    refund_id = refund(world)
    assert balances(world) == {}
    world.advance(days=2)
    row = world.rows("SELECT * FROM refund WHERE id = :id", id=refund_id)[0]
    assert (row["state"], row["credit_note_number"], row["failure"]) == ("failed", 1, "lost_or_stolen_card")
    assert journal(world)[-1] == "2027-03-17 refund_bounced: gateway +7500, refunds_owed -7500"
    assert balances(world) == {"gateway": 7500, "refunds_owed": -7500}
    again = world.api.post(
        f"/v1/payments/{row['payment_id']}/refunds",
        json={"reason": "again"},
        headers={"Idempotency-Key": "again"},
    )
    assert again.status_code == 409, "what is owed by other means is not given back to the card as well"


def test_a_charge_that_raced_a_cancellation_leaves_the_books_as_they_were(
    world: World, paid: Subscriber
) -> None:
    asked = {"requested_at": "2027-03-10T12:00:00+02:00", "refund": "auto"}
    address = f"/v1/subscriptions/{paid.subscription_id}/cancel"
    world.api.post(address, json=asked, headers={"Idempotency-Key": "c"}).raise_for_status()
    world.settle()
    assert journal(world) == [
        *SOLD,
        "2027-03-16 refund: deferred_revenue +6522, vat_output +978, gateway -7500",
    ]
    world.advance(days=3)
    assert (balances(world), recognised(world)) == ({}, [])


@pytest.mark.parametrize("late_days", [0, 9])
def test_a_worker_that_was_down_posts_each_day_under_its_own_date(
    world: World, paid: Subscriber, late_days: int
) -> None:
    world.skip_to(local(2027, 3, 17 + late_days, 12))
    refund(world, amount=2500)
    leap_to(world, local(2027, 4, 16, 8), days=1)
    assert [day for day, _ in recognised(world)] == [f"2027-03-{day}" for day in range(16, 32)] + [
        f"2027-04-{day:02}" for day in range(1, 16)
    ]
    assert [cents for _, cents in recognised(world)][: 1 + late_days] == [211] * (1 + late_days)
    assert balances(world) == {"gateway": 5000, "vat_output": -652, "revenue": -(6522 - 2174)}


def test_a_payment_that_came_late_has_earned_the_days_before_it(world: World, in_trial: Subscriber) -> None:
    browser = world.browser()
    browser.start("nomsa@example.com", "4000000000000341")
    leap_to(world, local(2027, 3, 18, 12), days=11)
    assert journal(world) == SOLD
    browser.get("/account")
    card_page = browser.sent_to("/account/card")
    browser.get(world.sandbox.fill_in(card_page))
    world.settle()
    assert journal(world)[2:] == [
        "2027-03-18 invoice: receivable +7500, deferred_revenue -6100, vat_output -978, revenue -422",
        "2027-03-18 payment: gateway +7500, receivable -7500",
    ]
    leap_to(world, local(2027, 4, 16, 8), days=1)
    assert balances(world) == {"gateway": 15000, "vat_output": -1956, "revenue": -13044}


def test_days_given_on_top_of_a_paid_period_cost_goodwill(world: World, paid: Subscriber) -> None:
    leap_to(world, local(2027, 3, 20, 12), days=1)
    extend(world, paid.subscription_id, days=7)
    assert journal(world)[-1] == "2027-03-20 goodwill: goodwill +1473, deferred_revenue -1473"
    leap_to(world, local(2027, 4, 23, 8), days=1)
    assert balances(world) == {
        "gateway": 7500,
        "vat_output": -978,
        "revenue": -(6522 + 1473),
        "goodwill": 1473,
    }
    assert recognised(world)[-1] == ("2027-04-22", 210)


def test_a_refund_in_full_ends_given_days_too(world: World, paid: Subscriber) -> None:
    extend(world, paid.subscription_id, days=7)
    refund(world)
    assert balances(world) == {}
