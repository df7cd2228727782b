"""The webhook of a recorded charge causes no request to Stripe; that of an unrecorded one does."""

import pytest

from tests.support.world import World

CHARGED = "SELECT outcome FROM inbound_event WHERE event_type = 'payment_intent.succeeded'"


def fetched(world: World) -> list[str]:
    """The intents fetched from Stripe, one by one."""
    paths = [one["path"] for one in world.sandbox.exchanges if one["method"] == "GET"]
    return [path for path in paths if path.startswith("/v1/payment_intents/")]


def test_news_of_a_charge_that_is_written_down_asks_stripe_nothing(world: World) -> None:
    for name in ("thandi", "lerato", "pieter"):
        world.start_trial(f"{name}@example.com", f"pm_card_visa__{name}")
    world.advance(days=16)
    assert len(world.charges()) == 3
    assert [row["outcome"] for row in world.rows(CHARGED)] == ["settled"] * 3
    assert fetched(world) == []


@pytest.mark.usefixtures("notified")
def test_news_of_a_charge_whose_answer_was_lost_is_looked_up(world: World) -> None:
    world.sandbox.faults(
        {
            "effect": "timeout_after",
            "method": "POST",
            "path": "/v1/payment_intents",
            "times": 5,
            "seconds": 0.05,
        }
    )
    world.advance(days=1)
    assert len(world.charges()) == 1
    assert [row["outcome"] for row in world.rows(CHARGED)] == ["charged"]
    assert len(fetched(world)) == 1
