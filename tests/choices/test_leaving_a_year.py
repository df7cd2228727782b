"""A year left early, where the letter that asks for it is entered days later, or another one is found that came before it."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.cancel_helpers import cancel
from tests.support.world import World, local

EMAIL = "pieter@example.com"


def yearly(make_world) -> tuple[World, dict[str, Any]]:  # type: ignore[no-untyped-def]
    """A reader whose year runs from 1 February 2027 to the end of January."""
    world: World = make_world(local(2027, 1, 17, 10))
    return world, world.start_trial(EMAIL, plan="yearly")


def test_an_earlier_letter_found_after_a_year_was_left_gives_no_reading_back(make_world) -> None:  # type: ignore[no-untyped-def]
    world, begun = yearly(make_world)
    subscription, reader = begun["subscription"]["id"], begun["reader"]["id"]
    world.advance_to(local(2027, 6, 1, 12))
    cancel(world, subscription, when="early")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [44179]
    world.advance_to(local(2027, 6, 3, 12))
    after = cancel(world, subscription, requested_at="2027-05-28T09:00:00Z", reason="letter of 28 May")
    assert after["cancel_requested_at"] == "2027-05-28T09:00:00Z", "the earlier moment counts"
    assert datetime.fromisoformat(after["cancels_at"]) == local(2027, 7, 1), "what went back isn't read"
    assert world.api.post(f"/v1/subscriptions/{subscription}/resume").json()["code"] == "nothing_to_undo"
    world.settle()
    assert "Wednesday 30 June 2027" in " ".join(world.letter(EMAIL, "cancelled").text.split())
    world.advance_to(local(2027, 7, 1))
    assert not world.access(world.articles["subscriber"][0], reader)["allowed"]
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [44179]


@pytest.mark.parametrize(
    ("entered", "read_to", "given_back"),
    [
        # 20 business days after Tuesday 1 June, the day of the letter; not after Thursday 10 June, when it was entered
        pytest.param(local(2027, 6, 10, 12), local(2027, 7, 1), 44179, id="while the notice runs"),
        pytest.param(
            local(2027, 7, 20, 12), local(2027, 7, 21), -(-75000 * 195 // 365), id="after it: with today"
        ),
    ],
)
def test_the_notice_of_whoever_leaves_runs_from_the_moment_of_asking(  # type: ignore[no-untyped-def]
    make_world, entered: datetime, read_to: datetime, given_back: int
) -> None:
    world, begun = yearly(make_world)
    world.advance_to(entered)
    wish = {"when": "early", "requested_at": "2027-06-01T10:00:00Z"}
    after = cancel(world, begun["subscription"]["id"], **wish)
    assert datetime.fromisoformat(after["cancels_at"]) == read_to
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [given_back]
