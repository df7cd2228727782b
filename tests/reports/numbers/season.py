"""A season in which everything happens that numbers count. Monday 1 March to 20 June 2027."""

from datetime import date

from tests.support.cancel_helpers import cancel
from tests.support.world import World, local

FIRST, LAST = date(2027, 3, 1), date(2027, 6, 20)
ENDED = local(2027, 6, 20, 12)


def live(world: World) -> None:
    """Eight readers: stays, takes a year, leaves in the trial, leaves later and returns, can't be charged, can be on the second
    try, changes to the year, and comes late."""
    ids = {
        name: world.start_trial(f"{name}@example.com", f"pm_card_visa__{n}", **more)["subscription"]["id"]
        for n, (name, more) in enumerate(
            (
                *(("stays", {}), ("year", {"plan": "yearly"}), ("tries", {}), ("leaves", {})),
                *(("fails", {}), ("recovers", {}), ("switches", {})),
            )
        )
    }
    world.advance_to(local(2027, 3, 5, 12))
    cancel(world, ids["tries"])
    world.advance_to(local(2027, 3, 20, 12))
    cancel(world, ids["leaves"])
    with world.browse() as browser:
        browser.sign_in("switches@example.com")
        browser.get("/account/plan?to=yearly")
        assert browser.post("/account/plan", consent="yes").status < 400
    payment = world.rows(
        "SELECT p.id FROM payment p JOIN reader r ON r.id = p.reader_id WHERE r.email = 'stays@example.com'"
    )[0]["id"]
    body, key = {"amount": 2500, "reason": "late paper"}, {"Idempotency-Key": "refund-1"}
    world.api.post(f"/v1/payments/{payment}/refunds", json=body, headers=key).raise_for_status()
    cards = {
        row["email"]: row["gateway_ref"]
        for row in world.rows(
            "SELECT r.email, m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id"
        )
    }
    world.sandbox.decline(cards["fails@example.com"], "insufficient_funds")
    world.sandbox.decline(cards["recovers@example.com"], "insufficient_funds")
    world.advance_to(local(2027, 4, 17, 12))
    world.sandbox.decline(cards["recovers@example.com"], None)
    world.advance_to(local(2027, 5, 3, 12))
    world.start_trial("late@example.com", "pm_card_visa__9")
    world.advance_to(ENDED)
