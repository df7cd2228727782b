"""An Idempotency-Key repeats the answer of a completed call; a call without effect may be retried with it."""

from typing import Any

import httpx
import pytest

from tests.support.broken_tables import every_commit_fails
from tests.support.starting_points import Subscriber
from tests.support.world import World

KEY = {"Idempotency-Key": "n-1"}


@pytest.fixture
def payment(world: World, paid: Subscriber) -> str:
    """One that can be given back."""
    return str(world.rows("SELECT id FROM payment")[0]["id"])


def give_back(world: World, payment: str, **headers: str) -> httpx.Response:
    body = {"amount": 2500, "reason": "A kindness."}
    return world.api.post(f"/v1/payments/{payment}/refunds", json=body, headers=KEY | headers)


def test_a_failure_of_ours_without_effect_does_not_stick_to_the_key(world: World, payment: str) -> None:
    with every_commit_fails(world, "refund"):
        assert give_back(world, payment).status_code == 500
    assert world.rows("SELECT id FROM refund") == []
    assert world.rows("SELECT status FROM api_answer") == []
    first, again = give_back(world, payment), give_back(world, payment)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    assert len(world.rows("SELECT id FROM refund")) == 1


def test_the_answer_that_can_not_be_kept_undoes_what_it_tells(world: World, payment: str) -> None:
    """Effect and answer are one transaction, so the key can never act twice."""
    with every_commit_fails(world, "api_answer"):
        assert give_back(world, payment).status_code == 500
    assert world.rows("SELECT id FROM refund") == []
    assert give_back(world, payment).status_code == 201
    assert len(world.rows("SELECT id FROM refund")) == 1


def test_stripe_away_is_no_answer_to_keep(world: World) -> None:
    body = {
        "email": "thandi@example.com",
        "payment_method": "pm_card_visa",
        "consent": {
            "text_version": "1",
            "accepted_at": world.now.isoformat(),
            "ip": "::1",
            "user_agent": "x",
        },
    }
    world.sandbox.faults({"effect": "500_before", "method": "POST", "times": None})
    away = world.api.post("/v1/trials", json=body, headers=KEY)
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    world.sandbox.faults()
    started, again = (world.api.post("/v1/trials", json=body, headers=KEY) for _ in range(2))
    assert started.status_code == 201, started.text
    assert again.content == started.content
    assert len(world.rows("SELECT id FROM subscription")) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("extend", {"days": 7, "reason": "A kindness."}, 200),
        ("cancel", {"reason": "moving"}, 200),
        ("resume", {}, 409),
    ],
)
def test_acts_and_refusals_are_answered_alike(
    world: World, in_trial: Subscriber, path: str, body: dict[str, Any], status: int
) -> None:
    subscription = in_trial.subscription_id
    answers = [
        world.api.post(f"/v1/subscriptions/{subscription}/{path}", json=body, headers=KEY) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].content == answers[1].content
    changes = world.rows("SELECT event FROM subscription_change WHERE event IS NOT NULL")
    assert len(changes) == (1 if status == 200 else 0)


def test_an_answer_without_words_is_repeated_without_words(world: World) -> None:
    """A 204 may have no body, and the server fails on one."""
    article = f"/v1/articles/{world.articles['subscriber'][0]}"
    for _ in range(2):
        answer = world.api.delete(article, headers={"Idempotency-Key": "gone-1"})
        assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["idempotent-replayed"] == "true"
