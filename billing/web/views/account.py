"""The pages of a reader's own: signing in, the account, cancelling, receipts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal, Protocol

from billing.rules.money import Money
from billing.web.views.choices import Choices
from billing.web.views.frame import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    template: ClassVar[str] = "sign_in.html"
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSentPage:
    """The same for every address (SEC-1). With `email` a card was given for it, and the link goes on from there. `mailed`: such a
    mail was made and still works; else the page offers to mail another."""

    template: ClassVar[str] = "sign_in_sent.html"
    base: str = "/sign-in"
    minutes: int = 10
    email: str | None = None
    mailed: bool = True
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInConfirmPage:
    """With a `code` the link was opened on another device, and the code is to be typed in the first browser."""

    template: ClassVar[str] = "sign_in_confirm.html"
    base: str = "/sign-in"
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInExpiredPage:
    template: ClassVar[str] = "sign_in_expired.html"
    base: str = "/sign-in"
    minutes: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NextChargeRow:
    on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDue:
    """A charge that did not go through, or for which the bank wasn't asked; `reading_until` is the last day of grace."""

    amount: Money
    reading_until: date
    retry_on: date | None
    bank_asked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDispute:
    """A bank has asked for a payment back; an `inquiry` only asks about it."""

    amount: Money
    inquiry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """The reader's address refuses our mail; `ended`: so the subscription has ended, or it had before; `ends`: it will, as the
    next charge waits for a notice that was refused. `typed` is another address, with the `error` that is in it."""

    ended: bool
    ends: bool = False
    typed: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    invoice_id: str
    number: str
    issued_on: date
    gross: Money
    refunded: Money | None = None
    waiting: Money | None = None
    owed: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    session_id: str
    device: str
    last_seen_at: datetime
    is_this: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalTerms:
    """What goes back if it is asked for by `last_day`, at `action`: the first charge in full, and with `unread` what was paid
    since for days not read. `amount` is all of it. With `withdrew_on`, the day of an earlier withdrawal, staff decide, who
    were asked on the day `requested_on`, if they were."""

    amount: Money
    unread: Money | None = None
    withdrew_on: date | None = None
    requested_on: date | None = None
    last_day: date
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveEarly:
    """A paid year left early: the last day of reading, and what goes back."""

    last_day: date
    refund: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawPage:
    """`access_until` is the last day of reading where staff decide; None when reading has ended, or ends at once."""

    template: ClassVar[str] = "withdraw.html"
    email: str
    offer: WithdrawalTerms
    access_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """`status` is one sentence. A reader who never subscribed has no card, no receipts, and `can_subscribe`."""

    template: ClassVar[str] = "account.html"
    email: str
    status: str
    next_charge: NextChargeRow | None
    card: Card | None
    past_due: PastDue | None
    can_cancel: bool
    can_resume: bool
    can_subscribe: bool
    receipts: tuple[ReceiptRow, ...]
    sessions: tuple[SessionRow, ...]
    dispute: AccountDispute | None = None
    unreached: Unreached | None = None
    cancel_request_at: datetime | None = None
    """When a request to cancel came by form, with this reader's address, that waits for an answer."""
    charge_put_off: bool = False
    """Whether the next charge was put off for such a request already."""
    withdraw: WithdrawalTerms | None = None
    plan: Choices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPage:
    """`access_until` is the last day of reading after a cancellation; None when reading ends at once.

    With `withdraw` the reader may instead end today and get that amount back; with `leave`, a year early; with `ask`, have
    staff decide about that amount.
    """

    template: ClassVar[str] = "cancel.html"
    email: str
    access_until: date | None
    in_trial: bool
    withdraw: WithdrawalTerms | None
    leave: LeaveEarly | None = None
    ask: WithdrawalTerms | None = None
    action: str = "/account/cancel"
    reasons: tuple[tuple[str, str], ...] = (
        ("price", "It costs too much"),
        ("time", "I do not find the time to read"),
        ("content", "It does not cover what I need"),
        ("trouble", "Something did not work"),
        ("elsewhere", "I read another paper"),
        ("other", "Something else"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledPage:
    template: ClassVar[str] = "cancelled.html"
    access_until: date | None
    ever_charged: bool
    refund: Money | None = None
    waiting: Money | None = None
    """Goes back later: what takes longer is on our side."""
    owed: Money | None = None
    """The card took no money back."""
    undo: Literal["here", "by_mail"] | None = "here"
    """Whether it can be undone: on this page, or by a link mailed anew."""
    withdraw: WithdrawalTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    number: str
    issued_on: date
    net: Money
    vat: Money
    gross: Money
    reason: str


class Recipient(Protocol):
    """To whom a tax invoice is made out."""

    name: str
    address: str
    vat_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPage:
    """A paid invoice. `period_to` is its last day; `vat_percent` is text such as "15". `needs_recipient`: the law asks for one.
    `action` takes the form that enters one; `error` is what was wrong with it."""

    template: ClassVar[str] = "receipt.html"
    number: str
    issued_on: date
    reader_email: str
    description: str
    period_from: date
    period_to: date
    net: Money
    vat: Money
    gross: Money
    vat_percent: str
    card: Card
    is_copy: bool
    action: str
    recipient: Recipient | None = None
    needs_recipient: bool = False
    error: str | None = None
    file: str
    """Where it can be had as a PDF."""
    credit_notes: tuple[CreditNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCardPage:
    """Before the card page. `by_mail`: whoever followed an old mail's link signs in first."""

    template: ClassVar[str] = "change_card.html"
    action: str
    by_mail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveAgainPage:
    """A link is mailed to the reader before `words` happens."""

    template: ClassVar[str] = "prove_again.html"
    email: str
    act: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPage:
    """An open payment, from the link in a mail, without signing in. `card` is the one on record; `with_card`: it may be
    charged at once; `confirm`: its bank wants the reader in person; without `bank_asked` its bank wasn't asked, because the
    card has refused too often."""

    template: ClassVar[str] = "pay.html"
    amount: Money
    period_from: date
    period_to: date
    reading_until: date
    retry_on: date | None
    card: Card
    with_card: bool
    confirm: bool
    bank_asked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOverPage:
    """Nothing is to be paid by this link any more, or not at this moment; `why`: `paid`, `given_back`, `given_away`,
    `cancelled`, `over` or `charging`."""

    template: ClassVar[str] = "pay_over.html"
    reason: str
    amount: Money
    number: str | None = None
    paid_on: date | None = None
    again_url: str = "/pay"
    seconds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoChargedMePage:
    """What our charges look like on a statement. `prices` are periods and what each costs; `suffix` is what the first charge
    after a trial adds to our name; `receipts` are the reader's own, where one is signed in."""

    template: ClassVar[str] = "who_charged_me.html"
    prices: tuple[tuple[str, Money], ...]
    suffix: str
    receipts: tuple[ReceiptRow, ...] = ()
