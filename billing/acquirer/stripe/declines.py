"""Stripe's decline codes (docs.stripe.com/declines/codes) as the port's kinds."""

from collections.abc import Mapping
from typing import Any

from billing.acquirer import network_advice
from billing.acquirer.answers import Declined
from billing.acquirer.decline import Decline
from billing.rules.decline_causes import DeclineCause
from billing.rules.dunning import DeclineKind, strictest


def _all(kind: DeclineKind, *codes: str) -> dict[str, DeclineKind]:
    return dict.fromkeys(codes, kind)


_ADVICE = {
    "do_not_try_again": DeclineKind.HARD,
    "confirm_card_data": DeclineKind.HARD,
    "try_again_later": DeclineKind.SOFT,
}
_CODE = (
    _all(DeclineKind.STOP_ORDER, "revocation_of_authorization", "revocation_of_all_authorizations")
    | _all(DeclineKind.STOP_ORDER, "stop_payment_order")
    | _all(DeclineKind.NEEDS_READER, "authentication_required", "authentication_not_handled")
    | _all(DeclineKind.HARD, "lost_card", "stolen_card", "pickup_card", "expired_card", "fraudulent")
    | _all(DeclineKind.HARD, "invalid_account", "account_closed", "incorrect_number", "invalid_number")
    | _all(DeclineKind.HARD, "incorrect_cvc", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year")
    | _all(DeclineKind.HARD, "restricted_card", "card_not_supported", "currency_not_supported")
    | _all(DeclineKind.HARD, "new_account_information_available", "do_not_try_again", "merchant_blacklist")
    | _all(DeclineKind.HARD, "previously_declined_do_not_retry")  # Stripe itself didn't ask the network again
    | _all(DeclineKind.SOFT, "insufficient_funds", "generic_decline", "do_not_honor", "call_issuer")
    | _all(DeclineKind.SOFT, "processing_error", "issuer_not_available", "try_again_later")
    | _all(DeclineKind.SOFT, "reenter_transaction", "card_velocity_exceeded", "approve_with_id")
    | _all(DeclineKind.SOFT, "withdrawal_count_limit_exceeded")
)
# All fields of a decline that carry a code; the strictest kind counts (RET-4).
_TABLES: tuple[tuple[str, Mapping[str, DeclineKind]], ...] = (
    ("network_advice_code", network_advice.ADVICE),
    ("advice_code", _ADVICE),
    ("network_decline_code", network_advice.DECLINE),
    ("decline_code", _CODE),
    ("code", _CODE),
)

_CAUSE = {
    "insufficient_funds": DeclineCause.FUNDS,
    **dict.fromkeys(("expired_card", "invalid_expiry_month", "invalid_expiry_year"), DeclineCause.EXPIRED),
    **dict.fromkeys(("transaction_not_allowed", "service_not_allowed", "not_permitted"), DeclineCause.ONLINE),
    "card_not_supported": DeclineCause.ONLINE,
}
_HIDDEN = {"lost_card", "stolen_card", "pickup_card", "fraudulent", "restricted_card", "merchant_blacklist"}
_HIDDEN |= {"security_violation", *network_advice.HIDDEN}


def _cause(error: Mapping[str, Any]) -> DeclineCause:
    """What a reader may know of it (RET-5)."""
    codes = [error.get(field) for field in ("decline_code", "network_decline_code", "code")]
    if _HIDDEN.intersection(codes):
        return DeclineCause.BANK
    known = _CAUSE | network_advice.CAUSE
    return next((known[code] for code in codes if code in known), DeclineCause.BANK)


def decline(error: Mapping[str, Any]) -> Decline:
    """The decline in an error, or in an intent's last error."""
    return Decline(
        strictest(table[error[field]] for field, table in _TABLES if error.get(field) in table),
        code=error.get("decline_code") or error.get("code"),
        advice=error.get("advice_code"),
        network_code=error.get("network_decline_code"),
        network_advice=error.get("network_advice_code"),
        cause=_cause(error),
    )


def card_gone(message: str, code: str | None = None) -> Declined:
    """No bank was asked: the card isn't in the vault, so only another one helps."""
    return Declined(Decline(DeclineKind.HARD, code=code, card_gone=True), None, message)


GONE = card_gone("Stripe can't charge this card any more.")
