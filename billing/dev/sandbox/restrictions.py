"""Stripe makes no charges for the account, or none with one card, and says so with a refusal that names neither."""

from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

ALL = "*"


def set_to(world: SandboxWorld, method: str | None, times: int | None = None) -> None:
    """Make no charge with this PaymentMethod, or with none (`ALL`), so many `times` (None: until further notice); None: make them
    all again."""
    world.store.put("setting", {"id": "restricted", "method": method, "left": times})


def check(world: SandboxWorld, method: str | None) -> None:
    """Refuse the charge where it is restricted: 400 with a message alone, which is the least that a refusal can say. The words
    are those of an account that is not active (https://github.com/antiwork/gumroad/pull/4479)."""
    told = world.store.get("setting", "restricted") or {"method": None, "left": None}
    if told["method"] is not None and told["method"] in (ALL, method):
        if told["left"] is not None:
            over = told["left"] == 1
            set_to(world, None if over else told["method"], None if over else told["left"] - 1)
        raise invalid(
            "Your account cannot currently make live charges. If you are a site owner, please activate your account at "
            "https://dashboard.stripe.com/account/onboarding to remove this limitation. If you are a customer trying to make "
            "a purchase, please contact the owner of this site. Your transaction has not been processed."
        )


def asks_person(kept: Row) -> bool:
    """Whether the card was told to wait for its owner, also where nobody is there."""
    return bool((kept["decline"] or {}).get("requires_action"))
