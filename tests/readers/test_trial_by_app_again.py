"""`POST /v1/trials` after a lost answer or a 503: a repeat finds what the first call left, and the trial begins."""

from typing import Any

import httpx
import pytest

from billing.platform import stop_points
from tests.support.world import World

EMAIL = "naledi@example.com"
CUSTOMERS, SETUPS = "/v1/customers", "/v1/setup_intents"


def call(world: World, card: str, key: str | None = None, **more: object) -> httpx.Response:
    """One call of an app, which repeats it word for word."""
    consent = {
        "text_version": "app-1",
        "accepted_at": "2027-03-01T08:00:00Z",
        "ip": "196.25.1.9",
        "user_agent": "App/1",
    }
    headers = {"Idempotency-Key": key} if key else {}
    body = {"email": EMAIL, "payment_method": card, "consent": consent, **more}
    return world.api.post("/v1/trials", json=body, headers=headers)


def a_card(world: World, name: str = "pm_card_visa") -> str:
    """A card that an app has collected: it has a name of its own, and can be saved for one customer only."""
    token = name.replace("pm_card_", "tok_")
    made: Any = world.sandbox.client().v1.payment_methods.create({"type": "card", "card": {"token": token}})
    return str(made.id)


def check_begun_once(world: World, answer: httpx.Response) -> None:
    assert answer.status_code == 201, answer.text
    assert answer.json()["subscription"]["status"] == "trialing"
    assert [row["state"] for row in world.rows("SELECT state FROM card_setup")] == ["done"]
    assert world.rows("SELECT count(*) AS n FROM consent")[0]["n"] == 1
    cards = [one for one in world.sandbox.objects("payment_method") if one["customer"]]
    (kept,) = world.rows("SELECT customer_ref, gateway_ref FROM payment_method")
    assert [(one["customer"], one["id"]) for one in cards] == [(kept["customer_ref"], kept["gateway_ref"])]


@pytest.mark.parametrize("path", [CUSTOMERS, SETUPS])
@pytest.mark.parametrize("effect", ["500_before", "500_after", "cut", "reset_before", "reset_after"])
@pytest.mark.parametrize("key", ["the-app-says", None])
def test_the_same_call_again_begins_the_trial(world: World, path: str, effect: str, key: str | None) -> None:
    card = a_card(world)
    world.sandbox.faults({"effect": effect, "method": "POST", "path": path, "times": 2})
    answer = call(world, card, key)
    assert answer.status_code == 503, answer.text
    world.sandbox.faults()
    check_begun_once(world, call(world, card, key))


def test_a_call_of_the_next_week_with_the_same_card_begins_it_too(world: World) -> None:
    card = a_card(world)
    world.sandbox.faults({"effect": "500_after", "method": "POST", "path": SETUPS, "times": 2})
    assert call(world, card).status_code == 503
    world.sandbox.faults()
    world.advance(days=7)
    answer = call(world, card)
    assert answer.status_code == 201, answer.text
    assert [row["state"] for row in world.rows("SELECT state FROM card_setup ORDER BY id")] == [
        "expired",
        "done",
    ]
    assert len({row["customer_ref"] for row in world.rows("SELECT customer_ref FROM card_setup")}) == 1


def test_a_call_that_says_something_else_of_the_consent_keeps_both(world: World) -> None:
    card = a_card(world)
    world.sandbox.faults({"effect": "reset_after", "method": "POST", "path": SETUPS, "times": 2})
    assert call(world, card).status_code == 503
    world.sandbox.faults()
    later = {
        "text_version": "app-2",
        "accepted_at": "2027-03-01T07:59:30Z",
        "ip": "196.25.1.9",
        "user_agent": "App/1",
    }
    assert call(world, card, consent=later).status_code == 201
    (visit,) = world.rows("SELECT c.text_version FROM card_setup v JOIN consent c ON c.id = v.consent_id")
    assert visit["text_version"] == "app-2"
    assert world.rows("SELECT count(*) AS n FROM consent")[0]["n"] == 2


def test_a_card_that_was_declined_is_asked_again_under_another_key(world: World) -> None:
    card = a_card(world, "pm_card_visa")
    world.sandbox.decline(card, {"decline_code": "insufficient_funds", "on_setup": True})
    assert call(world, card).json()["code"] == "card_declined"
    world.sandbox.decline(card, None)
    check_begun_once(world, call(world, card))


def test_two_calls_at_once_begin_one_trial(world: World) -> None:
    """The second call arrives while the first saves its card. It finds the same visit, and one of them begins the trial."""
    card, answers = a_card(world), list[httpx.Response]()

    def meanwhile(passed: str) -> None:
        if passed == "StripeGateway.save_card has answered" and not answers:
            answers.append(httpx.Response(0))
            answers[0] = call(world, card)

    stop_points.listen(meanwhile)
    try:
        late = call(world, card)
    finally:
        stop_points.listen(None)
    check_begun_once(world, answers[0])
    assert (late.status_code, late.json()["code"]) == (409, "already_subscribed")


def test_a_card_of_another_customer_is_the_apps_mistake(world: World) -> None:
    card = a_card(world)
    stripe = world.sandbox.client().v1
    stranger = stripe.customers.create({"email": "stranger@example.com"})
    stripe.payment_methods.attach(card, {"customer": stranger.id})
    answer = call(world, card)
    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")


def test_a_customer_who_was_deleted_between_two_calls_is_made_again(world: World) -> None:
    card = a_card(world)
    world.sandbox.faults({"effect": "500_before", "method": "POST", "path": SETUPS, "times": 2})
    assert call(world, card).status_code == 503
    world.sandbox.faults()
    (visit,) = world.rows("SELECT customer_ref FROM card_setup")
    world.sandbox.banks("delete_customer", customer=visit["customer_ref"])
    check_begun_once(world, call(world, card))
    assert world.rows("SELECT customer_ref FROM card_setup") != [visit]


def test_the_trial_that_began_is_charged_as_any_other(world: World) -> None:
    card = a_card(world)
    world.sandbox.faults({"effect": "500_after", "method": "POST", "path": SETUPS, "times": 2})
    assert call(world, card).status_code == 503
    world.sandbox.faults()
    assert call(world, card).status_code == 201
    world.advance(days=16)
    assert len(world.charges()) == 1
