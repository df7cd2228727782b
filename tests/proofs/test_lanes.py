"""What nobody waits for keeps nobody waiting: receipts, and a billing run that stands still before Stripe, hold up no link to
sign in with."""

from datetime import timedelta

from billing.timetable import Lane, tick
from tests.proofs.many_readers import CHARGE_AT, due
from tests.support.polling import until
from tests.support.worker_processes import Hire
from tests.support.world import World

EMAIL = "reader-0@example.com"


def ask_for_a_link(world: World) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=EMAIL)


def came(world: World) -> list[str]:
    """The kinds of mail that went out since the trials, in their order."""
    of_trials = ("Your free trial", "Last reminder")
    return [letter.subject for letter in world.letters() if not letter.subject.startswith(of_trials)]


def test_a_link_to_sign_in_comes_while_a_billing_run_waits_for_stripe(world: World, hire: Hire) -> None:
    due(world, 2)
    world.sandbox.faults(
        {"effect": "slow", "method": "POST", "path": "/v1/payment_intents", "seconds": 60, "times": None}
    )
    hire(world).ready()
    until(
        lambda: world.sandbox.http.get("/_sandbox/faults").json()["faults"][0]["hit"], "a charge to be sent"
    )
    ask_for_a_link(world)
    until(lambda: came(world), "the link")
    assert [subject.startswith("Your sign-in link") for subject in came(world)] == [True], came(world)
    assert world.rows("SELECT id FROM attempt WHERE state = 'open'") != [], "and the run still waits"


def test_a_link_to_sign_in_overtakes_receipts(world: World) -> None:
    due(world, 3)
    tick(world.parts, lane=Lane.MAIN)
    assert came(world) == [], "the receipts lie there"
    world.skip_to(CHARGE_AT + timedelta(minutes=1))
    ask_for_a_link(world)
    tick(world.parts, lane=Lane.MAIL)
    assert [subject.startswith("Tax invoice") for subject in came(world)] == [False, True, True, True]
