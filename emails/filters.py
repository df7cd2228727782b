"""How amounts, days and cards read in a mail, in South African English."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
NO_BREAK = "\u00a0"


def rand(cents: int) -> str:
    """7500 -> "R75.00", 123450 -> "R1 234.50" with a space that does not break."""
    whole, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}R{whole:,}.{rest:02d}".replace(",", NO_BREAK)


def day(iso: str) -> str:
    """ "2026-03-16" -> "Monday 16 March 2026"."""
    return f"{date.fromisoformat(iso):%A %-d %B %Y}"


def short_day(iso: str) -> str:
    """ "2026-03-16" -> "16 March 2026"."""
    return f"{date.fromisoformat(iso):%-d %B %Y}"


def span(first: str, last: str) -> str:
    """("2026-03-16", "2026-04-15") -> "16 March to 15 April 2026"; the year stands once where it is the same."""
    start = short_day(first)
    return f"{start.removesuffix(first[:4]).strip() if first[:4] == last[:4] else start} to {short_day(last)}"


def card(brand: str, last4: str) -> str:
    """("visa", "4242") -> "Visa ending in 4242"; brands come in the acquirer's spelling."""
    known = BRANDS.get(brand.strip().lower(), brand.strip())
    name = known if known.lower() not in ("", "unknown") else "card"
    return f"{name} ending in {last4}"


PROGRESS = {
    "under_way": "on its way",
    "gone": "credit note {note}",
    "before": "has been returned before",
    "failed": "did not arrive; another mail asks how we may pay you",
}


def returned(charges: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Each charge that goes back, as a label and a value: its day; its amount, card and progress."""
    return [
        (
            f"Charged on {short_day(charge['charged_on'])}",
            f"{rand(charge['amount'])} incl. VAT to {card(charge['card_brand'], charge['card_last4'])}, "
            + PROGRESS[charge["state"]].format(note=charge["credit_note_number"]),
        )
        for charge in charges
    ]
