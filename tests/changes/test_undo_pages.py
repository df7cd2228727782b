"""Before something is undone, its page names the next charge and its day; and that is the charge which comes."""

import re

import pytest

from tests.support.cancel_helpers import cancel
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

MOMENTS = [(7, 9), (8, 8), (8, 12), (9, 12), (11, 12), (12, 12), (13, 12), (15, 23)]
"""Days and hours of March: before, between and after the two notices of a first charge on the 16th."""


def named(text: str) -> str:
    found = re.search(r"The next charge is (R\S+ incl\. VAT on \w+ \d+ \w+ \d{4})", text)
    assert found is not None, text
    return found.group(1)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cancelled_trial_names_the_first_charge_that_then_comes(
    world: World, in_trial: Subscriber, moment: tuple[int, int]
) -> None:
    world.once("cancelled in the trial", lambda: cancel(world, in_trial.subscription_id))
    world.advance_to(local(2027, 3, *moment))
    browser = signed_in(world, in_trial.email)
    charge = named(browser.get("/account/resume").words)
    assert "Visa ending in 4242" in browser.page.words
    page = browser.undo("/account/resume")
    assert f"Next charge {charge}" in page.words
    (day,) = (row["charge_on"] for row in world.rows("SELECT charge_on FROM subscription"))
    assert charge == f"R75.00 incl. VAT on {day:%A %-d %B %Y}"
    world.advance_to(local(day.year, day.month, day.day, 9))
    assert world.charged_at() == [f"{day} 09:00"]


def test_a_cancellation_is_undone_to_the_price_that_was_shown(world: World, paid: Subscriber) -> None:
    cancel(world, paid.subscription_id)
    browser = signed_in(world, paid.email).again("/account/resume")
    assert named(browser.page.words) == "R75.00 incl. VAT on Friday 16 April 2027"
    page = browser.post("/account/resume", agreed="")
    assert page.status == 409
    assert "We can’t check what this page showed" in page.words
    assert world.subscription(paid.subscription_id)["next_charge"] is None
    assert "goes on as before" in browser.post("/account/resume").text


def test_a_pause_that_has_begun_meanwhile_is_not_ended_with_a_charge(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 4, 15, 12))
    browser = signed_in(world, paid.email).again("/account/pause")
    browser.post("/account/pause", months="1")
    browser.get("/account/pause/undo")
    assert named(browser.page.words) == "R75.00 incl. VAT on Friday 16 April 2027"
    world.advance_to(local(2027, 4, 17, 12))
    page = browser.post("/account/pause/undo")
    assert page.status == 409
    assert "R75.00 incl. VAT is charged now to your Visa ending in 4242" in page.words
    assert "This can’t be undone." in page.words
    assert len(world.charges()) == 1
    browser.post("/account/pause/undo")
    assert world.charged_at()[1:] == ["2027-04-17 12:00"]


def test_a_page_opened_before_midnight_does_not_end_a_pause_the_day_after(
    world: World, paid: Subscriber
) -> None:
    browser = signed_in(world, paid.email).again("/account/pause")
    browser.post("/account/pause", months="1")
    world.advance_to(local(2027, 4, 20, 23, 59))
    browser.get("/account/pause/undo")
    world.advance_to(local(2027, 4, 21))
    page = browser.post("/account/pause/undo")
    assert page.status == 409
    assert "is now on Wednesday 21 April 2027 instead of Tuesday 20 April 2027" in page.words
    assert len(world.charges()) == 1


def test_the_way_back_from_another_plan_is_offered_once(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email).again("/account/plan?to=yearly")
    page = browser.post("/account/plan", consent="yes")
    assert "Undo the change of plan" in page.words
    assert "Pay by the" not in page.words
    page = browser.undo("/account/plan/undo")
    assert "Pay by the year" in page.words


@pytest.mark.parametrize("path", ["/account/resume", "/account/plan/undo", "/account/pause/undo"])
def test_where_nothing_can_be_undone_the_page_says_so(world: World, paid: Subscriber, path: str) -> None:
    assert signed_in(world, paid.email).get(path).status == 409
    assert world.browser().get(path).path == "/sign-in"
