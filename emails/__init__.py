"""What the house says by mail: one dataclass and one template a message.

`load(kind, fields)` brings a stored message back, `render(message, house)` puts it into words.
To change a mail, edit its file in `templates/` and look at `python -m emails.preview DIR`.
"""

from emails.catalogue import load
from emails.compose import Rendered, render
from emails.errors import Unfit, UnknownMessage, UnsafeLink, UnsafeSubject, WrongFields
from emails.fields import Message, places
from emails.house import House
from emails.letters import ArticleCard, Letter, Prose, render_letter
from emails.messages import (
    MESSAGES,
    Cancelled,
    CardExpiring,
    ConfirmSignup,
    Disputed,
    Ended,
    PaymentFailed,
    Receipt,
    Refunded,
    RequestAnswered,
    Resumed,
    SignedInElsewhere,
    SignInLink,
    TrialNotice,
    TrialStarted,
)

__all__ = [
    "MESSAGES",
    "ArticleCard",
    "Cancelled",
    "CardExpiring",
    "ConfirmSignup",
    "Disputed",
    "Ended",
    "House",
    "Letter",
    "Message",
    "PaymentFailed",
    "Prose",
    "Receipt",
    "Refunded",
    "Rendered",
    "RequestAnswered",
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
    "render_letter",
]
