"""Another plan chosen in the trial: for the first charge, on its day, as long as that charge isn't announced (CARD-4)."""

import pytest
from sqlalchemy.exc import OperationalError

from billing.changes import change_plan
from billing.platform.actors import ReaderActor
from billing.subscriptions.change import lock
from tests.support.browser import Browser
from tests.support.independent_calendar import assert_promises_kept, nothing_is_missed
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World, local

ANNOUNCED = "another plan once that charge is made, on Tuesday 16 March 2027"


def choose(world: World, email: str, plan: str = "yearly") -> Browser:
    """Choose a plan on the pages; the browser is on the account afterwards."""
    browser = signed_in(world, email).again(f"/account/plan?to={plan}")
    browser.post("/account/plan", consent="yes")
    return browser


def charged(world: World) -> list[tuple[str, int]]:
    return [
        (at[:10], charge["amount"]) for at, charge in zip(world.charged_at(), world.charges(), strict=True)
    ]


@pytest.mark.prove
def test_the_year_is_the_first_charge_on_the_day_that_was_promised(
    world: World, in_trial: Subscriber
) -> None:
    world.advance_to(local(2027, 3, 3, 12))
    browser = signed_in(world, in_trial.email)
    account = browser.get("/account")
    assert "Pay by the year from 16 Mar 2027: R750.00 incl. VAT" in account.words
    page = browser.get("/account/plan?to=yearly")
    assert "R750.00 on Tuesday 16 March 2027" in page.words
    assert "until Monday 8 March 2027, when we announce the charge" in page.words
    page = browser.post("/account/plan", consent="yes")
    assert "From Tuesday 16 March 2027 you pay R750.00 incl. VAT a year." in page.words
    assert "Next charge R750.00 incl. VAT on Tuesday 16 March 2027" in page.words
    assert world.rows("SELECT amount, first_charge_on::text AS day FROM consent WHERE kind = 'switch'") == [
        {"amount": 75000, "day": "2027-03-16"}
    ]
    world.settle()
    letter = world.letters(in_trial.email)[-1]
    assert letter.subject == "From Tuesday 16 March 2027 you pay by the year"
    assert "until Monday 8 March 2027, when we announce the charge" in letter.text
    answer = world.subscription(in_trial.subscription_id)
    assert (answer["status"], answer["plan"], answer["next_plan"]) == ("trialing", "monthly", "yearly")
    charge = answer["next_charge"]
    assert (charge["at"], charge["amount"]["amount"]) == ("2027-03-16T07:00:00Z", 75000)
    path = f"/v1/readers/{in_trial.reader_id}/forecast"
    forecast = world.api.get(path, params={"months": 14}).json()["charges"]
    assert [(row["at"][:10], row["amount"]["amount"], row["plan"]) for row in forecast] == [
        ("2027-03-16", 75000, "yearly"),
        ("2028-03-16", 7500, "monthly"),
        ("2028-04-16", 7500, "monthly"),
    ]
    world.advance_to(local(2027, 3, 16, 12))
    notices = [letter.subject for letter in world.letters(in_trial.email) if "incl. VAT on" in letter.subject]
    assert notices == [
        f"{words}: R750.00 incl. VAT on Tuesday 16 March 2027"
        for words in ("Your free trial is ending", "Last reminder")
    ]
    assert charged(world) == [("2027-03-16", 75000)]
    world.advance_to(local(2028, 4, 20))
    assert charged(world) == [("2027-03-16", 75000), ("2028-03-16", 7500), ("2028-04-16", 7500)]
    assert_promises_kept(world)
    nothing_is_missed(world)


@pytest.mark.prove
def test_from_the_year_to_the_month(world: World) -> None:
    world.advance_to(local(2027, 3, 1, 10))
    begun = world.start_trial("thandi@example.com", plan="yearly")
    choose(world, "thandi@example.com", "monthly")
    assert world.subscription(begun["subscription"]["id"])["next_plan"] == "monthly"
    world.advance_to(local(2027, 4, 17))
    assert charged(world) == [("2027-03-16", 7500), ("2027-04-16", 7500)]
    assert world.rows("SELECT plan_id, is_fixed_term, term_notice_at FROM subscription") == [
        {"plan_id": "monthly", "is_fixed_term": False, "term_notice_at": None}
    ]
    assert_promises_kept(world)
    nothing_is_missed(world)


def test_it_is_undone_until_the_charge_is_announced(world: World, in_trial: Subscriber) -> None:
    browser = choose(world, in_trial.email)
    page = browser.undo("/account/plan/undo")
    assert "you pay R750.00" not in page.words
    assert "Next charge R75.00 incl. VAT on Tuesday 16 March 2027" in page.words
    world.advance_to(local(2027, 3, 20))
    assert charged(world) == [("2027-03-16", 7500)]
    events = [row["event"] for row in world.rows("SELECT event FROM subscription_change ORDER BY id")]
    assert events == [None, "switch_asked", "switch_undone", "charged"]


def test_an_announced_charge_keeps_its_plan(world: World, in_trial: Subscriber) -> None:
    world.advance_to(local(2027, 3, 8, 9))
    browser = signed_in(world, in_trial.email)
    account = browser.get("/account")
    assert ANNOUNCED in account.words
    assert "Pay by the year" not in account.words
    page = browser.get("/account/plan?to=yearly")
    assert page.status == 409
    assert ANNOUNCED in page.words
    world.advance_to(local(2027, 3, 16, 12))
    assert "Pay by the year from 16 Apr 2027" in browser.get("/account").words


def test_an_announced_choice_is_not_undone(world: World, in_trial: Subscriber) -> None:
    browser = choose(world, in_trial.email)
    browser.get("/account/plan/undo")
    world.advance_to(local(2027, 3, 8, 9))
    page = browser.post("/account/plan/undo")
    assert page.status == 409
    assert ANNOUNCED in page.words
    assert "Undo the change of plan" not in browser.get("/account").words
    world.advance_to(local(2027, 3, 16, 12))
    assert charged(world) == [("2027-03-16", 75000)]


def test_staff_give_days_and_the_choice_moves_with_the_charge(world: World, in_trial: Subscriber) -> None:
    choose(world, in_trial.email)
    body = {"days": 10, "reason": "the site was slow"}
    world.api.post(f"/v1/subscriptions/{in_trial.subscription_id}/extend", json=body).raise_for_status()
    assert world.rows("SELECT charge_on::text AS c, next_terms_on::text AS n FROM subscription") == [
        {"c": "2027-03-26", "n": "2027-03-26"}
    ]
    world.advance_to(local(2027, 3, 27))
    assert charged(world) == [("2027-03-26", 75000)]


def test_a_trial_that_moves_by_itself_keeps_the_choice(world: World, in_trial: Subscriber) -> None:
    choose(world, in_trial.email)
    world.skip_to(local(2027, 3, 18, 12))  # no worker ran: both notices are late
    world.settle()
    assert world.rows("SELECT charge_on = next_terms_on AS same FROM subscription") == [{"same": True}]
    account = signed_in(world, in_trial.email).get("/account").words
    assert "Undo the change of plan" not in account, "the new day is announced at once"
    world.advance_to(local(2027, 3, 27, 12))
    assert [charge["amount"] for charge in world.charges()] == [75000]
    assert_promises_kept(world)
    nothing_is_missed(world)


def test_a_cancellation_that_is_undone_leaves_the_choice(world: World, in_trial: Subscriber) -> None:
    browser = choose(world, in_trial.email)
    path = f"/v1/subscriptions/{in_trial.subscription_id}"
    world.api.post(f"{path}/cancel", json={}).raise_for_status()
    assert "you pay R750.00" not in browser.get("/account").words
    page = browser.undo("/account/resume")
    assert "From Tuesday 16 March 2027 you pay R750.00 incl. VAT a year." in page.words
    world.advance_to(local(2027, 3, 17))
    assert charged(world) == [("2027-03-16", 75000)]


def test_a_declined_first_charge_is_retried_at_the_chosen_price(world: World, in_trial: Subscriber) -> None:
    choose(world, in_trial.email)
    (card,) = world.rows("SELECT gateway_ref FROM payment_method")
    world.sandbox.decline(card["gateway_ref"], "insufficient_funds")
    world.advance_to(local(2027, 3, 17))
    assert world.subscription(in_trial.subscription_id)["status"] == "past_due"
    world.sandbox.decline(card["gateway_ref"], None)
    world.advance_to(local(2027, 3, 29))
    assert [c["amount"] for c in world.charges() if c["status"] == "succeeded"] == [75000]
    assert world.rows("SELECT plan_id, is_fixed_term FROM subscription") == [
        {"plan_id": "yearly", "is_fixed_term": True}
    ]
    assert_promises_kept(world)
    nothing_is_missed(world)


def test_the_welcome_that_waits_names_the_chosen_price(world: World) -> None:
    world.smtp.greylist("a@example.com", times=3)
    world.start_trial("a@example.com")
    world.settle()
    services = world.services
    (row,) = world.rows("SELECT id, reader_id FROM subscription")
    with services.database.begin(services.site, world.now, ReaderActor(row["reader_id"])) as ctx:
        change_plan.choose_plan(ctx, row["id"], "yearly", reason="chosen")
    world.advance(hours=2)
    started = [letter for letter in world.letters("a@example.com") if "R750.00" in letter.text]
    assert len(started) >= 2
    assert world.mail_kinds("a@example.com").count("trial_started") == 1


def test_the_choice_and_the_worker_wait_for_each_other(world: World, in_trial: Subscriber) -> None:
    services, by = world.services, ReaderActor(in_trial.reader_id)

    def choose_meanwhile() -> None:
        with services.database.begin(services.site, world.now, by) as ctx:
            fail_instead_of_waiting(ctx.session)
            change_plan.choose_plan(ctx, in_trial.subscription_id, "yearly", reason="chosen")

    with services.database.begin(services.site, world.now, by) as worker:
        lock(worker.session, in_trial.subscription_id)
        with pytest.raises(OperationalError, match="lock timeout"):
            choose_meanwhile()
    choose_meanwhile()
