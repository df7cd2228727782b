"""Staff's page of a reader: everything known, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.payments.invoice_recipients import Particulars
from billing.rules.money import Money
from billing.web.views.frame import Card
from billing.web.views.staff_requests import RequestRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffEntry:
    """A line of the timeline. `link` leads to the page of what it is about, if there is one."""

    at: datetime
    kind: str
    what: str
    by: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A payment that can be refunded; `left` is how much of it."""

    payment_id: str
    number: str
    paid_at: datetime
    gross: Money
    left: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReaderPage:
    """Everything about a reader. `acts` are (address, words) of what this member may do now."""

    template: ClassVar[str] = "staff/reader.html"
    reader_id: str
    email: str
    external_id: str | None
    since: datetime
    address_proved: bool
    standing: str
    access: str
    next_charge: str
    card: Card | None
    customer_ref: str | None
    another_trial: bool
    acts: tuple[tuple[str, str], ...]
    payments: tuple[PaymentRow, ...]
    may_refund: bool
    may_answer: bool
    requests: tuple[RequestRow, ...]
    entries: tuple[StaffEntry, ...]
    kinds: tuple[str, ...]
    only: str | None
    page: int
    more: bool
    may_correct: bool = False
    buyer: Particulars | None = None
    """The reader's invoice details now."""
    passkeys: str | None = None
    """How many, and when one was last used."""
