"""Verify Stripe's webhooks: signature and age. Belongs to `gateway`."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

import stripe

from billing.acquirer.signals import ForgedWebhook
from billing.rules import clocks


def check(body: bytes, signature: str, secrets: Sequence[str], at: datetime) -> None:
    """Check the signature over the raw body, by any of the secrets, and that its time is within five minutes of `at` (STR-6).
    Raises ForgedWebhook."""
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise ForgedWebhook
    # not the library's own check: it refuses only what is too old, and by the machine's clock, where ours may be held
    stamp = next((part[2:] for part in signature.split(",") if part.startswith("t=")), "")
    if not stamp.isdigit() or abs(at - datetime.fromtimestamp(int(stamp), UTC)) > clocks.APART:
        raise ForgedWebhook


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    # TypeError: the library compares the signature as text, and Python compares only ASCII texts in constant time
    with contextlib.suppress(stripe.SignatureVerificationError, TypeError, ValueError):
        return bool(stripe.WebhookSignature.verify_header(body.decode(), signature, secret, None))
    return False
