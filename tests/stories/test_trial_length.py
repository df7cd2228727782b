"""`billing plans trial`: another number of free days, for who starts from then on. Trials that run keep theirs."""

from datetime import date

import pytest

from billing.platform.errors import Refusal
from billing.subscriptions.models import Plan
from billing.subscriptions.plans import BadTrial, add_plan
from tests.support.actors import BY
from tests.support.cli import run_on
from tests.support.leaps import leap_to
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

WHY = ("--reason", "a month to try it")


def set_trial(world: World, plan: str, days: int) -> str:
    done = run_on(world, "plans", "trial", plan, str(days), *WHY)
    assert done.exit_code == 0, done.output or done.exception
    return done.output


def refused(world: World, *words: str) -> str:
    done = run_on(world, "plans", "trial", *words)
    assert isinstance(done.exception, Refusal), done.output
    return str(done.exception)


def charge_days(world: World) -> list[date]:
    """The days of the first charges, by start."""
    return [
        row["charge_on"] for row in world.rows("SELECT charge_on FROM subscription ORDER BY started_at, id")
    ]


def test_who_starts_then_has_the_new_days_and_a_running_trial_keeps_its_own(
    world: World, in_trial: Subscriber
) -> None:
    assert set_trial(world, "monthly", 30) == "monthly: 30 days free for who starts from now on.\n"
    browser = world.browser()
    words = browser.get("/").words
    assert "30 days free" in words
    assert "First 14 days free too" in words, "the year has its own"
    browser.get("/subscribe")
    browser.post("/subscribe", email="sipho@example.com")
    assert "Yes, start my 30 days free. From 1 April 2027 charge my card" in browser.page.words
    assert "until Wednesday 31 March 2027" in browser.agree_and_pay("4000056655665556").words
    world.start_trial("lindiwe@example.com", "pm_card_visa__3")
    assert charge_days(world) == [date(2027, 3, 16), date(2027, 4, 1), date(2027, 4, 1)]
    world.settle()
    assert "31 March 2027" in world.letters("sipho@example.com")[0].text
    leap_to(world, local(2027, 3, 17), days=10)
    assert world.charged_at() == ["2027-03-16 09:00"], "of the trial that ran already"
    assert world.letter(in_trial.email, "Tax invoice INV-000001")
    leap_to(world, local(2027, 4, 2), days=10)
    assert world.charged_at()[1:] == ["2027-04-01 09:00"] * 2


def test_who_has_agreed_to_more_days_keeps_them_on_the_card_page(world: World) -> None:
    browser = world.browser().again("/subscribe")
    browser.post("/subscribe", email="sipho@example.com")
    page = browser.open_card_page()
    set_trial(world, "monthly", 7)
    browser.get(world.sandbox.fill_in(page, "4242424242424242"))
    assert charge_days(world) == [date(2027, 3, 16)]
    world.settle()
    assert "15 March 2027" in world.letters("sipho@example.com")[0].text


def test_who_has_agreed_to_fewer_days_has_the_more(world: World) -> None:
    browser = world.browser().again("/subscribe")
    browser.post("/subscribe", email="sipho@example.com")
    page = browser.open_card_page()
    set_trial(world, "monthly", 20)
    browser.get(world.sandbox.fill_in(page, "4242424242424242"))
    assert charge_days(world) == [date(2027, 3, 22)]


def test_a_trial_too_short_for_its_notices_lasts_until_they_have_arrived(world: World) -> None:
    charged_on, readers = {1: 9, 6: 9, 7: 9, 8: 10}, {}
    for days in charged_on:
        set_trial(world, "monthly", days)
        readers[days] = world.start_trial(f"r{days}@example.com", f"pm_card_visa__{days}")["reader"]["id"]
    world.advance_to(local(2027, 3, 12))
    for days, on in charged_on.items():
        assert world.charged_at(of=readers[days]) == [f"2027-03-{on:02} 09:00"], f"a trial of {days} days"


def test_it_is_kept_with_its_reason(world: World) -> None:
    set_trial(world, "yearly", 30)
    lines = world.rows(f"SELECT {BY}, act, subject, reason, before, after FROM audit_line")
    assert lines == [
        {
            "by": "command",
            "act": "plan",
            "subject": "yearly",
            "reason": WHY[1],
            "before": {"trial_days": 14},
            "after": {"trial_days": 30},
        }
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("weekly", "30", *WHY), "no such plan"),
        (("monthly", "14", *WHY), "that many free days already"),
        (("monthly", "30", "--reason", " "), "Say why"),
    ],
)
def test_what_can_not_be_is_refused(world: World, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(world, *words)
    assert world.rows("SELECT DISTINCT trial_days FROM plan") == [{"trial_days": 14}]
    assert world.rows("SELECT id FROM audit_line") == []


@pytest.mark.parametrize("words", [("monthly", "0", *WHY), ("monthly", "91", *WHY)])
def test_what_is_no_length_is_a_usage_error(world: World, words: tuple[str, ...]) -> None:
    assert run_on(world, "plans", "trial", *words).exit_code == 2


@pytest.mark.parametrize("days", [0, 91])
def test_no_plan_has_other_lengths(world: World, days: int) -> None:
    plan = Plan(id="weekly", name="Weekly", months=1, period_label="week", trial_days=days, features=[])
    with world.services.database.transaction() as session, pytest.raises(BadTrial):
        add_plan(session, plan)
