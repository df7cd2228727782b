"""In which currency the account settles: what is charged in another is converted as it moves, at the rate of that moment."""

from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld


def settle_in(world: SandboxWorld, currency: str, rate: float) -> None:
    """From now on money settles in `currency` (such as `usd`), at `rate` of it for one unit of what is charged."""
    used = [one for one in currencies(world) if one != currency]
    row: Row = {"id": "settlement", "currency": currency, "rate": rate, "used": [currency, *used]}
    world.store.put("setting", row)


def currency_of(world: SandboxWorld) -> str:
    """The currency that money settles in."""
    return str(_told(world)["currency"])


def rate_of(world: SandboxWorld, currency: str) -> float | None:
    """The rate from a currency to the one that money settles in; None where nothing is converted.

    A balance transaction's `exchange_rate` is that number: its amount is the charge's times the rate
    (https://docs.stripe.com/api/balance_transactions/object). Refunds and disputes are converted at the rate of their own
    moment (https://docs.stripe.com/currencies/disputes-refunds)."""
    told = _told(world)
    return None if told["currency"] == currency else float(told["rate"])


def currencies(world: SandboxWorld) -> list[str]:
    """Those in which there may be a balance, the present one first."""
    return list(_told(world)["used"])


def converted(amount: int, rate: float | None) -> int:
    """Minor units at a rate, rounded half away from zero."""
    if rate is None:
        return amount
    return int(abs(amount) * rate + 0.5) * (1 if amount >= 0 else -1)


def _told(world: SandboxWorld) -> Row:
    merchant = world.merchant
    usual = {"currency": merchant.settles_in, "rate": merchant.rate, "used": [merchant.settles_in]}
    return world.store.get("setting", "settlement") or usual
