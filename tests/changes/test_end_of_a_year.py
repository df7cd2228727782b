"""The end of a year is announced 80 to 40 business days ahead, and monthly charges follow. An announcement in time
stays valid: neither a withdrawn choice nor days given by staff add months.
"""

from datetime import date, timedelta

import pytest

from billing.changes.announce_price import plan_change
from billing.platform.actors import Command
from billing.rules import business_days
from tests.support.browser import Browser
from tests.support.staff_members import add, sign_in
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


@pytest.fixture
def in_october(world: World, year: Subscriber) -> Subscriber:
    """Before the notice of the year's end: it is noon of 1 October 2027."""
    fast_forward(world, local(2027, 10, 1, 12))
    return year


@pytest.fixture
def in_december(world: World, in_october: Subscriber) -> Subscriber:
    """After that notice, before the reminders: it is noon of 1 December 2027."""
    fast_forward(world, local(2027, 12, 1, 12))
    return in_october


@pytest.fixture
def in_january(world: World, in_december: Subscriber) -> Subscriber:
    """Days before the year's end: it is noon of 20 January 2028."""
    fast_forward(world, local(2028, 1, 20, 12))
    return in_december


def choose(browser: Browser) -> None:
    browser.get("/account/plan?to=yearly")
    assert "you pay R750.00 incl. VAT a year" in browser.post("/account/plan", consent="yes").words


def amounts(world: World) -> list[tuple[str, int]]:
    charged = zip(world.charged_at(), world.charges(), strict=True)
    return [(at[:10], charge["amount"]) for at, charge in charged]


def ends_on(world: World) -> date:
    found: date = world.rows("SELECT period_end_on FROM subscription")[0]["period_end_on"]
    return found


def test_a_year_and_what_follows_it(world: World, in_october: Subscriber) -> None:
    assert len(world.mail_kinds(in_october.email)) == 4, "nothing is said during the year"
    page = world.browser().sign_in(in_october.email)
    assert "R75.00 incl. VAT on Tuesday 1 February 2028" in page.words, "and it isn't another year"
    assert world.subscription(in_october.subscription_id)["next_charge"]["amount"]["amount"] == 7500

    world.advance_to(local(2028, 1, 20))
    rows = world.rows("SELECT kind, accepted_at FROM message WHERE kind LIKE 'term%' ORDER BY accepted_at")
    first = rows[0]["accepted_at"].astimezone(local(2027, 1, 1).tzinfo).date()
    ahead = business_days.between(first, date(2028, 1, 31))
    assert rows[0]["kind"] == "term_notice"
    assert 40 <= ahead <= 80
    notice = world.letter(in_october.email, "Your year ends on")
    for words in (
        "R75.00 incl. VAT every month",
        "R750.00 incl. VAT for the year",
        "Tuesday 1 February 2028",
    ):
        assert words in " ".join(notice.text.split())
    account = world.browser().sign_in(in_october.email)
    assert "From Tuesday 1 February 2028 you pay R75.00 incl. VAT a month." in account.words
    assert "R75.00 incl. VAT on Tuesday 1 February 2028" in account.words

    world.advance_to(local(2028, 4, 2))
    assert world.charged_at() == [
        "2027-02-01 09:00",
        "2028-02-01 09:00",
        "2028-03-01 09:00",
        "2028-04-01 09:00",
    ]
    assert [charge["amount"] for charge in world.charges()] == [75000, 7500, 7500, 7500]
    reminders = world.rows(
        "SELECT accepted_at FROM message WHERE kind = 'term_reminder' ORDER BY accepted_at"
    )
    days = [(local(2028, 2, 1, 9) - row["accepted_at"]).days for row in reminders]
    assert days == [8, 4]
    assert world.rows("SELECT plan_id, is_fixed_term FROM subscription") == [
        {"plan_id": "monthly", "is_fixed_term": False}
    ]


@pytest.mark.prove
def test_another_year_only_when_it_is_chosen(world: World, in_december: Subscriber) -> None:
    world.advance_to(local(2027, 12, 20, 12))
    browser = world.browser()
    browser.sign_in(in_december.email)
    browser.get("/account/plan?to=yearly")
    assert "R750.00 on Tuesday 1 February 2028" in browser.page.words
    assert "tick the box" in browser.post("/account/plan").words
    page = browser.post("/account/plan", consent="yes")
    assert "you pay R750.00 incl. VAT a year" in page.words
    world.advance_to(local(2028, 2, 2))
    assert [charge["amount"] for charge in world.charges()] == [75000, 75000]
    assert world.rows("SELECT is_fixed_term, next_price_id FROM subscription") == [
        {"is_fixed_term": True, "next_price_id": None}
    ]
    kinds = [row["kind"] for row in world.rows("SELECT kind FROM consent ORDER BY accepted_at")]
    assert kinds == ["trial", "switch"]
    world.advance_to(local(2029, 2, 2))
    assert [charge["amount"] for charge in world.charges()] == [75000, 75000, 7500], "and then by the month"


def test_another_year_chosen_late_and_taken_back_makes_this_one_no_longer(
    world: World, in_january: Subscriber
) -> None:
    browser = world.browser()
    browser.sign_in(in_january.email)
    for _ in range(2):
        choose(browser)
        page = browser.undo("/account/plan/undo")
        assert "From Tuesday 1 February 2028 you pay R75.00 incl. VAT a month." in page.words
        world.advance(minutes=5)
        assert ends_on(world) == date(2028, 2, 1)
    world.advance_to(local(2028, 3, 2))
    assert amounts(world) == [("2027-02-01", 75000), ("2028-02-01", 7500), ("2028-03-01", 7500)]
    assert world.mail_kinds(in_january.email).count("term_notice") == 1


def test_a_year_chosen_before_its_notice_is_announced_all_the_same(
    world: World, in_october: Subscriber
) -> None:
    browser = world.browser()
    browser.sign_in(in_october.email)
    choose(browser)
    world.advance_to(local(2028, 1, 20, 12))
    notice = " ".join(world.letter(in_october.email, "Your year ends on").text.split())
    assert "R750.00 incl. VAT a year, from Tuesday 1 February 2028, as you have chosen" in notice
    assert "it goes on by the month instead: R75.00 incl. VAT every month" in notice
    browser = world.browser()
    browser.sign_in(in_october.email)
    browser.undo("/account/plan/undo")
    world.advance_to(local(2028, 2, 2))
    assert amounts(world) == [("2027-02-01", 75000), ("2028-02-01", 7500)]


def test_the_month_that_was_announced_is_the_one_that_comes_back(
    world: World, in_december: Subscriber
) -> None:
    """A dearer monthly plan was published after the notice, which didn't name it."""
    with world.services.database.begin(world.services.site, world.now, Command()) as ctx:
        today = world.services.site.today(world.now)
        plan_change(ctx, "monthly", 9000, date(2028, 1, 15), today=today)
    world.advance_to(local(2028, 1, 20, 12))
    browser = world.browser()
    browser.sign_in(in_december.email)
    choose(browser)
    page = browser.undo("/account/plan/undo")
    assert "From Tuesday 1 February 2028 you pay R75.00 incl. VAT a month." in page.words
    world.advance_to(local(2028, 2, 2))
    assert amounts(world)[1:] == [("2028-02-01", 7500)]


@pytest.mark.parametrize(
    ("given_on", "days", "first_day_after", "says"),
    [
        (20, 3, date(2028, 2, 4), "that holds"),
        (30, 3, date(2028, 2, 7), "later than asked for"),  # the reminders are late for 4 February
        (20, 40, date(2028, 3, 12), "A corrected notice"),
        (20, 75, date(2028, 4, 16), "The notice of the year's end"),
    ],
    ids=["a few", "a few too late", "more than the notice reaches", "as many as a notice needs"],
)
def test_days_from_staff_after_the_notice_are_those_days_and_no_months(
    world: World, in_january: Subscriber, given_on: int, days: int, first_day_after: date, says: str
) -> None:
    world.advance_to(local(2028, 1, given_on, 12))
    admin = sign_in(world, add(world, "admin").email)
    where = f"/staff/readers/{in_january.reader_id}"
    admin.get(f"{where}/extend")
    page = admin.post(f"{where}/extend", days=str(days), step="preview")
    assert says in page.words
    assert f"to {_day(first_day_after)}." in page.words, page.words
    admin.post(f"{where}/extend", days=str(days), step="confirm", reason="the site was down")
    world.settle()
    assert f"before {_day(first_day_after)}" in world.letter(in_january.email, "You have more days").subject
    account = world.browser().sign_in(in_january.email)
    if days < 75:
        assert f"From {_day(first_day_after)} you pay R75.00 incl. VAT a month." in account.words
    corrected = [
        one
        for one in world.letters(in_january.email)
        if _day(first_day_after - timedelta(days=1)) in one.subject
    ]
    assert len(corrected) == (days >= 40), "the notice names the day that holds"
    at = local(first_day_after.year, first_day_after.month, first_day_after.day, 9)
    world.advance_to(at)
    assert amounts(world) == [("2027-02-01", 75000), (first_day_after.isoformat(), 7500)]


def _day(on: date) -> str:
    return f"{on:%A} {on.day} {on:%B %Y}"


def test_days_from_staff_leave_a_chosen_year_chosen(world: World, in_january: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(in_january.email)
    choose(browser)
    extend = f"/v1/subscriptions/{in_january.subscription_id}/extend"
    world.api.post(extend, json={"days": 3, "reason": "the site was down"}).raise_for_status()
    world.advance(hours=1)
    browser.get("/account")
    page = browser.undo("/account/plan/undo")
    assert "From Friday 4 February 2028 you pay R75.00 incl. VAT a month." in page.words
    choose(browser)
    world.advance_to(local(2028, 2, 5))
    assert amounts(world) == [("2027-02-01", 75000), ("2028-02-04", 75000)]


def test_a_cancellation_taken_back_too_late_for_the_notice_makes_a_year_longer_once(
    world: World, in_october: Subscriber
) -> None:
    path = f"/v1/subscriptions/{in_october.subscription_id}"
    world.api.post(f"{path}/cancel").raise_for_status()
    world.advance_to(local(2028, 1, 20, 12))
    world.api.post(f"{path}/resume").raise_for_status()
    longer = ends_on(world)
    assert longer > date(2028, 3, 15)
    world.api.post(f"{path}/cancel").raise_for_status()  # in the same minute, before the notice for that day
    last = longer - timedelta(days=1)
    world.advance_to(local(last.year, last.month, last.day, 12))
    assert world.api.post(f"{path}/resume").json()["code"] == "nothing_to_undo"
    world.advance(days=2)
    assert world.subscription(in_october.subscription_id)["status"] == "ended"
