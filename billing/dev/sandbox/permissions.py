"""Permissions of a restricted key (`rk_test_…`): it may do everything but what was taken from it on demand.

The names are those of https://docs.stripe.com/keys/permissions-reference, which clients must not depend on. Refunds and early fraud
warnings count as charges here."""

from billing.dev.sandbox.errors import StripeError
from billing.dev.sandbox.world import SandboxWorld

RESTRICTED = "rk_test_"
NAMES = {
    "balance_transaction": "balance_transaction_source",
    "checkout.session": "checkout_session",
    "radar.early_fraud_warning": "charge",
    "refund": "charge",
    "webhook_endpoint": "webhook",
}


def take(world: SandboxWorld, lacking: list[str]) -> None:
    """Let restricted keys lack these permissions, such as `payout_read`; an empty list gives all back."""
    world.store.put("setting", {"id": "permissions", "lacking": lacking})


def check(world: SandboxWorld, secret: str, method: str, kind: str) -> None:
    """Raise StripeError if the key lacks the permission for objects of this kind: 403 without a code
    (https://github.com/stripe/stripe-node/issues/2246)."""
    if not secret.startswith(RESTRICTED):
        return
    name = f"{NAMES.get(kind, kind)}_{'read' if method == 'GET' else 'write'}"
    setting = world.store.get("setting", "permissions") or {"lacking": []}
    if name in setting["lacking"]:
        raise StripeError(
            403,
            f"The provided key '{RESTRICTED}{'*' * 8}{secret[-6:]}' does not have the required permissions for this endpoint on account"
            f" 'acct_sandbox'. Having the 'rak_{name}' permission would allow this request to continue.",
        )
