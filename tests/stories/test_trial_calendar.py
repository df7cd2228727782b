"""The free days and the charge days as a calendar."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.support.leaps import leap_to
from tests.support.proof_size import only_at_length
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

STARTS = {
    "at any time of 1 March": (
        [local(2027, 3, 1, 0, 1), local(2027, 3, 1, 10), local(2027, 3, 1, 23, 59)],
        "2027-03-15",
        local(2027, 3, 16, 9),
    ),
    "on 31 January": ([local(2027, 1, 31, 12)], "2027-02-14", local(2027, 2, 15, 9)),
    "on 29 February": ([local(2028, 2, 29, 1, 30)], "2028-03-14", local(2028, 3, 15, 9)),
    "before Christmas": ([local(2027, 12, 20, 23, 30)], "2028-01-03", local(2028, 1, 4, 9)),
    "so that it ends on 29 February": ([local(2028, 2, 15, 8)], "2028-02-29", local(2028, 3, 1, 9)),
}


@pytest.mark.parametrize(("starts", "last_free_day", "charge_at"), STARTS.values(), ids=STARTS.keys())
def test_fourteen_days_are_free_and_the_fifteenth_is_charged_at_nine(
    make_world: Callable[..., World], starts: list[datetime], last_free_day: str, charge_at: datetime
) -> None:
    world = make_world(starts[0])
    midnight, readers = charge_at.replace(hour=0), {}
    for number, start in enumerate(starts):
        world.advance_to(start)
        begun = world.start_trial(f"naledi{number}@example.com", f"pm_card_visa__{number}")
        subscription = begun["subscription"]
        readers[f"naledi{number}@example.com"] = begun["reader"]["id"], subscription["id"]
        assert subscription["status"] == "trialing"
        assert datetime.fromisoformat(subscription["trial_ends_at"]) == midnight
        assert datetime.fromisoformat(subscription["next_charge"]["at"]) == charge_at
    assert f"{midnight - timedelta(seconds=1):%Y-%m-%d}" == last_free_day
    locked = world.articles["subscriber"][0]

    leap_to(world, midnight - timedelta(seconds=1), days=9)
    for moment in (midnight - timedelta(seconds=1), midnight, charge_at - timedelta(seconds=1)):
        world.advance_to(moment)
        assert [world.access(locked, each)["reason"] for each, _ in readers.values()] == ["trial"] * len(
            starts
        )
        assert world.sandbox.charges() == []
    day = f"{charge_at:%Y-%m-%d}"
    notices = [f"first notice for {day}", f"second notice for {day}"]
    for email in readers:
        assert world.mail_kinds(email) == ["trial_started", *notices]

    world.advance_to(charge_at)
    for email, (reader, subscription_id) in readers.items():
        assert world.charged_at(of=reader) == [f"{day} 09:00"]
        (charge,) = world.charges(of=reader)
        assert (charge["amount"], charge["currency"]) == (7500, "zar")
        assert world.access(locked, reader)["reason"] == "subscription"
        assert world.mail_kinds(email) == ["trial_started", *notices, "receipt"]
        after = world.subscription(subscription_id)
        assert (after["status"], after["period_start"], after["trial_ends_at"]) == ("active", day, None)


def days(text: str) -> list[str]:
    """A calendar as it is read."""
    return text.split()


ON_THE_31ST = days("""
2028-01-31 2028-02-29 2028-03-31 2028-04-30 2028-05-31 2028-06-30 2028-07-31 2028-08-31 2028-09-30 2028-10-31
2028-11-30 2028-12-31 2029-01-31 2029-02-28 2029-03-31
""")
ON_THE_29TH = days("""
2028-01-29 2028-02-29 2028-03-29 2028-04-29 2028-05-29 2028-06-29 2028-07-29 2028-08-29 2028-09-29 2028-10-29
2028-11-29 2028-12-29 2029-01-29 2029-02-28 2029-03-29
""")
ON_LEAP_DAY = days("""
2028-02-29 2028-03-29 2028-04-29 2028-05-29 2028-06-29 2028-07-29 2028-08-29 2028-09-29 2028-10-29 2028-11-29
2028-12-29 2029-01-29 2029-02-28 2029-03-29
""")


@only_at_length
@pytest.mark.prove
def test_a_year_of_months_begins_on_the_same_day_or_the_last_one(make_world: Callable[..., World]) -> None:
    world = make_world(local(2028, 1, 14, 10))
    expected = {}
    for on, marked in ((14, ON_THE_29TH), (16, ON_THE_31ST)):
        world.advance_to(local(2028, 1, on, 10))
        reader = world.start_trial(f"month-{on}@example.com", f"pm_card_visa__{on}")["reader"]
        expected[reader["id"]] = marked
    world.advance_to(local(2028, 2, 14, 10))
    leaper = world.start_trial("leap@example.com", "pm_card_visa__leap")["reader"]
    expected[leaper["id"]] = ON_LEAP_DAY

    world.advance_to(local(2029, 4, 1))
    for reader_id, marked in expected.items():
        assert world.charged_at(of=reader_id) == [f"{day} 09:00" for day in marked]
        periods = world.rows(
            "SELECT period_number, period_start_on, period_end_on FROM invoice WHERE reader_id = :id ORDER BY 1",
            id=reader_id,
        )
        assert [row["period_number"] for row in periods] == list(range(1, len(marked) + 1))
        assert [row["period_start_on"].isoformat() for row in periods] == marked
        ends = [row["period_end_on"].isoformat() for row in periods]
        assert ends[:-1] == marked[1:], "each period ends where the next begins"
    numbers = world.rows("SELECT number FROM invoice WHERE state = 'paid' ORDER BY number")
    total = sum(len(marked) for marked in expected.values())
    assert [row["number"] for row in numbers] == list(range(1, total + 1))
    assert len(world.charges()) == total


def test_the_first_charge_says_that_the_trial_is_over_and_later_ones_do_not(
    world: World, paid_twice: Subscriber
) -> None:
    leap_to(world, local(2027, 5, 16, 9), days=1)
    said = [charge["calculated_statement_descriptor"] for charge in world.charges()]
    assert [("TRIAL OVER" in words) for words in said] == [True, False, False]
    assert all(len(words) <= 22 for words in said)
