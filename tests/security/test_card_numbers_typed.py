"""A card number typed into a text field is stored nowhere (SEC-12)."""

import pytest

from billing.rules.card_numbers import MASK
from tests.support.signed_in import in_trial_by_pages
from tests.support.starting_points import Subscriber
from tests.support.table_contents import all_text
from tests.support.world import World

TYPED = ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242 12/30", "4242.4242.4242.4242"]


@pytest.mark.parametrize("number", TYPED)
def test_in_the_comment_to_a_cancellation(world: World, number: str) -> None:
    """It is removed, not refused: no typed text may stop a cancellation."""
    browser = in_trial_by_pages(world)
    browser.get("/account/cancel")
    page = browser.post("/account/cancel", reason="other", comment=f"Refund {number} \x00 please")
    assert page.path == "/account/cancelled"
    reason = world.rows("SELECT reason FROM subscription_change WHERE event = 'cancel_asked'")[0]["reason"]
    assert reason.startswith(f"other: Refund {MASK}")
    assert "4242 4242" not in all_text(world)


def test_in_what_a_program_says_of_a_cancellation(world: World, in_trial: Subscriber) -> None:
    body = {"reason": TYPED[0], "comment": f"on {TYPED[1]}"}
    world.api.post(f"/v1/subscriptions/{in_trial.subscription_id}/cancel", json=body).raise_for_status()
    reason = world.rows("SELECT reason FROM subscription_change WHERE event = 'cancel_asked'")[0]["reason"]
    assert reason == f"{MASK}: on {MASK}"
    assert TYPED[0] not in all_text(world)


@pytest.mark.parametrize("number", TYPED)
def test_in_the_reason_for_a_refund_it_is_refused(world: World, number: str) -> None:
    """A reason appears on the credit note and in a mail. The program can repeat the call without it."""
    answer = world.api.post("/v1/payments/pay_1/refunds", json={"amount": 1, "reason": f"to {number}"})
    assert answer.status_code == 422
    assert "card number" in answer.json()["errors"][0]["problem"]
    assert number not in answer.text
