"""A plan is a row that commands write: offered, started, charged, switched to, retired. No code knows its name."""

import pytest

from tests.support.cli import run_on
from tests.support.leaps import leap_to
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

QUARTERLY = ("add", "quarterly", "--name", "Full access", "--months", "3", "--period", "quarter")


def said(world: World, *words: str) -> str:
    done = run_on(world, *words)
    assert done.exit_code == 0, done.output
    return done.output


def refused(world: World, *words: str) -> str:
    done = run_on(world, *words)
    assert done.exit_code != 0, done.output
    return str(done.exception) if done.exit_code == 1 else done.output


def offer_quarterly(world: World) -> None:
    def live() -> None:
        said(world, "plans", *QUARTERLY, "--opens", "listen")
        today = world.services.site.today(world.now).isoformat()
        said(world, "prices", "add", "--plan", "quarterly", "--cents", "20000", "--from", today)
        said(world, "plans", "offer", "quarterly")

    world.once("a quarterly plan is offered", live)


def test_a_new_plan_is_offered_to_nobody_until_it_is(world: World) -> None:
    said(world, "plans", *QUARTERLY)
    assert "no price yet" in refused(world, "plans", "offer", "quarterly")
    said(world, "prices", "add", "--plan", "quarterly", "--cents", "20000", "--from", "2027-03-01")
    browser = world.browser()
    assert "a quarter" not in browser.get("/").words
    assert browser.get("/subscribe?plan=quarterly").status == 422
    assert world.try_trial("a@example.com", plan="quarterly").json()["code"] == "plan_not_offered"
    said(world, "plans", "offer", "quarterly", "--place", "2")
    words = browser.get("/").words
    assert words.index("a month") < words.index("a quarter") < words.index("a year")
    assert "R200.00 incl. VAT a quarter First 14 days free too. Start free, then pay by the quarter" in words
    listed = said(world, "plans", "list")
    assert "quarterly  Full access, 3 months (a quarter): read\n    offered to everyone" in listed


def test_a_reader_takes_it_and_is_charged_every_three_months(world: World) -> None:
    offer_quarterly(world)
    browser = world.browser()
    assert (
        "R200.00 incl. VAT a quarter from Tuesday 16 March" in browser.get("/subscribe?plan=quarterly").words
    )
    browser.post("/subscribe", email="thandi@example.com")
    assert "then every quarter" in browser.page.words
    assert "R200.00 incl. VAT every quarter until I cancel" in browser.page.words
    assert "then every quarter" in browser.agree_and_pay().words
    world.settle()
    assert "R200.00 incl. VAT every quarter, until you cancel" in world.letters("thandi@example.com")[0].text
    leap_to(world, local(2027, 3, 17), days=10)
    leap_to(world, local(2027, 6, 17), days=1)
    leap_to(world, local(2027, 9, 17), days=1)
    assert [
        (charge["amount"], at) for charge, at in zip(world.charges(), world.charged_at(), strict=True)
    ] == [
        (20000, "2027-03-16 09:00"),
        (20000, "2027-06-16 09:00"),
        (20000, "2027-09-16 09:00"),
    ]
    receipt = world.letter("thandi@example.com", "Tax invoice")
    assert "Full access, one quarter" in receipt.text


def test_a_reader_who_pays_by_the_month_changes_to_it(world: World, paid: Subscriber) -> None:
    offer_quarterly(world)
    browser = signed_in(world, paid.email)
    assert "Pay by the quarter" in browser.get("/account").words
    browser.get("/account/plan?to=quarterly")
    assert "After the year" not in browser.page.words
    browser.post("/account/plan", consent="yes")
    assert "you pay R200.00 incl. VAT a quarter" in browser.page.words
    world.settle()
    assert "by the quarter" in world.letters(paid.email)[-1].text
    leap_to(world, local(2027, 4, 17), days=1)
    leap_to(world, local(2027, 7, 17), days=1)
    assert [charge["amount"] for charge in world.charges()] == [7500, 20000, 20000]
    assert world.charged_at()[1:] == ["2027-04-16 09:00", "2027-07-16 09:00"]


def test_a_retired_plan_goes_on_for_those_who_have_it(world: World) -> None:
    offer_quarterly(world)
    world.start_trial("thandi@example.com", plan="quarterly")
    assert said(world, "plans", "retire", "quarterly").endswith("that go on with it: 1.\n")
    assert "a quarter" not in world.browser().get("/").words
    assert world.try_trial("b@example.com", "pm_card_visa__2", plan="quarterly").status_code == 422
    leap_to(world, local(2027, 3, 17), days=10)
    leap_to(world, local(2027, 6, 17), days=1)
    assert [charge["amount"] for charge in world.charges()] == [20000, 20000]


def test_a_plan_for_staff_is_started_for_a_reader_and_stands_on_no_page(world: World) -> None:
    said(world, "plans", "add", "student", "--name", "Students", "--months", "1", "--period", "month")
    said(world, "prices", "add", "--plan", "student", "--cents", "3000", "--from", "2027-03-01")
    said(world, "plans", "offer", "student", "--to", "staff")
    browser = world.browser()
    assert "R30.00" not in browser.get("/").words
    assert browser.get("/subscribe?plan=student").status == 422
    begun = world.start_trial("sipho@example.com", plan="student")
    assert begun["subscription"]["price"]["amount"] == 3000
    leap_to(world, local(2027, 3, 17), days=10)
    leap_to(world, local(2027, 4, 17), days=1)
    assert [charge["amount"] for charge in world.charges()] == [3000, 3000]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("add", "Quarterly", *QUARTERLY[2:]), "lower-case letters"),
        ((*QUARTERLY[:-1], "3rd of a year"), "called by a word"),
        ((*QUARTERLY, "--then", "monthly"), "A fixed term is 12 months"),
        ((*QUARTERLY, "--then", "weekly"), "no such plan"),
        ((*QUARTERLY, "--opens", "everything"), "everything"),
        (("add", "monthly", *QUARTERLY[2:]), "already"),
        (("offer", "weekly"), "no such plan"),
        (("retire", "weekly"), "no such plan"),
        (("offer", "monthly", "--to", "students"), "everyone"),
    ],
)
def test_what_makes_no_plan_is_refused(world: World, words: tuple[str, ...], reason: str) -> None:
    before = world.rows("SELECT * FROM plan ORDER BY id")
    assert reason in refused(world, "plans", *words)
    assert world.rows("SELECT * FROM plan ORDER BY id") == before


def test_another_first_plan_leads_and_without_any_nothing_starts(world: World) -> None:
    offer_quarterly(world)
    said(world, "plans", "offer", "quarterly", "--place", "0")
    browser = world.browser()
    assert "Then R200.00 incl. VAT a quarter." in browser.get("/").words
    assert "R200.00 incl. VAT a quarter" in browser.get("/subscribe").words
    for plan in ("quarterly", "monthly", "yearly"):
        said(world, "plans", "retire", plan)
    assert browser.get("/").status == 404
    assert world.try_trial("b@example.com").json()["code"] == "nothing_on_sale"
