"""A request to cancel by form is never too late: signed in it cancels, else it holds the next charge and alerts staff."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.billing_run.run import claim_due
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.reports import doctor
from billing.staff import requests
from billing.staff.models import RequestKind
from tests.reports.operator import broken
from tests.support.cancel_helpers import cancel
from tests.support.requests_to_cancel import READER, ask, asked_by_a_stranger, open_requests
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn
from tests.support.start_at_once import start_at_once
from tests.support.starting_points import Subscriber, fast_forward, subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World, local


def next_charge(world: World, subscription_id: str) -> datetime:
    return datetime.fromisoformat(world.subscription(subscription_id)["next_charge"]["at"])


def alarms(world: World) -> list[dict[str, object]]:
    return world.rows(
        "SELECT opened_at, link FROM staff_case WHERE subject LIKE 'requests-to-cancel-are-answered:%'"
    )


@pytest.fixture
def asked(world: World, paid: Subscriber) -> Subscriber:
    """14 April, 11:00: a form has just asked to cancel a subscription that is charged in two days."""
    asked_by_a_stranger(world)
    return paid


def test_a_signed_in_request_is_the_cancellation(world: World) -> None:
    browser = in_trial_by_pages(world)
    page = ask(browser)
    assert "Your subscription is cancelled" in page.words
    (row,) = world.rows("SELECT cancel_asked_at, cancels_at FROM subscription")
    assert row["cancel_asked_at"] == world.now
    assert open_requests(world) == []
    world.advance_to(local(2027, 3, 17))
    assert world.charges() == []
    assert "cancelled" in world.mail_kinds(READER)


def test_what_a_signed_in_reader_wrote_is_still_read_by_a_person(world: World) -> None:
    browser = in_trial_by_pages(world)
    assert "A person reads" in ask(browser, "Please cancel. And delete my newsletters.").words
    assert [row["words"] for row in open_requests(world)] == ["Please cancel. And delete my newsletters."]
    assert world.rows("SELECT cancel_asked_at FROM subscription")[0]["cancel_asked_at"] == world.now
    world.advance_to(local(2027, 3, 17))
    assert world.charges() == []


def test_an_open_request_holds_the_next_charge_and_its_reader_and_staff_are_told_before(
    world: World, asked: Subscriber
) -> None:
    world.settle()
    letter = world.letters(READER)[-1]
    assert letter.subject == "We received a request to cancel your subscription"
    for text in (letter.text, letter.html):
        assert "Wednesday 14 April 2027 at 11:00" in text
        assert "Friday 16 April 2027" in text
    world.advance_to(local(2027, 4, 16, 12))
    assert len(world.charges()) == 1, "not charged while it waits"
    held = world.letters(READER)[-1]
    assert held.subject == "Your charge of R75.00 incl. VAT is put off to Friday 23 April 2027"
    assert any("/cancel/" in link for link in held.links)
    assert next_charge(world, asked.subscription_id) == local(2027, 4, 23, 9)
    locked = world.articles["subscriber"][0]
    assert world.access(locked, asked.reader_id)["allowed"]

    world.advance_to(local(2027, 4, 18, 12))
    (alarm,) = alarms(world)
    assert str(alarm["link"]).startswith("/staff/requests/req_")
    world.advance_to(local(2027, 4, 23, 12))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-04-23 09:00"], "nobody stops it by a form alone"
    (row,) = world.rows("SELECT period_start_on, period_end_on FROM subscription")
    assert (str(row["period_start_on"]), str(row["period_end_on"])) == ("2027-04-16", "2027-05-16")


def test_every_charge_is_held_once_while_it_waits_and_goes_back_when_it_was_the_reader(
    world: World, asked: Subscriber, staff: SignIn
) -> None:
    fast_forward(world, local(2027, 4, 17))
    world.skip_to(local(2027, 4, 23, 8))
    world.advance_to(local(2027, 4, 23, 12))
    world.skip_to(local(2027, 5, 16, 8))
    world.advance_to(local(2027, 5, 17))
    assert len(world.charges()) == 2, "the one of 16 May is held to the 23rd"
    whys = [
        row["reason"]
        for row in world.rows(
            "SELECT reason FROM subscription_change WHERE event = 'charge_moved' ORDER BY id"
        )
    ]
    assert whys == [
        f"asked again on {day}: a request to cancel waits for its answer, moved by seven days"
        for day in ("23 April", "23 May")
    ]
    assert world.mail_kinds(READER).count("charge_held") == 2
    support = staff("finance")
    support.get(f"/staff/readers/{asked.reader_id}/cancel")
    support.post(
        f"/staff/readers/{asked.reader_id}/cancel", asked="2027-04-14T11:00", when="period_end", step="confirm", reason="form"
    )  # fmt: skip
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert open_requests(world) == []
    world.skip_to(local(2027, 6, 16, 8))
    world.advance_to(local(2027, 6, 16, 12))
    assert len(world.charges()) == 2


def test_in_a_trial_the_day_moves_once_with_notices_anew(world: World, in_trial: Subscriber) -> None:
    world.advance_to(local(2027, 3, 10, 12))
    ask(world.browser())
    world.advance_to(local(2027, 3, 16, 12))
    assert world.charges() == []
    assert next_charge(world, in_trial.subscription_id) == local(2027, 3, 24, 9)
    world.advance_to(local(2027, 3, 18, 12))
    assert len(alarms(world)) == 1
    world.advance_to(local(2027, 3, 24, 12))
    assert world.charged_at() == ["2027-03-24 09:00"]
    assert sorted(world.mail_kinds(READER)[-4:]) == [
        "charge_held",
        "first notice for 2027-03-24",
        "receipt",
        "second notice for 2027-03-24",
    ]


def test_a_retry_is_held_too_but_not_a_card_that_the_reader_gives(world: World, owing: Subscriber) -> None:
    (row,) = world.rows("SELECT retry_on FROM subscription")
    ask(world.browser())
    at = local(row["retry_on"].year, row["retry_on"].month, row["retry_on"].day, 12)
    tries = len(world.sandbox.charges())
    world.advance_to(at)
    assert len(world.sandbox.charges()) == tries
    (held,) = world.rows("SELECT retry_on FROM subscription")
    assert (held["retry_on"] - row["retry_on"]).days == 7
    browser = signed_in(world, owing.email)
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.settle()
    assert world.rows("SELECT state FROM subscription")[0]["state"] == "active"


def test_a_year_is_longer_instead(world: World) -> None:
    yearly = subscriber(world, "year_ending")
    (row,) = world.rows("SELECT period_end_on FROM subscription")
    end = row["period_end_on"]
    charge_at = local(end.year, end.month, end.day, 9)
    fast_forward(world, charge_at - timedelta(days=3))
    ask(world.browser(), email=yearly.email)
    world.advance_to(charge_at)
    assert len(world.charges()) == 1
    assert next_charge(world, yearly.subscription_id) == charge_at + timedelta(days=8)
    world.advance_to(charge_at + timedelta(days=8))
    assert len(world.charges()) == 2
    assert world.mail_kinds(yearly.email).count("term_reminder") == 4


def test_days_given_meanwhile_bring_a_held_charge_no_sooner(
    world: World, asked: Subscriber, staff: SignIn
) -> None:
    fast_forward(world, local(2027, 4, 17))
    support = staff("support")
    where = f"/staff/readers/{asked.reader_id}/extend"
    for days, on in (("3", "Friday 23 April"), ("9", "Wednesday 28 April")):
        support.get(where)
        page = support.post(where, days=days, step="preview")
        assert f"moves from Friday 23 April 2027 to {on} 2027" in page.words
        support.post(where, days=days, step="confirm", reason="sorry")
    world.advance_to(local(2027, 4, 23, 12))
    assert len(world.charges()) == 1
    world.skip_to(local(2027, 4, 28, 8))
    world.advance_to(local(2027, 4, 28, 12))
    assert world.charged_at()[1:] == ["2027-04-28 09:00"]


def test_staff_say_no_and_the_charge_is_made_on_the_day_that_was_told(
    world: World, asked: Subscriber, staff: SignIn
) -> None:
    fast_forward(world, local(2027, 4, 17))
    support = staff("support")
    where = f"/staff/requests/{open_requests(world)[0]['id']}"
    support.get(where)
    support.post(f"{where}/answer", words="We could not confirm that it was you, so nothing changes.")
    world.advance_to(local(2027, 4, 23, 12))
    world.skip_to(local(2027, 5, 16, 8))
    world.advance_to(local(2027, 5, 16, 12))
    assert world.charged_at()[1:] == ["2027-04-23 09:00", "2027-05-16 09:00"]
    assert alarms(world) == []


@pytest.mark.usefixtures("asked")
def test_a_strangers_form_costs_the_reader_one_press(world: World) -> None:
    browser = signed_in(world, READER)
    page = browser.get("/account")
    assert "Somebody asked us to cancel your subscription" in page.words
    page = browser.post("/account/keep")
    assert "Your subscription goes on as before" in page.text
    assert "asked us to cancel" not in browser.get("/account").words
    assert open_requests(world) == []
    world.advance_to(local(2027, 4, 16, 12))
    assert world.charged_at()[1:] == ["2027-04-16 09:00"]


@pytest.mark.usefixtures("asked")
def test_forms_one_after_the_other_hold_a_charge_no_longer(world: World) -> None:
    fast_forward(world, local(2027, 4, 17))
    world.skip_to(local(2027, 4, 22, 11))
    browser = signed_in(world, READER)
    browser.get("/account")
    browser.post("/account/keep")
    ask(world.browser())
    ask(world.browser())
    world.advance_to(local(2027, 4, 23, 12))
    assert len(world.charges()) == 2


@pytest.mark.usefixtures("paid")
def test_what_raced_the_request_goes_back_when_the_reader_confirms_it(world: World) -> None:
    fast_forward(world, local(2027, 4, 14, 11))
    world.sandbox.faults(
        {"effect": "reset_before", "method": "POST", "path": "/v1/payment_intents", "times": None}
    )
    world.advance_to(local(2027, 4, 16, 9))
    world.sandbox.faults()
    assert len(world.charges()) == 1, "intended, and it never arrived"
    world.skip_to(local(2027, 4, 16, 9, 0, 30))
    ask(world.browser())
    world.advance_to(local(2027, 4, 16, 10))
    assert len(world.charges()) == 2
    browser = world.browser()
    browser.get(world.mailed_link(READER, "/cancel/"))
    browser.post("/cancel", when="period_end")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    (row,) = world.rows("SELECT cancel_asked_at FROM subscription")
    assert row["cancel_asked_at"] == local(2027, 4, 16, 9, 0, 30)
    assert open_requests(world) == []


@pytest.mark.usefixtures("asked")
def test_a_reader_who_waits_for_months_with_a_link_at_hand_gets_nothing_back_by_the_link(
    world: World,
) -> None:
    """Else a form posted in spring would make the whole summer free. The request stays open, and staff decide."""
    fast_forward(world, local(2027, 4, 17))
    for day in (local(2027, 4, 23), local(2027, 5, 16), local(2027, 5, 23)):
        world.skip_to(day.replace(hour=8))
        world.advance_to(day.replace(hour=12))
    assert len(world.charges()) == 3
    world.skip_to(local(2027, 6, 1))
    browser = world.browser()
    browser.get(world.mailed_link(READER, "/cancel/"))
    browser.post("/cancel", when="period_end")
    world.settle()
    assert world.sandbox.refunds() == []
    assert world.rows("SELECT cancel_asked_at FROM subscription")[0]["cancel_asked_at"] == world.now
    assert len(open_requests(world)) == 1


def test_a_request_and_a_charge_meet_under_one_lock(world: World, paid: Subscriber) -> None:
    """In either order: a request during a charge's decision waits, and counts as a race."""
    world.skip_to(local(2027, 4, 16, 9))
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        assert [one.id for one in claim_due(ctx)] == [paid.subscription_id]
        with world.services.database.engine.connect() as connection, Session(connection) as form:
            fail_instead_of_waiting(form)
            with pytest.raises(OperationalError, match="lock timeout"):
                receive(form, world)


def receive(session: Session, world: World) -> None:
    requests.record_request(
        TransactionContext(session, world.services.site, world.now, WORKER),
        requests.RequestSender(None, READER, "", ""),
        RequestKind.CANCEL,
        "",
    )


@pytest.mark.usefixtures("paid")
def test_a_charge_that_slips_through_is_a_broken_promise(world: World) -> None:
    fast_forward(world, local(2027, 4, 14, 11))
    world.skip_to(local(2027, 4, 15, 11))
    ask(world.browser())
    world.execute("UPDATE subscription SET cancel_request_at = NULL")
    world.advance_to(local(2027, 4, 16, 12))
    findings = doctor.examine(world.services.database, world.services.site, world.now)
    assert [one.promise.name for one in findings if one.count] == ["no-charge-while-asked-to-cancel"]


def test_what_a_reader_starts_after_a_request_is_not_what_it_asked_to_cancel(
    world: World, paid: Subscriber
) -> None:
    cancel(world, paid.subscription_id, when="now", refund="none")
    world.advance(days=1)
    ask(world.browser(), "Please stop.")
    world.advance(days=1)
    start_at_once(world, paid.email)
    assert len(world.charges()) == 2
    assert open_requests(world)
    assert broken(world) == {}
    world.advance(days=4)
    assert broken(world) == {}
