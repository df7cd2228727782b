"""What an act changed, in words: the audit keeps its names and values as codes. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from billing.rules.asked import LEVEL_WORDS
from billing.rules.bulk_action import BulkState
from billing.rules.money import Money
from billing.staff import change_words
from billing.staff.bulk.models import BulkKind
from billing.staff.models import RequestKind

NOTHING = "nothing"
NAMES = {
    "address_freed": "address that was freed",
    "another_trial": "another trial allowed",
    "asked": "what was asked for",
    "became": "what became of it",
    "cents": "amount",
    "cents_a_day": "gives back in a day, at most",
    "cents_returned": "given back in all",
    "claim_request: by": "who had it before",
    "complimentary_until": "complimentary until",
    "days_a_day": "days that it gives in a day, at most",
    "disabled": "may not sign in any more",
    "email": "address",
    "enrolled": "has an authenticator",
    "first": "first day",
    "for": "for whom",
    "free_hours": "free for so many hours",
    "many: by": "readers chosen by",
    "many: cents": "amount in all",
    "many: days": "days in all",
    "many: kind": "what",
    "many: left_out": "entries left out",
    "many: of": "list",
    "many: query": "filter",
    "many: terms: cents": "amount for each",
    "many: terms: complimentary": "complimentary days where nothing runs",
    "many: terms: days": "days for each",
    "open_after_days": "open after so many days",
    "opens": "opens besides reading",
    "payable_cents": "VAT payable",
    "position": "place on the pages",
    "previous_until": "previous secret works until",
    "readers_a_day": "readers that it reads of in a day, at most",
    "paid_back_by_hand: on": "paid on",
    "signed_out": "was signed out",
    "staff_sign_out: ended": "sessions ended",
    "starts_a_day": "subscriptions that it starts in a day, at most",
    "then": "plan that follows",
    "trial_days": "days free first",
    "vat_percent": "VAT, per cent",
    **{f"subscription: {name}": f"subscription: {words}" for name, words in change_words.NAMES.items()},
}
"""The names that need other words than their code; with the act before them, where they mean something else in it."""
VALUES: Mapping[str, Mapping[str, str]] = {
    "access": {level.value: words for level, words in LEVEL_WORDS.items()},
    "ask_approval: kind": {
        "admin_change": "a change of another admin",
        "bulk": "an act on many readers",
        "key_ceiling": "what an API key may give back",
        "new_admin": "a new admin",
        "refund": "money back",
    },
    "became": {"changed": "not done, as the reader’s state had changed", "done": "approved, and done"},
    "many: by": {
        "charged": "who was charged in a time",
        "entitled": "who could read in a time",
        "filter": "a filter of a list",
        "list": "a pasted list",
    },
    "many: kind": {kind.value: kind.words for kind in BulkKind},
    "many: terms: cents": {NOTHING: "all that is left of the charge"},
    "sort_request: kind": {kind.value: kind.words for kind in RequestKind},
    "state": {state.value: state.words for state in BulkState},
    "subscription: state": {state.value: words for state, words in change_words.STATES.items()},
}
"""The values that are codes, by name, as in NAMES."""


def in_words(act: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """Each fact of an act by its name. One within another has both names; amounts are rand, VAT included."""
    return {_name(act, path): _value(act, path, value) for path, value in _flat(facts)}


def _flat(facts: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{within}{name}: ")
        else:
            yield f"{within}{name}", value


def _name(act: str, path: str) -> str:
    return NAMES.get(f"{act}: {path}") or NAMES.get(path) or path.replace("_", " ")


def _value(act: str, path: str, value: Any) -> str:
    said = _plain(path, value)
    words = VALUES.get(f"{act}: {path}") or VALUES.get(path) or {}
    return words.get(said, said)


def _plain(path: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and "cents" in path.rpartition(": ")[2].split("_"):
        return str(Money(value)) if path == "payable_cents" else Money(value).with_vat_words()
    if isinstance(value, list):
        said = [str(each) for each in value]
        return (" " if all(each.endswith(".") for each in said) else ", ").join(said)
    return str(value)
