"""Webhook messages as Stripe sends them, signed with any secret."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import httpx

from tests.support.installation import WEBHOOK_SECRET
from tests.support.world import World


def event(world: World, **more: Any) -> dict[str, Any]:
    """An event about an unknown payment; `more` replaces its fields."""
    given = {
        "id": "evt_of_the_test",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(world.now.timestamp()),
        "data": {"object": {"id": "pi_nobodys", "object": "payment_intent"}},
    }
    return given | more


def signature(body: bytes, at: int, *secrets: str, scheme: str = "v1") -> str:
    """The header `Stripe-Signature`, with a signature by each of the secrets."""
    made = [
        f"{scheme}={hmac.new(secret.encode(), b'%d.' % at + body, hashlib.sha256).hexdigest()}"
        for secret in secrets
    ]
    return ",".join([f"t={at}", *made])


def post(
    world: World, body: Any, *secrets: str, off: timedelta = timedelta(), **headers: str
) -> httpx.Response:
    """Send a body whose signature is dated `off` from now; return the answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int((world.now + off).timestamp())
    signed = {"stripe-signature": signature(raw, at, *(secrets or (WEBHOOK_SECRET,)))}
    return httpx.post(
        f"{world.url}/webhooks/stripe", content=raw, headers=signed | headers, trust_env=False, timeout=60
    )
