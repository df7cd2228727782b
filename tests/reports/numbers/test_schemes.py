"""Disputes against the thresholds of the card schemes, by the month that each scheme measures."""

from datetime import date

import pytest

from tests.reports.numbers.asked import figures, tables
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

MARCH, APRIL = date(2027, 3, 1), date(2027, 4, 1)
CARDS = ("pm_card_visa__1", "pm_card_visa__2", "pm_card_mastercard", "pm_card_amex", "pm_card_visa__3")


def test_chargebacks_count_by_scheme_and_inquiries_do_not(world: World) -> None:
    for number, card in enumerate(CARDS):
        world.start_trial(f"reader{number}@example.com", card)
    world.advance_to(local(2027, 3, 16, 12))
    paid = world.rows(
        "SELECT p.charge_ref FROM payment p JOIN reader r ON r.id = p.reader_id ORDER BY r.email"
    )
    for number, row in enumerate(paid[1:4]):
        world.sandbox.banks("dispute", charge=row["charge_ref"], inquiry=number == 2)
    world.settle()
    found = figures(world, MARCH, date(2027, 3, 31))
    assert (found["disputes"].value, found["dispute-rate"].value) == (2, 4000)
    by_scheme = {str(row[1]): row[2:] for row in tables(world, MARCH, date(2027, 3, 31))["disputes"].rows}
    assert by_scheme == {
        "American Express": (1, 0, 0, 0, None, None, "no threshold"),
        "Mastercard": (1, 1, 0, None, 150, 100, "no"),  # there was no payment in the month before
        "Visa": (3, 1, 0, 3333, 150, 1500, "no"),  # the rate is reached, and the number is not
    }


def test_fraud_that_an_issuer_reports_counts_for_its_scheme(world: World) -> None:
    world.start_trial("sure@example.com", "pm_card_visa__1")
    world.start_trial("thandi@example.com", "pm_card_createIssuerFraudRecord")
    world.advance_to(local(2027, 3, 16, 12))
    assert [row["kind"] for row in world.rows("SELECT kind FROM staff_case")] == ["fraud_warning"]
    shown = tables(world, MARCH, date(2027, 3, 31))
    assert shown["disputes"].rows == ((MARCH, "Visa", 2, 0, 1, 5000, 150, 1500, "no"),)
    assert shown["dispute-rates"].rows == ((MARCH, 5000, 150),)
    world.execute("UPDATE staff_case SET kind = 'lost_start'")
    assert tables(world, MARCH, date(2027, 3, 31))["disputes"].rows[0][4:6] == (0, 0), "cases of other kinds"


def keep(world: World, on: date, of: str, **values: int) -> None:
    """Keep what a day brought, as if there had been so many."""
    for measure, value in values.items():
        world.execute(
            "INSERT INTO number_day (day, measure, of, value) VALUES (:on, :measure, :of, :value)",
            on=on,
            measure=measure,
            of=of,
            value=value,
        )


@pytest.mark.parametrize(("short", "reached"), [(0, "reached"), (1, "no")])
def test_a_threshold_is_reached_by_rate_and_number(
    world: World, paid_twice: Subscriber, short: int, reached: str
) -> None:
    assert paid_twice, "a Visa card paid on 16 March"
    keep(world, date(2027, 3, 20), "visa", payments=99_999, disputes=1400 - short, warnings=100)
    keep(world, date(2027, 3, 20), "mastercard", payments=8000)
    keep(world, date(2027, 4, 2), "mastercard", payments=10, disputes=120 - short)
    shown = tables(world, MARCH, date(2027, 4, 15))
    rate = 150 - short
    assert shown["disputes"].rows == (
        (MARCH, "Mastercard", 8000, 0, 0, None, 150, 100, "no"),
        (MARCH, "Visa", 100_000, 1400 - short, 100, 150, 150, 1500, reached),
        (APRIL, "Mastercard", 10, 120 - short, 0, rate, 150, 100, reached),
        (APRIL, "Visa", 0, 0, 0, None, 150, 1500, "no"),
    )
    assert shown["dispute-rates"].rows == ((MARCH, None, 150, 150, 150), (APRIL, rate, 150, None, 150))
