"""The account's settlement currency. Money in another currency is converted at the current rate when it moves."""

from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld


def settle_in(world: SandboxWorld, currency: str, rate: float) -> None:
    """Set the settlement currency (such as `usd`), and its `rate` for one unit of the charged currency."""
    used = [earlier for earlier in currencies(world) if earlier != currency]
    row: Row = {"id": "settlement", "currency": currency, "rate": rate, "used": [currency, *used]}
    world.store.put("setting", row)


def currency_of(world: SandboxWorld) -> str:
    """The settlement currency."""
    return str(_setting(world)["currency"])


def rate_of(world: SandboxWorld, currency: str) -> float | None:
    """The rate from a currency to the settlement currency; None if they are the same.

    It is a balance transaction's `exchange_rate`: its amount is the charge's times the rate
    (https://docs.stripe.com/api/balance_transactions/object). Refunds and disputes are converted at the rate of their own time
    (https://docs.stripe.com/currencies/disputes-refunds)."""
    setting = _setting(world)
    return None if setting["currency"] == currency else float(setting["rate"])


def currencies(world: SandboxWorld) -> list[str]:
    """All currencies that may have a balance, the present one first."""
    return list(_setting(world)["used"])


def converted(amount: int, rate: float | None) -> int:
    """Convert minor units at a rate, rounded half away from zero."""
    if rate is None:
        return amount
    return int(abs(amount) * rate + 0.5) * (1 if amount >= 0 else -1)


def _setting(world: SandboxWorld) -> Row:
    merchant = world.merchant
    default = {"currency": merchant.settles_in, "rate": merchant.rate, "used": [merchant.settles_in]}
    return world.store.get("setting", "settlement") or default
