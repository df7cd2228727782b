"""After an outage a reader pays once, for the present month; missed periods are free."""

import pytest
import sqlalchemy as sa

from billing.billing_run.run import run
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


@pytest.mark.prove
def test_three_months_without_a_worker_are_one_charge(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 3, 20))
    world.skip_to(local(2027, 6, 25, 14))
    locked = world.articles["subscriber"][0]
    assert world.access(locked, paid.reader_id)["reason"] == "subscription", "a late job locks no payer out"
    world.settle()
    assert world.charged_at() == ["2027-03-16 09:00", "2027-06-25 14:00"]
    after = world.subscription(paid.subscription_id)
    assert (after["period_start"], after["period_end"]) == ("2027-06-16", "2027-07-16")
    invoices = world.rows("SELECT period_number, number FROM invoice ORDER BY period_number")
    assert [(row["period_number"], row["number"]) for row in invoices] == [(1, 1), (4, 2)]
    world.settle()
    world.advance_to(local(2027, 7, 16, 8, 59, 59))
    assert len(world.charges()) == 2
    world.advance_to(local(2027, 7, 16, 9))
    assert world.charged_at()[-1] == "2027-07-16 09:00", "back on the old day, counted from the anchor"


def test_a_second_run_on_the_same_day_finds_nothing_to_do(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 4, 16, 9))
    for hour in (9, 12, 23):
        world.advance_to(local(2027, 4, 16, hour, 30))
        world.settle()
    assert world.charged_at() == ["2027-03-16 09:00", "2027-04-16 09:00"]
    assert world.mail_kinds(paid.email).count("receipt") == 2


def test_cancelled_before_the_renewal_that_nobody_was_there_to_make(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 4, 10))
    world.skip_to(local(2027, 4, 20))
    world.api.post(f"/v1/subscriptions/{paid.subscription_id}/cancel", json={}).raise_for_status()
    assert not world.access(world.articles["subscriber"][0], paid.reader_id)["allowed"]
    world.advance_to(local(2027, 6, 1))
    assert world.charged_at() == ["2027-03-16 09:00"]
    assert world.subscription(paid.subscription_id)["status"] == "ended"


def test_one_run_ends_the_open_page_and_makes_the_charge_that_waited_for_it(
    world: World, owing: Subscriber
) -> None:
    """A run also does the work that it makes due. The doctor looks right after it, and would report the rest."""
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    browser.sent_to("/pay/page")
    world.settle()
    (retry,) = world.rows("SELECT retry_on FROM subscription")
    world.skip_to(local(2027, retry["retry_on"].month, retry["retry_on"].day, 14))
    run(world.services.run_context, world.now)
    left = world.rows("SELECT next_action FROM subscription WHERE next_action_at <= :at", at=world.now)
    assert left == []
    states = world.rows("SELECT state FROM attempt ORDER BY intended_at, ordinal")
    assert [row["state"] for row in states] == ["charged", "declined", "not_sent", "declined"]


@pytest.mark.prove
def test_whatever_lives_has_a_next_action(world: World) -> None:
    """One of each kind, checked on every day of two months: all due work is found."""
    cards = {"pays": "pm_card_visa", "declines": "pm_card_chargeCustomerFail", "asks": "pm_card_visa__x"}
    begun = {name: world.start_trial(f"{name}@example.com", card) for name, card in cards.items()}
    world.advance_to(local(2027, 3, 10))
    world.api.post(f"/v1/subscriptions/{begun['asks']['subscription']['id']}/cancel", json={})
    for _ in range(20):
        world.advance(days=2, hours=11)
        rows = world.rows("SELECT state, next_action, next_action_at, charging_since FROM subscription")
        for row in rows:
            assert (row["next_action"] is None) == (row["state"] == "ended")
            assert row["state"] == "ended" or row["next_action_at"] > world.now
            assert row["charging_since"] is None
    states = {row["state"] for row in world.rows("SELECT state FROM subscription")}
    assert states == {"active", "ended"}


def test_one_that_cannot_be_worked_on_holds_up_no_other(world: World) -> None:
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(3)]
    world.advance_to(local(2027, 3, 15))
    broken = begun[0]["subscription"]["id"]
    with world.services.database.transaction() as session:
        session.execute(
            sa.text("UPDATE subscription SET next_action = 'nonsense' WHERE id = :id"), {"id": broken}
        )
    world.advance_to(local(2027, 3, 16, 10, 30))
    assert world.charged_at() == ["2027-03-16 09:00"] * 2
    locked = world.articles["subscriber"][0]
    assert world.access(locked, begun[0]["reader"]["id"])["reason"] == "trial", "our fault locks nobody out"
    with world.services.database.transaction() as session:
        session.execute(
            sa.text("UPDATE subscription SET next_action = 'first_charge' WHERE id = :id"), {"id": broken}
        )
    world.advance_to(local(2027, 3, 16, 11))
    assert world.charged_at(of=begun[0]["reader"]["id"]) == ["2027-03-16 11:00"], "looked at again each hour"
