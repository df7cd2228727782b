"""How an event of Stripe's reads: who and what it is about, and nothing more of it is believed. Belongs to `stripe_gateway`."""

import json
from datetime import UTC, datetime

from billing.acquirer.port import Notification
from billing.platform.db import storable
from billing.platform.errors import Malformed

LONGEST_NAME = 255
"""Characters in an id of Stripe's, by its own promise."""


class NotAnEvent(Malformed):
    """This isn't an event as Stripe writes them."""

    code = "not_an_event"


class OtherMode(Malformed):
    """This event is of Stripe's other mode: test events are nothing to a live installation, live ones nothing to a test."""

    code = "other_mode"


def notification(body: bytes, *, live: bool) -> Notification:
    """A body whose signature was right. An object may have no id, as a balance has none
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
    event_id, kind, object_ref = names
    return Notification(event_id, kind, "" if nameless else object_ref, created_at, event)
