"""How a refused card looks in an answer."""

from dataclasses import asdict
from typing import Any

from billing.dev.sandbox.cards import DECLINES, IssuerDecline, SandboxCard
from billing.dev.sandbox.errors import DOCS, StripeError
from billing.dev.sandbox.store import Row


def decline_of(card: SandboxCard, vault: Row, *, on: str) -> IssuerDecline | None:
    """What the issuer says on `setup` or `charge`: an order from the control endpoint goes first."""
    if (
        (told := vault["decline"])
        and not told.get("requires_action")
        and (on == "charge" or told.get("on_setup"))
    ):
        return IssuerDecline(**{key: value for key, value in told.items() if key != "on_setup"})
    return card.on_setup if on == "setup" else card.on_charge


def ordered_decline(order: dict[str, Any] | str | None) -> Row | None:
    """A decline to store in the vault, from a decline code or a hash of its fields; ValueError if neither. `requires_action`: no
    decline, but an intent that waits for the person, although nobody is there."""
    if order is None:
        return None
    if order == "requires_action":
        return {"requires_action": True}
    wanted = {"decline_code": order} if isinstance(order, str) else dict(order)
    base = DECLINES.get(wanted.get("decline_code", ""), DECLINES["generic_decline"])
    fields = asdict(base) | wanted
    if unknown := set(fields) - set(asdict(base)) - {"on_setup"}:
        raise ValueError(f"unknown field in decline: {min(unknown)}")
    if "decline_code" in wanted and wanted["decline_code"] not in DECLINES and len(wanted) == 1:
        raise ValueError(f"unknown decline code; known are {', '.join(sorted(DECLINES))}")
    return fields


def evidence(decline: IssuerDecline) -> dict[str, Any]:
    """The fields that say why, as `api_errors` carries them."""
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
    """402 with the evidence; `more` adds the intent, the charge, the payment method."""
    fields = {
        key: value for key, value in evidence(decline).items() if key not in ("message", "type", "doc_url")
    }
    return StripeError(402, decline.message, kind="card_error", **fields, **more)
