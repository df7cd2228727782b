"""How amounts, days and cards read in a mail: texts, which the templates show in the mail's language."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from emails.card_schemes import scheme_name
from emails.languages import Text, amount, date_only, full_day, named, say

NO_BREAK = "\u00a0"


def rand(cents: int) -> Text:
    """7500 -> "R75.00", 123450 -> "R1 234.50" with a space that does not break."""
    whole, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return amount(f"{sign}R{whole:,}.{rest:02d}".replace(",", NO_BREAK))


def day(iso: str) -> Text:
    """ "2026-03-16" -> "Monday 16 March 2026"."""
    return full_day(date.fromisoformat(iso))


def short_day(iso: str) -> Text:
    """ "2026-03-16" -> "16 March 2026"."""
    return date_only(date.fromisoformat(iso))


def span(first: str, last: str) -> Text:
    """("2026-03-16", "2026-04-15") -> "16 March to 15 April 2026"; the year stands once where it is the same."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return say(
        "%(first)s to %(last)s", first=date_only(start, with_year=start.year != end.year), last=date_only(end)
    )


def every(period: str) -> Text:
    """A plan's period as how often it is charged: "month" -> "every month"."""
    return _EVERY.get(period) or say("every %(period)s", period=named("period", period))


def by_the(period: str) -> Text:
    """The same as how one pays: "by the month"."""
    return _BY_THE.get(period) or say("by the %(period)s", period=named("period", period))


def per(period: str) -> Text:
    """The same after a price: "a month"."""
    return _PER.get(period) or say("a %(period)s", period=named("period", period))


# Months and years have messages of their own: in some languages the word changes with what stands before it.
_EVERY = {"month": say("every month"), "year": say("every year")}
_BY_THE = {"month": say("by the month"), "year": say("by the year")}
_PER = {"month": say("a month"), "year": say("a year")}


def card(brand: str, last4: str) -> Text:
    """("visa", "4242") -> "Visa ending in 4242"; brands come in the acquirer's spelling."""
    known = scheme_name(brand)
    if known.lower() in ("", "unknown"):
        return say("card ending in %(last4)s", last4=last4)
    return say("%(brand)s ending in %(last4)s", brand=known, last4=last4)


def returned(charges: Iterable[Mapping[str, Any]]) -> list[tuple[Text, Text]]:
    """Each charge that goes back, as a label and a value: its day; its amount, card and progress."""
    return [
        (
            say("Charged on %(day)s", day=short_day(charge["charged_on"])),
            say(
                "%(amount)s incl. VAT to %(card)s, %(progress)s",
                amount=rand(charge["amount"]),
                card=card(charge["card_brand"], charge["card_last4"]),
                progress=_progress(charge["state"], charge["credit_note_number"]),
            ),
        )
        for charge in charges
    ]


def _progress(state: str, credit_note_number: str) -> Text:
    match state:
        case "under_way":
            return say("on its way")
        case "gone":
            return say("credit note %(number)s", number=credit_note_number)
        case "before":
            return say("has been returned before")
    return say("did not arrive; another mail asks how we may pay you")
