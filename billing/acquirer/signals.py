"""A webhook in neutral words: the kind of thing that changed, and its references. Nothing else in a webhook is trusted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.platform.errors import Malformed


class ForgedWebhook(Malformed):
    """This message isn't signed with a secret we know, or its time is off by more than five minutes."""

    code = "forged_webhook"


class NotAnEvent(Malformed):
    """This isn't an event as the acquirer writes them."""

    code = "not_an_event"


class OtherMode(Malformed):
    """This event is of the acquirer's other mode: test events are nothing to a live installation, live ones nothing to a test."""

    code = "other_mode"


class Signal(StrEnum):
    """What changed at the acquirer."""

    CHARGE_SUCCEEDED = "charge_succeeded"
    """Final, so nothing is fetched for a charge that is recorded already."""
    CHARGE_CHANGED = "charge_changed"
    PAGE_CHANGED = "page_changed"
    """A hosted page was completed or expired: one that saves a card, or one on which an invoice is paid."""
    REFUND_CHANGED = "refund_changed"
    CARD_CHANGED = "card_changed"
    CUSTOMER_CHANGED = "customer_changed"
    DISPUTE_CHANGED = "dispute_changed"
    FRAUD_WARNED = "fraud_warned"
    PAID_OUT = "paid_out"


@dataclass(frozen=True, slots=True)
class Notification:
    """A verified webhook. `event_ref` and `event_type` are the acquirer's own, kept for operators only."""

    event_ref: str
    event_type: str
    signal: Signal | None
    """None where it concerns nothing that we keep."""
    object_ref: str
    """Empty for an object without an id, such as a balance."""
    created_at: datetime
    attempt_id: str | None = None
    """The attempt of ours that the object names."""
    setup_id: str | None = None
    """The card page of ours that the object names."""
