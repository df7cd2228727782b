"""What the house says by mail: one dataclass and one template a message.

`load(kind, fields)` brings a stored message back, `render(message, house)` puts it into words.
To change a mail, edit its file in `templates/` and look at `python -m emails.preview DIR`.
"""

from emails.catalogue import load
from emails.compose import Rendered, render
from emails.errors import Unfit, UnknownMessage, UnsafeLink, UnsafeSubject, WrongFields
from emails.fields import Message, places
from emails.house import House
from emails.messages import (
    MESSAGES,
    Cancelled,
    Ended,
    PaymentFailed,
    Receipt,
    Refunded,
    Resumed,
    SignedInElsewhere,
    SignInLink,
    TrialNotice,
    TrialStarted,
)

__all__ = [
    "MESSAGES",
    "Cancelled",
    "Ended",
    "House",
    "Message",
    "PaymentFailed",
    "Receipt",
    "Refunded",
    "Rendered",
    "Resumed",
    "SignInLink",
    "SignedInElsewhere",
    "TrialNotice",
    "TrialStarted",
    "Unfit",
    "UnknownMessage",
    "UnsafeLink",
    "UnsafeSubject",
    "WrongFields",
    "load",
    "places",
    "render",
]
