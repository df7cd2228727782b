"""Check amounts and currencies as strictly as Stripe does."""

from billing.dev.sandbox.errors import invalid

# Minimum charge in minor units: about half a US dollar (STR-2).
LEAST = {"zar": 1000, "usd": 50, "eur": 50, "gbp": 30}
MOST = 99_999_999


def currency(code: str) -> str:
    """The currency in lower case; raises StripeError for an unknown one."""
    lower = code.lower()
    if lower not in LEAST:
        raise invalid(
            f"Invalid currency: {lower}. Stripe currently supports these currencies: {', '.join(LEAST)}",
            param="currency",
        )
    return lower


def check(amount: int, code: str, *, param: str = "amount") -> None:
    """Raise StripeError unless a card can be charged `amount`, in minor units."""
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", param=param, code="parameter_invalid_integer"
        )
    if amount < LEAST[code]:
        raise invalid(
            f"Amount must be at least {LEAST[code] / 100:.2f} {code}", param=param, code="amount_too_small"
        )
    if amount > MOST:
        raise invalid(
            f"Amount must be no more than {MOST / 100:,.2f} {code}", param=param, code="amount_too_large"
        )
