"""Staff's page of a reader: everything known, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.payments.invoice_recipients import Particulars
from billing.rules.money import Money
from billing.web.views.frame import Card
from billing.web.views.staff_requests import ReaderRequestRow

NOTHING = Money(0)


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
    pin: str | None = None
    """The address of the form that pins this note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A payment that can be refunded; `left` is how much of it."""

    payment_id: str
    number: str
    paid_at: datetime
    gross: Money
    left: Money
    send: str | None = None
    """The address of the page that sends its tax invoice again."""
    file: str | None = None
    """That of the PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInRow:
    """A browser in which the reader is signed in. `sign_out` is the address of the act, for those who may do it."""

    device: str
    seen_at: datetime
    since: datetime
    ip: str
    proved: bool
    sign_out: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterRow:
    """A newsletter, and how it stands with the reader in words. `change` is the address and the words of the act that changes that."""

    name: str
    state: str
    change: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedNote:
    """A note at the top of the page. `unpin` is the address of the form that takes its pin off."""

    at: datetime
    by: str
    words: str
    unpin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeBanner:
    """A dispute that its bank hasn't decided. An `inquiry` only asks about the charge."""

    inquiry: bool
    link: str
    what: str
    answer_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRow:
    """Another account that may be the same person's."""

    reader_id: str
    email: str
    external_id: str | None
    relation: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFacts:
    """What stands of a reader now, besides the subscription's state. `owes`: what the reader has yet to pay; `owed`: what failed to
    go back to them."""

    plan: str | None = None
    price: Money | None = None
    period: str = ""
    paid: Money = NOTHING
    returned: Money = NOTHING
    owes: Money | None = None
    owed: Money | None = None
    browsers: tuple[SignedInRow, ...] = ()
    sign_ins: tuple[tuple[str, str], ...] = ()
    """Address and words of the acts about sign-ins that this member may do."""
    newsletters: tuple[NewsletterRow, ...] = ()
    pinned: tuple[PinnedNote, ...] = ()
    disputes: tuple[DisputeBanner, ...] = ()
    accounts: tuple[RelatedRow, ...] = ()


NOTHING_KNOWN = KnownFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRefundRow:
    """A refund that can be undone until that moment. `with_end`: it came with the end of the subscription, which an undo leaves."""

    refund_id: str
    amount: Money
    until: datetime
    with_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathBanner:
    """The reader has died: who recorded it, and who is written to."""

    recorded_at: datetime
    by: str
    name: str
    email: str


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
    held: tuple[HeldRefundRow, ...] = ()
    requests: tuple[ReaderRequestRow, ...]
    entries: tuple[StaffEntry, ...]
    kinds: tuple[str, ...]
    only: str | None
    page: int
    more: bool
    known: KnownFacts = NOTHING_KNOWN
    may_see_as: bool = False
    """Whether this member may see the account as the reader does."""
    may_correct: bool = False
    buyer: Particulars | None = None
    """The reader's invoice details now."""
    passkeys: str | None = None
    """How many, and when one was last used."""
    death: DeathBanner | None = None
