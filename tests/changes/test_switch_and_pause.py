"""A switch of plan at the period's end, and a pause: announced, undoable until then, and ended automatically."""

from datetime import date, timedelta

import pytest

from billing.reports.doctor import examine
from tests.support.browser import Answer, Browser
from tests.support.starting_points import MONTH_END, Subscriber, fast_forward, subscriber
from tests.support.world import ZONE, World, local


@pytest.fixture
def month_paused(world: World, paid: Subscriber) -> Subscriber:
    """A reader who asked on 20 March for a pause of one month, from 16 April to 16 May."""
    world.once("asks on 20 March 2027 for a pause of 1 month", lambda: pause(world, paid.email, months=1))
    return paid


@pytest.fixture
def quarter_paused(world: World, paid: Subscriber) -> Subscriber:
    """The same for three months, to 16 July."""
    world.once("asks on 20 March 2027 for a pause of 3 months", lambda: pause(world, paid.email, months=3))
    return paid


def pause(world: World, email: str, *, months: int) -> None:
    """Ask for it on 20 March."""
    world.advance_to(local(2027, 3, 20))
    with world.browse() as browser:
        ask_for_pause(browser, email, months=months)


def ask_for_pause(browser: Browser, email: str, *, months: int) -> Answer:
    """By the account's pages; the page that answers."""
    browser.sign_in(email)
    browser.get("/account/pause")
    return browser.post("/account/pause", months=str(months))


@pytest.mark.prove
def test_from_the_month_to_the_year_and_back_with_the_day_of_the_month_kept(world: World) -> None:
    email = subscriber(world, "paid_twice", MONTH_END).email
    world.advance_to(local(2027, 3, 10, 12))
    browser = world.browser()
    account = browser.sign_in(email)
    assert "Pay by the year from 31 Mar 2027: R750.00 incl. VAT" in account.words
    page = browser.get("/account/plan?to=yearly")
    assert "R750.00 on Wednesday 31 March 2027" in page.words
    page = browser.post("/account/plan", consent="yes")
    assert "From Wednesday 31 March 2027 you pay R750.00 incl. VAT a year." in page.words
    assert "R750.00 incl. VAT on Wednesday 31 March 2027" in page.words, "the next charge says so too"
    page = browser.undo("/account/plan/undo")
    assert "From Wednesday" not in page.words
    world.advance(minutes=1)
    browser.get("/account/plan?to=yearly")
    browser.post("/account/plan", consent="yes")
    world.settle()
    assert world.mail_kinds(email).count("goes_on") == 1
    assert world.mail_kinds(email).count("plan_switched") == 1, "the first was undone before it was sent"
    world.advance_to(local(2028, 6, 1))
    assert [
        (at[:10], charge["amount"]) for at, charge in zip(world.charged_at(), world.charges(), strict=True)
    ] == [
        ("2027-01-31", 7500),
        ("2027-02-28", 7500),
        ("2027-03-31", 75000),
        ("2028-03-31", 7500),
        ("2028-04-30", 7500),
        ("2028-05-31", 7500),
    ]
    numbers = world.rows("SELECT period_number FROM invoice ORDER BY id")
    assert [row["period_number"] for row in numbers] == [1, 2, 3, 4, 5, 6]


def test_what_cannot_be_chosen_says_why(world: World, in_trial: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(in_trial.email)
    assert "can’t be paused" in browser.get("/account/pause").words
    world.advance_to(local(2027, 3, 20))
    assert "comes next anyway" in browser.get("/account/plan?to=monthly").words
    assert browser.get("/account/plan?to=nothing").status == 404


def test_a_year_is_not_paused(world: World, yearly: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(yearly.email)
    assert "can’t be paused" in browser.get("/account/pause").words


def test_a_pause_from_the_end_of_what_is_paid(world: World, paid: Subscriber) -> None:
    locked = world.articles["subscriber"][0]
    world.advance_to(local(2027, 3, 20, 12))
    browser = world.browser()
    browser.sign_in(paid.email)
    page = browser.get("/account/pause")
    assert "You read on through Thursday 15 April 2027" in page.words
    assert "on Wednesday 16 June 2027" in page.words
    page = browser.post("/account/pause", months="2")
    assert "paid through Thursday 15 April 2027, then paused until Wednesday 16 June 2027." in page.words
    world.advance_to(local(2027, 4, 15, 23, 59, 59))
    assert world.access(locked, paid.reader_id)["allowed"]
    world.advance_to(local(2027, 4, 16))
    assert not world.access(locked, paid.reader_id)["allowed"]
    answer = world.subscription(paid.subscription_id)
    assert (answer["status"], answer["paused_until"]) == ("paused", "2027-06-16")
    assert answer["next_charge"]["at"] == "2027-06-16T07:00:00Z"
    assert "Your subscription is paused" in browser.get("/account").words
    world.advance_to(local(2027, 6, 15))
    assert len(world.charges()) == 1
    notice = world.letters(paid.email)[-1]
    assert notice.subject == "Your pause is ending: R75.00 incl. VAT on Wednesday 16 June 2027"
    assert any("/cancel/" in link for link in notice.links)
    world.advance_to(local(2027, 6, 16))
    assert world.access(locked, paid.reader_id)["reason"] == "subscription"
    world.advance_to(local(2027, 8, 1))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-06-16 09:00", "2027-07-16 09:00"]
    invoices = world.rows("SELECT period_number, period_start_on FROM invoice ORDER BY id")
    assert [row["period_number"] for row in invoices] == [1, 2, 3]
    assert invoices[1]["period_start_on"] == date(2027, 6, 16)


def test_the_morning_on_which_a_pause_ends(world: World, month_paused: Subscriber) -> None:
    """Access begins at midnight and the charge is at nine. The doctor reports nothing at any hour around it."""
    fast_forward(world, local(2027, 5, 15, 21))
    article, read = world.articles["subscriber"][0], {}
    for hours in range(15):
        world.advance_to(local(2027, 5, 15, 21) + timedelta(hours=hours))
        may = world.access(article, month_paused.reader_id)["allowed"]
        read[f"{world.now.astimezone(ZONE):%d %H}"] = may
        found = examine(world.services.database, world.services.site, world.now)
        assert [one.promise.name for one in found if one.count] == [], world.now
    assert [hour for hour, may in read.items() if not may] == ["15 21", "15 22", "15 23"]
    assert world.charged_at() == ["2027-03-16 09:00", "2027-05-16 09:00"]


def test_a_pause_whose_end_came_days_late_is_paid_from_the_day_it_came(
    world: World, month_paused: Subscriber
) -> None:
    fast_forward(world, local(2027, 5, 15, 21))
    reader, article = month_paused.reader_id, world.articles["subscriber"][0]
    browser = world.browser()
    browser.sign_in(month_paused.email)
    world.advance_to(local(2027, 5, 15, 23, 59))
    standing = world.api.get(f"/v1/readers/{reader}/standing", params={"article": article}).json()
    paused = "your subscription is paused until Sunday 16 May 2027"
    assert (standing["held"], standing["sentence"]) == ([], f"This article is for subscribers, and {paused}.")
    closed = world.access(article, reader)
    assert (closed["allowed"], closed["until"]) == (False, "2027-05-15T22:00:00Z")
    world.skip_to(local(2027, 5, 16))  # nobody works from here on, and nobody is locked out by that
    assert world.access(article, reader)["reason"] == "subscription"
    assert browser.get(f"/articles/{article}").text.count("Start free") == 0
    world.skip_to(local(2027, 5, 18, 12))
    standing = world.api.get(
        f"/v1/readers/{reader}/standing", params={"at": "2027-05-16T22:00:00Z", "article": article}
    ).json()
    assert (standing["decision"]["allowed"], standing["held"][0]["reason"]) == (True, "subscription")
    world.settle()
    past = {"at": "2027-05-01T08:00:00Z", "article": article}
    standing = world.api.get(f"/v1/readers/{reader}/standing", params=past).json()
    assert (standing["decision"]["allowed"], standing["sentence"][-len(paused) - 1 : -1]) == (False, paused)
    assert world.charged_at()[-1] == "2027-05-18 12:00"
    (period,) = world.rows("SELECT period_start_on, period_end_on FROM invoice WHERE period_number = 2")
    assert period == {"period_start_on": date(2027, 5, 18), "period_end_on": date(2027, 6, 18)}


def test_a_pause_that_was_planned_is_planned_again_with_the_cancellation_undone(
    world: World, paid: Subscriber
) -> None:
    world.advance_to(local(2027, 3, 20))
    browser = world.browser()
    ask_for_pause(browser, paid.email, months=2)
    browser.get("/account/cancel")
    browser.post("/account/cancel")
    answer = world.subscription(paid.subscription_id)
    assert (answer["paused_until"], answer["next_charge"]) == (None, None), "what is cancelled isn't paused"
    page = browser.get("/account")
    assert "Take the pause back" not in page.text
    world.advance(hours=1)
    page = browser.undo("/account/resume")
    assert "then paused until Wednesday 16 June 2027" in page.words
    world.settle()
    goes_on, pause = sorted(
        world.subjects(paid.email)[-2:], key=lambda subject: not subject.endswith("goes on")
    )
    assert goes_on.endswith("goes on")
    assert pause == "Your pause: nothing is charged before Wednesday 16 June 2027"
    world.advance_to(local(2027, 6, 20))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-06-16 09:00"]


@pytest.mark.prove
def test_a_pause_is_taken_back(world: World, quarter_paused: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(quarter_paused.email)
    page = browser.undo("/account/pause/undo")
    assert "R75.00 incl. VAT on Friday 16 April 2027" in page.words
    world.advance_to(local(2027, 4, 16, 12))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-04-16 09:00"]


@pytest.mark.prove
def test_a_pause_is_ended_sooner(world: World, quarter_paused: Subscriber) -> None:
    fast_forward(world, local(2027, 5, 3, 10))
    browser = world.browser()
    browser.sign_in(quarter_paused.email)
    page = browser.undo("/account/pause/undo")
    assert "paid through Wednesday 2 June 2027" in page.words
    assert world.charged_at() == ["2027-03-16 09:00", "2027-05-03 10:00"]


@pytest.mark.prove
def test_a_paused_subscription_is_cancelled_by_the_mailed_link(
    world: World, quarter_paused: Subscriber
) -> None:
    fast_forward(world, local(2027, 5, 3, 10))
    browser = world.browser()
    browser.get(world.mailed_link(quarter_paused.email, "/cancel/"))
    assert "Nothing more will be charged" in browser.post("/cancel").words
    world.advance_to(local(2027, 7, 20))
    assert len(world.charges()) == 1
    assert world.subscription(quarter_paused.subscription_id)["status"] == "ended"


@pytest.mark.prove
def test_no_notice_no_charge_after_a_pause_either(world: World, month_paused: Subscriber) -> None:
    world.advance_to(local(2027, 4, 20))
    world.skip_to(local(2027, 5, 14))  # nobody worked when the notice was due
    world.advance_to(local(2027, 5, 21))
    assert len(world.charges()) == 1
    world.advance_to(local(2027, 5, 22, 9))
    assert world.charged_at()[-1] == "2027-05-22 09:00"
    assert "pause_ends" in world.mail_kinds(month_paused.email)
