"""The numbers of readers who pause, return, and change to a cheaper and to a dearer plan."""

from datetime import date, timedelta

import pytest

from billing.reports.numbers.shape import NumbersPeriod
from tests.reports.numbers.asked import figures, row, tables, wrongly_kept
from tests.support.cancel_helpers import cancel
from tests.support.cli import run_on
from tests.support.start_at_once import start_at_once
from tests.support.world import World, local

FIRST, LAST = date(2027, 3, 1), date(2027, 6, 20)
MONTH, QUARTER = 6522, 5797
"""Cents of MRR: R75.00 less VAT at 15%, and R200.00 less VAT by three."""


def live(world: World) -> None:
    """Four readers pay on 16 March. Then one rests from 16 April to 16 May; one ends on 16 April and returns on 1 May; one changes to the
    quarter on 16 April; and one from the quarter to the month on 16 June."""
    for words in (
        "plans add quarterly --name Reading --months 3 --period quarter",
        "prices add --plan quarterly --cents 20000 --from 2027-03-01",
        "plans offer quarterly",
    ):
        done = run_on(world, *words.split())
        assert done.exit_code == 0, done.output
    plans = {"rests": "monthly", "returns": "monthly", "shrinks": "monthly", "grows": "quarterly"}
    started = {
        name: world.start_trial(f"{name}@example.com", f"pm_card_visa__{n}", plan=plan)["subscription"]["id"]
        for n, (name, plan) in enumerate(plans.items())
    }
    world.advance_to(local(2027, 3, 20, 12))
    cancel(world, started["returns"])
    with world.browse() as browser:
        browser.sign_in("rests@example.com")
        browser.get("/account/pause")
        assert browser.post("/account/pause", months="1").status < 400
    for name, plan in (("shrinks", "quarterly"), ("grows", "monthly")):
        with world.browse() as browser:
            browser.sign_in(f"{name}@example.com")
            browser.get(f"/account/plan?to={plan}")
            assert browser.post("/account/plan", consent="yes").status < 400
    world.advance_to(local(2027, 5, 1, 12))
    start_at_once(world, "returns@example.com")
    world.advance_to(local(2027, 6, 20, 12))


@pytest.fixture
def season(world: World) -> World:
    world.once("pauses and other plans", lambda: live(world))
    return world


def test_each_movement_is_what_a_reader_did(season: World) -> None:
    said = {key: figure.value for key, figure in figures(season, FIRST, LAST).items()}
    assert (said["mrr"], said["paying"]) == (3 * MONTH + QUARTER, 4)
    assert (said["mrr-new"], said["first-paid"]) == (3 * MONTH + QUARTER, 4)
    assert (said["mrr-churn"], said["stopped"]) == (-2 * MONTH, 2)
    assert (said["mrr-reactivation"], said["returned"]) == (2 * MONTH, 2)
    assert (said["mrr-expansion"], said["mrr-contraction"]) == (MONTH - QUARTER, QUARTER - MONTH)
    assert (said["trials-converted"], said["conversion"]) == (4, 10000), "a return is no trial"
    assert said["charged"] == 8 * 7500 + 2 * 20000
    shown = tables(season, FIRST, LAST)
    assert row(shown["churn"], "A pause began") == (1, 0, -MONTH, 0)
    assert row(shown["churn"], "The reader cancelled, or told the bank to stop") == (1, 0, -MONTH, 0)
    assert row(shown["plans"], "quarterly") == (0, 1, 0, QUARTER)
    assert row(shown["cohorts"], "2027-03")[:4] == (4, 10000, 5000, 7500)
    assert row(shown["cohorts"], "2027-05")[:2] == (1, 10000), "a return begins a subscription of its own"


@pytest.mark.parametrize(
    ("on", "moved"),
    [
        (date(2027, 4, 16), (0, 0, 0, QUARTER - MONTH, -2 * MONTH)),
        (date(2027, 5, 1), (0, MONTH, 0, 0, 0)),
        (date(2027, 5, 16), (0, MONTH, 0, 0, 0)),
        (date(2027, 6, 16), (0, 0, MONTH - QUARTER, 0, 0)),
    ],
)
def test_a_movement_counts_on_its_day(season: World, on: date, moved: tuple[int, ...]) -> None:
    ((_, start, *moves, end),) = tables(season, on, on)["mrr-movement"].rows
    assert tuple(moves) == moved
    assert (start, end) == (
        figures(season, on, on)["mrr"].before,
        figures(season, on, on)["mrr"].value,
    )


def test_kept_days_are_those_that_history_gives(season: World) -> None:
    assert wrongly_kept(season, NumbersPeriod(FIRST, LAST - timedelta(days=1))) == []
