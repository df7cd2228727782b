"""What a webhook says, in neutral words: which kind of thing changed, and its references. Nothing more of a webhook is believed."""

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
    """Final, so a charge that is written down needs no look."""
    CHARGE_CHANGED = "charge_changed"
    PAGE_CHANGED = "page_changed"
    """A hosted page was completed or ran out: one that saves a card, or one on which an invoice is paid."""
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
    """None where it is about nothing of ours."""
    object_ref: str
    """Empty where it is about something that has no name, such as a balance."""
    created_at: datetime
    attempt_id: str | None = None
    """The attempt of ours that the object names."""
    setup_id: str | None = None
    """The card page of ours that the object names."""
