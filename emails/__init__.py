"""What the house says by mail: one dataclass and one template a message.

`load(kind, fields)` brings a stored message back, `render(message, house)` puts it into words.
To change a mail, edit its file in `templates/` and look at `python -m emails.preview DIR`.
"""

from emails.catalogue import load, store
from emails.choices import (
    Complimentary,
    GoesOn,
    MoreDays,
    Paused,
    PauseEnds,
    PlanSwitched,
    PriceNotice,
    TermLeft,
    TermNotice,
    TermReminder,
    Withdrawn,
)
from emails.compose import Rendered, is_control, render
from emails.documents import CreditNote, TaxInvoice
from emails.errors import Unfit, UnknownMessage, UnsafeLink, UnsafeSubject, WrongFields
from emails.fields import Document, Message, places
from emails.house import House
from emails.letters import ArticleCard, Letter, Prose, render_letter
from emails.messages import (
    MESSAGES,
    AddressChanged,
    Cancelled,
    CancelRequested,
    CardChanged,
    CardExpiring,
    CardRemoved,
    ChargeHeld,
    ConfirmRequest,
    ConfirmSignup,
    Disputed,
    Ended,
    PaymentFailed,
    Receipt,
    RequestAnswered,
    Resumed,
    SignedInElsewhere,
    SignInLink,
    TrialNotice,
    TrialStarted,
)
from emails.money_back import GoesBack, PaidBack, Refunded, RefundFailed, WithMoneyBack
from emails.paper import Paper, paper_of, print_papers
from emails.to_staff import AdminAdded, ApprovalAsked, CodesLocked, MoneyKeyMade

__all__ = [
    "MESSAGES",
    "AddressChanged",
    "AdminAdded",
    "ApprovalAsked",
    "ArticleCard",
    "CancelRequested",
    "Cancelled",
    "CardChanged",
    "CardExpiring",
    "CardRemoved",
    "ChargeHeld",
    "CodesLocked",
    "Complimentary",
    "ConfirmRequest",
    "ConfirmSignup",
    "CreditNote",
    "Disputed",
    "Document",
    "Ended",
    "GoesBack",
    "GoesOn",
    "House",
    "Letter",
    "Message",
    "MoneyKeyMade",
    "MoreDays",
    "PaidBack",
    "Paper",
    "PauseEnds",
    "Paused",
    "PaymentFailed",
    "PlanSwitched",
    "PriceNotice",
    "Prose",
    "Receipt",
    "RefundFailed",
    "Refunded",
    "Rendered",
    "RequestAnswered",
    "Resumed",
    "SignInLink",
    "SignedInElsewhere",
    "TaxInvoice",
    "TermLeft",
    "TermNotice",
    "TermReminder",
    "TrialNotice",
    "TrialStarted",
    "Unfit",
    "UnknownMessage",
    "UnsafeLink",
    "UnsafeSubject",
    "WithMoneyBack",
    "Withdrawn",
    "WrongFields",
    "is_control",
    "load",
    "paper_of",
    "places",
    "print_papers",
    "render",
    "render_letter",
    "store",
]
