"""Restrictions: Stripe refuses charges of the account or of one card, with an error that names neither."""

from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

ALL = "*"


def set_to(world: SandboxWorld, method: str | None, times: int | None = None) -> None:
    """Restrict charges with this PaymentMethod, or with `ALL`, for `times` charges (None: without end). `method` None ends it."""
    world.store.put("setting", {"id": "restricted", "method": method, "left": times})


def check(world: SandboxWorld, method: str | None) -> None:
    """Raise StripeError if the charge is restricted: 400 with only a message, the least informative error. The message is that of an
    inactive account (https://github.com/antiwork/gumroad/pull/4479)."""
    setting = world.store.get("setting", "restricted") or {"method": None, "left": None}
    if setting["method"] is not None and setting["method"] in (ALL, method):
        if setting["left"] is not None:
            last = setting["left"] == 1
            set_to(world, None if last else setting["method"], None if last else setting["left"] - 1)
        raise invalid(
            "Your account cannot currently make live charges. If you are a site owner, please activate your account at "
            "https://dashboard.stripe.com/account/onboarding to remove this limitation. If you are a customer trying to make "
            "a purchase, please contact the owner of this site. Your transaction has not been processed."
        )


def asks_person(kept: Row) -> bool:
    """Whether the card was ordered to require its owner's action, even off session."""
    return bool((kept["decline"] or {}).get("requires_action"))
