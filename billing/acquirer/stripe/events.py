"""Reads a verified event of Stripe's as a neutral signal."""

import json
from datetime import UTC, datetime
from typing import Any

from billing.acquirer.signals import NotAnEvent, Notification, OtherMode, Signal
from billing.platform.storable import storable

LONGEST_NAME = 255
"""Stripe's limit of characters in an id."""
SIGNALS = {
    "payment_intent.succeeded": Signal.CHARGE_SUCCEEDED,
    "payment_intent.payment_failed": Signal.CHARGE_CHANGED,
    "checkout.session.completed": Signal.PAGE_CHANGED,
    "checkout.session.expired": Signal.PAGE_CHANGED,
    "refund.created": Signal.REFUND_CHANGED,
    "refund.updated": Signal.REFUND_CHANGED,
    "refund.failed": Signal.REFUND_CHANGED,
    "charge.dispute.created": Signal.DISPUTE_CHANGED,
    "charge.dispute.updated": Signal.DISPUTE_CHANGED,
    "charge.dispute.funds_withdrawn": Signal.DISPUTE_CHANGED,
    "charge.dispute.funds_reinstated": Signal.DISPUTE_CHANGED,
    "charge.dispute.closed": Signal.DISPUTE_CHANGED,
    "radar.early_fraud_warning.created": Signal.FRAUD_WARNED,
    "payout.reconciliation_completed": Signal.PAID_OUT,
    "payment_method.updated": Signal.CARD_CHANGED,
    "payment_method.automatically_updated": Signal.CARD_CHANGED,
    "payment_method.detached": Signal.CARD_CHANGED,
    "customer.deleted": Signal.CUSTOMER_CHANGED,
}
"""Events that matter to us, with their signals. All others are kept and acknowledged, and settle nothing."""


def notification(body: bytes, *, live: bool) -> Notification:
    """The event of a verified body. An object may have no id, such as a balance
    (https://github.com/code-corps/code-corps-api/issues/689). Raises NotAnEvent, OtherMode."""
    try:
        event = json.loads(body)
        thing = event["data"]["object"]
        nameless = thing.get("id") is None
        names = [event["id"], event["type"], thing["object" if nameless else "id"]]
        created_at = datetime.fromtimestamp(int(event["created"]), UTC)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        raise NotAnEvent from None
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in names):
        raise NotAnEvent
    if not storable(event):
        raise NotAnEvent
    if event.get("livemode", False) is not live:
        raise OtherMode
    event_ref, kind, object_ref = names
    return Notification(
        event_ref,
        kind,
        None if nameless else SIGNALS.get(kind),
        "" if nameless else object_ref,
        created_at,
        attempt_id=_named(thing, "attempt"),
        setup_id=_named(thing, "setup"),
    )


def _named(thing: dict[str, Any], what: str) -> str | None:
    """An id of ours from the object's metadata. Its shape isn't trusted: others on the account may write it."""
    metadata = thing.get("metadata")
    ref = metadata.get(what) if isinstance(metadata, dict) else None
    return ref if isinstance(ref, str) and len(ref) <= LONGEST_NAME else None
