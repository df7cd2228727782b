"""Declines: the codes of an answer, and declines ordered by the control endpoint."""

from dataclasses import asdict
from typing import Any

from billing.dev.sandbox.cards import DECLINES, IssuerDecline, SandboxCard
from billing.dev.sandbox.errors import DOCS, StripeError
from billing.dev.sandbox.store import Row


def decline_of(card: SandboxCard, vault: Row, *, on: str) -> IssuerDecline | None:
    """The decline on `setup` or `charge`, or None. One ordered by the control endpoint has priority."""
    if (
        (ordered := vault["decline"])
        and not ordered.get("requires_action")
        and (on == "charge" or ordered.get("on_setup"))
    ):
        return IssuerDecline(**{key: value for key, value in ordered.items() if key != "on_setup"})
    return card.on_setup if on == "setup" else card.on_charge


def ordered_decline(order: dict[str, Any] | str | None) -> Row | None:
    """Convert a decline code or a hash of fields into a decline for the vault; raises ValueError.

    `requires_action` is no decline: the intent then waits for the person, even off session."""
    if order is None:
        return None
    if order == "requires_action":
        return {"requires_action": True}
    given = {"decline_code": order} if isinstance(order, str) else dict(order)
    base = DECLINES.get(given.get("decline_code", ""), DECLINES["generic_decline"])
    fields = asdict(base) | given
    if unknown := set(fields) - set(asdict(base)) - {"on_setup"}:
        raise ValueError(f"unknown field in decline: {min(unknown)}")
    if "decline_code" in given and given["decline_code"] not in DECLINES and len(given) == 1:
        raise ValueError(f"unknown decline code; known are {', '.join(sorted(DECLINES))}")
    return fields


def evidence(decline: IssuerDecline) -> dict[str, Any]:
    """The decline's fields, as Stripe's `api_errors` has them."""
    fields = {
        "advice_code": decline.advice_code,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": DOCS + decline.code.replace("_", "-"),
        "message": decline.message,
        "network_advice_code": decline.network_advice_code,
        "network_decline_code": decline.network_decline_code,
        "param": decline.param,
        "type": "card_error",
    }
    return {key: value for key, value in fields.items() if value is not None}


def refusal(decline: IssuerDecline, **more: Any) -> StripeError:
    """A 402 with the decline's codes; `more` adds the intent, the charge, the payment method."""
    fields = {
        key: value for key, value in evidence(decline).items() if key not in ("message", "type", "doc_url")
    }
    return StripeError(402, decline.message, kind="card_error", **fields, **more)
