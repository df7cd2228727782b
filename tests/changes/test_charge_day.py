"""A reader chooses the day of the month on which they pay: the next charge moves to it, and the days between are free."""

from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from billing.changes import charge_day, extend, pause
from billing.platform.actors import ReaderActor
from billing.platform.errors import Refusal
from billing.rules.charge_day import DAYS, LAST
from billing.subscriptions.change import lock
from tests.support import ledger_checks
from tests.support.browser import Browser
from tests.support.independent_calendar import assert_promises_kept, nothing_is_missed
from tests.support.leaps import leap_to
from tests.support.signed_in import signed_in
from tests.support.starting_points import MONTH_END, Subscriber, subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World, local


def by_page(world: World, email: str, day: int) -> Browser:
    """Choose it on the pages; the browser is on the account afterwards."""
    browser = signed_in(world, email).again(f"/account/charge-day?day={day}")
    browser.post("/account/charge-day", consent="yes")
    return browser


def by(world: World, act: Callable[..., object], who: Subscriber, *what: object, **more: object) -> None:
    """Do it as the reader, without the pages."""
    services = world.services
    with services.database.begin(services.site, world.now, ReaderActor(who.reader_id)) as ctx:
        act(ctx, who.subscription_id, *what, reason="a story", **more)


def charged(world: World) -> list[str]:
    return [at[:10] for at in world.charged_at()]


def test_the_next_charge_moves_to_the_day_and_stays_there(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 3, 20, 12))
    browser = signed_in(world, paid.email)
    account = browser.get("/account")
    assert "You pay on the 16th of each month." in account.words
    days = browser.get("/account/charge-day")
    assert "you have paid through Thursday 15 April 2027" in days.words
    assert "the 25th: from 25 Apr 2027, 9 free days" in days.words
    assert "the last day: from 30 Apr 2027, 14 free days" in days.words
    assert "the 16th:" not in days.words
    page = browser.get("/account/charge-day?day=25")
    for words in (
        "Pay on the 25th of each month",
        "Paid through Thursday 15 April 2027",
        "9, from Friday 16 April 2027, if you stay",
        "R75.00 on Sunday 25 April 2027",
        "until Thursday 15 April 2027, in your account",
        "again from Monday 20 March 2028",
    ):
        assert words in page.words
    assert browser.post("/account/charge-day").status == 422
    account = browser.post("/account/charge-day", consent="yes")
    assert "Next charge R75.00 incl. VAT on Sunday 25 April 2027" in account.words
    assert "You pay on the 25th of each month." in account.words
    assert "Your subscription is paid through Thursday 15 April 2027." in account.words, "not the free days"
    world.settle()
    letter = world.letters(paid.email)[-1]
    assert letter.subject == "From Sunday 25 April 2027 you pay on the 25th of the month"
    assert "You can undo this until Thursday 15 April 2027" in letter.text
    assert world.rows("SELECT amount, first_charge_on FROM consent WHERE kind = 'charge-day'") == [
        {"amount": 7500, "first_charge_on": date(2027, 4, 25)}
    ]
    path = f"/v1/readers/{paid.reader_id}/forecast"
    forecast = [row["at"][:10] for row in world.api.get(path, params={"months": 4}).json()["charges"]]
    locked = world.articles["subscriber"][0]
    world.advance_to(local(2027, 4, 20))
    assert world.access(locked, paid.reader_id)["allowed"], "the days between are free"
    assert "paid through Saturday 24 April 2027" in signed_in(world, paid.email).get("/account").words
    assert charged(world) == ["2027-03-16"]
    world.advance_to(local(2027, 7, 19))
    assert charged(world)[1:] == forecast == ["2027-04-25", "2027-05-25", "2027-06-25"]
    periods = world.rows("SELECT period_number AS number, period_start_on AS on FROM invoice ORDER BY id")
    assert [(row["number"], row["on"].day) for row in periods] == [(1, 16), (2, 25), (3, 25), (4, 25)]
    assert_promises_kept(world)
    nothing_is_missed(world)
    ledger_checks.check(world)


def test_the_last_day_is_the_last_of_each_month(world: World, paid: Subscriber) -> None:
    by(world, charge_day.choose, paid, LAST)
    world.advance_to(local(2027, 10, 1))
    assert charged(world)[1:] == [
        *("2027-04-30", "2027-05-31", "2027-06-30", "2027-07-31", "2027-08-31", "2027-09-30"),
    ]
    assert_promises_kept(world)


def test_from_the_month_end_to_the_28th(world: World) -> None:
    reader = subscriber(world, "paid_twice", MONTH_END)
    by(world, charge_day.choose, reader, 28)
    world.advance_to(local(2027, 5, 29))
    assert charged(world) == ["2027-01-31", "2027-02-28", "2027-04-28", "2027-05-28"]


def test_it_is_undone_before_the_free_days_begin(world: World, paid: Subscriber) -> None:
    browser = by_page(world, paid.email, 25)
    before = world.rows("SELECT facts FROM subscription_change WHERE event = 'charge_day_chosen'")
    assert before[0]["facts"]["period_end_on"] == ["2027-04-16", "2027-04-25"]
    page = browser.undo("/account/charge-day/undo")
    assert "Next charge R75.00 incl. VAT on Friday 16 April 2027" in page.words
    world.settle()
    assert world.mail_kinds(paid.email)[-1] == "goes_on"
    row = world.rows("SELECT charge_on, anchor_number, anchor_months, charge_day_from FROM subscription")
    assert row == [
        {"charge_on": date(2027, 3, 16), "anchor_number": 1, "anchor_months": 0, "charge_day_from": None}
    ]
    by(world, charge_day.choose, paid, 20)
    world.advance_to(local(2027, 4, 15, 23, 59))
    assert browser.get("/account/charge-day/undo").status == 200, "through the last paid day"
    world.advance_to(local(2027, 4, 16))
    with pytest.raises(charge_day.NoDayToUndo):
        by(world, charge_day.undo, paid)
    world.advance_to(local(2027, 5, 21))
    assert charged(world) == ["2027-03-16", "2027-04-20", "2027-05-20"]


def test_once_in_twelve_months(world: World, paid: Subscriber) -> None:
    by_page(world, paid.email, 25)
    world.advance_to(local(2027, 6, 1))
    page = signed_in(world, paid.email).get("/account/charge-day")
    assert page.status == 409
    assert "The day was chosen on Tuesday 16 March 2027" in page.words
    assert "again from Thursday 16 March 2028" in page.words
    leap_to(world, local(2028, 2, 25, 9))  # the charges until then are no matter here
    leap_to(world, local(2028, 3, 16, 12))
    by(world, charge_day.choose, paid, 1)
    world.advance_to(local(2028, 4, 2))
    assert charged(world)[-2:] == ["2028-02-25", "2028-04-01"]


def test_a_day_undone_in_a_merged_account_frees_no_other(world: World, paid: Subscriber) -> None:
    by(world, charge_day.choose, paid, 25)
    begun = world.start_trial("other@example.com", "pm_card_mastercard")
    other = Subscriber("other@example.com", begun["reader"]["id"], begun["subscription"]["id"])
    world.advance_to(local(2027, 4, 1))
    by(world, charge_day.choose, other, 20)
    by(world, charge_day.undo, other)
    path = f"/v1/subscriptions/{other.subscription_id}/cancel"
    world.api.post(path, json={"when": "now"}).raise_for_status()
    world.settle()
    body = {"other": other.reader_id, "reason": "rang from both"}
    world.api.post(f"/v1/readers/{paid.reader_id}/merge", json=body).raise_for_status()
    with pytest.raises(charge_day.DayChosenBefore):
        by(world, charge_day.choose, paid, 1)


def test_a_reader_who_cancels_before_the_free_days_reads_what_is_paid(world: World, paid: Subscriber) -> None:
    by(world, charge_day.choose, paid, 15)
    path = f"/v1/subscriptions/{paid.subscription_id}"
    cancelled = world.api.post(f"{path}/cancel", json={}).json()
    assert cancelled["cancels_at"] == "2027-04-15T22:00:00Z", "not the free days"
    with pytest.raises(Refusal):
        by(world, charge_day.undo, paid)
    world.api.post(f"{path}/resume", json={}).raise_for_status()
    assert world.subscription(paid.subscription_id)["next_charge"]["at"] == "2027-05-15T07:00:00Z"
    world.advance_to(local(2027, 4, 20))
    assert world.api.post(f"{path}/cancel", json={}).json()["cancels_at"] == "2027-05-14T22:00:00Z"
    world.advance_to(local(2027, 6, 20))
    assert charged(world) == ["2027-03-16"]
    assert_promises_kept(world)


def test_days_from_staff_come_on_top_and_end_the_undo(world: World, paid: Subscriber) -> None:
    by(world, charge_day.choose, paid, 25)
    body = {"days": 3, "reason": "the site was slow"}
    world.api.post(f"/v1/subscriptions/{paid.subscription_id}/extend", json=body).raise_for_status()
    with pytest.raises(charge_day.NoDayToUndo):
        by(world, charge_day.undo, paid)
    world.advance_to(local(2027, 5, 29))
    assert charged(world) == ["2027-03-16", "2027-04-28", "2027-05-28"]


def test_a_pause_begins_after_the_free_days(world: World, paid: Subscriber) -> None:
    by(world, charge_day.choose, paid, 25)
    by(world, pause.request_pause, paid, 1, most=3)
    with pytest.raises(charge_day.NoDayToUndo, match="pause"):
        by(world, charge_day.undo, paid)
    world.advance_to(local(2027, 6, 26))
    assert charged(world) == ["2027-03-16", "2027-05-25", "2027-06-25"]


def test_a_year_that_is_chosen_begins_on_the_day(world: World, paid: Subscriber) -> None:
    browser = by_page(world, paid.email, 25)
    browser.get("/account/plan?to=yearly")
    page = browser.post("/account/plan", consent="yes")
    assert "From Sunday 25 April 2027 you pay R750.00 incl. VAT a year." in page.words
    with pytest.raises(charge_day.NoDayToUndo, match="change of plan"):
        by(world, charge_day.undo, paid)
    world.advance_to(local(2028, 5, 26))
    assert charged(world) == ["2027-03-16", "2027-04-25", "2028-04-25", "2028-05-25"]


def refused(world: World, email: str) -> str:
    page = signed_in(world, email).get("/account/charge-day?day=25")
    assert page.status in (409, 422)
    return page.words


def test_in_a_trial(world: World, in_trial: Subscriber) -> None:
    assert "once the first charge is made, on Tuesday 16 March 2027" in refused(world, in_trial.email)


def test_in_a_year(world: World, yearly: Subscriber) -> None:
    assert "Only a plan that is paid by the month" in refused(world, yearly.email)
    assert "Choose the day you pay" not in signed_in(world, yearly.email).get("/account").words


def test_while_a_payment_is_owed(world: World, owing: Subscriber) -> None:
    assert "A payment is outstanding" in refused(world, owing.email)


def test_while_it_is_cancelled(world: World, cancelled: Subscriber) -> None:
    assert "It is cancelled" in refused(world, cancelled.email)


def test_while_a_pause_or_another_plan_is_ahead(world: World, paid: Subscriber) -> None:
    by(world, pause.request_pause, paid, 1, most=3)
    assert "Take it back first" in refused(world, paid.email)
    by(world, pause.undo, paid)
    browser = signed_in(world, paid.email).again("/account/plan?to=yearly")
    browser.post("/account/plan", consent="yes")
    assert "A change of plan is ahead" in refused(world, paid.email)


def test_on_the_morning_of_a_charge(world: World, paid: Subscriber) -> None:
    world.advance_to(local(2027, 4, 16, 8))
    assert "A charge is being made" in refused(world, paid.email)


def test_days_that_no_month_has_and_the_day_it_is(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    for day, words in ((29, "from the 1st to the 28th"), (16, "the day on which it is charged already")):
        assert words in browser.get(f"/account/charge-day?day={day}").words


@pytest.mark.parametrize("free", [0, 10])
def test_the_publisher_bounds_the_free_days(make_world: Callable[..., World], free: int) -> None:
    world = make_world(local(2027, 3, 1, 10), charge_day_free_days=free)
    world.start_trial("thandi@example.com")
    world.advance_to(local(2027, 3, 20))
    browser = signed_in(world, "thandi@example.com")
    page = browser.get("/account/charge-day?day=28")
    assert page.status == 409
    if free:
        assert "at most 10 are free" in page.words
        days = browser.get("/account/charge-day").words
        assert "the 26th:" in days
        assert "the 27th:" not in days
    else:
        assert "Choose the day you pay" not in browser.get("/account").words


def test_a_form_that_shows_another_day_is_refused(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email).again("/account/charge-day?day=25")
    by(world, extend.extend, paid, 12)
    page = browser.post("/account/charge-day", consent="yes")
    assert page.status == 409
    assert "The next charge is now on Tuesday 25 May 2027 instead of Sunday 25 April 2027." in page.words
    assert world.rows("SELECT id FROM consent WHERE kind = 'charge-day'") == []


def test_the_choice_and_the_worker_wait_for_each_other(world: World, paid: Subscriber) -> None:
    services, reader = world.services, ReaderActor(paid.reader_id)

    def choose_meanwhile() -> None:
        with services.database.begin(services.site, world.now, reader) as ctx:
            fail_instead_of_waiting(ctx.session)
            charge_day.choose(ctx, paid.subscription_id, 25, reason="a race")

    with services.database.begin(services.site, world.now, reader) as worker:
        lock(worker.session, paid.subscription_id)
        with pytest.raises(OperationalError, match="lock timeout"):
            choose_meanwhile()
    choose_meanwhile()
    with pytest.raises(charge_day.DayChosenBefore):
        choose_meanwhile()


def test_a_program_chooses_and_undoes(world: World, paid: Subscriber) -> None:
    path, why = f"/v1/subscriptions/{paid.subscription_id}/charge-day", {"reason": "asked on the phone"}
    assert world.api.post(path, json=why | {"day": 29}).status_code == 422
    assert world.api.post(path, json=why | {"day": 16}).json()["code"] == "same_day"
    answer = world.api.post(path, json=why | {"day": "last"}).json()
    assert answer["next_charge"]["at"] == "2027-04-30T07:00:00Z"
    assert world.api.post(path, json=why | {"day": 1}).json()["code"] == "day_chosen_before"
    answer = world.api.post(f"{path}/undo", json=why).json()
    assert answer["next_charge"]["at"] == "2027-04-16T07:00:00Z"
    assert world.api.post(f"{path}/undo", json=why).json()["code"] == "no_day_to_undo"
    assert world.api.post("/v1/subscriptions/sub_none/charge-day/undo", json=why).status_code == 404
    lines = world.rows("SELECT act, days, cents FROM audit_line ORDER BY id DESC LIMIT 2")
    assert lines == [{"act": "charge_day", "days": 0, "cents": 0}] * 2


def test_staff_choose_and_undo(world: World, paid: Subscriber, staff: Callable[[str], Browser]) -> None:
    support, page = staff("support"), f"/staff/readers/{paid.reader_id}"
    assert "Choose the day of the charge" in support.get(page).words
    support.get(f"{page}/charge-day")
    shown = support.post(f"{page}/charge-day", days="28", reason="asked", step="preview")
    assert "moves from Friday 16 April 2027 to Wednesday 28 April 2027" in shown.words
    support.post(f"{page}/charge-day", days="28", reason="asked on the phone", step="confirm")
    world.settle()
    assert world.mail_kinds(paid.email)[-1] == "charge_day"
    assert "Take the new day back" in support.get(page).words
    shown = support.get(f"{page}/undo-charge-day")
    assert "moves back to Friday 16 April 2027" in shown.words
    support.post(f"{page}/undo-charge-day", reason="asked again", step="confirm")
    assert "Chose the day of the charge" in support.get(f"{page}?only=subscription").words
    assert world.subscription(paid.subscription_id)["next_charge"]["at"] == "2027-04-16T07:00:00Z"


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=st.sampled_from(DAYS), hour=st.integers(0, 23), after=st.integers(0, 29))
def test_whatever_day_on_whatever_day(world: World, day: int, hour: int, after: int) -> None:
    """No charge before what is paid ends, none twice in a month's span, and each on its day. The last day is the day it is."""
    reader = subscriber(world, "paid_twice", MONTH_END)
    at = datetime.fromtimestamp(world.now.timestamp() + after * 86400 + hour * 3600, world.now.tzinfo)
    world.advance_to(at)
    if day == LAST:
        with pytest.raises(charge_day.SameDay):
            by(world, charge_day.choose, reader, day)
        return
    by(world, charge_day.choose, reader, day)
    world.advance_to(local(2027, 5, 29, 12))
    days = [date.fromisoformat(at) for at in charged(world)]
    assert all((later - earlier).days >= 28 for earlier, later in pairwise(days))
    assert {each.day for each in days[2:]} == {day}
    assert_promises_kept(world)
    nothing_is_missed(world)
