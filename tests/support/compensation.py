"""Compensate a reader by the API: a refund, or more days."""

from tests.support.world import World


def refund(world: World, *, amount: int | None = None) -> str:
    """Refund the last payment, or `amount` cents of it, and let it settle; return the refund's id."""
    payment = world.rows("SELECT id FROM payment ORDER BY paid_at DESC")[0]["id"]
    body = {"reason": "asked for it"} | ({"amount": amount} if amount else {})
    key = {"Idempotency-Key": f"test-{amount}-{world.now.isoformat()}"}
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json=body, headers=key).raise_for_status()
    world.settle()
    return str(answer.json()["id"])


def extend(world: World, subscription_id: str, *, days: int) -> None:
    """Extend the subscription by some days."""
    address = f"/v1/subscriptions/{subscription_id}/extend"
    body = {"days": days, "reason": "outage"}
    world.api.post(address, json=body, headers={"Idempotency-Key": "days"}).raise_for_status()
