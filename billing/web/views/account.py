"""A reader's own pages: signing in, the account, cancelling, receipts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Literal

from billing.readers import links
from billing.rules.decline_causes import DeclineCause
from billing.rules.money import Money
from billing.web.views.choices import Choices
from billing.web.views.frame import Card, ReadOn
from emails.languages import Text

LINK_MINUTES = links.LIFE // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """`passkey`: options for the script, as JSON; None where this host can have no passkeys."""

    template: ClassVar[str] = "sign_in.html"
    email: str = ""
    error: Text | None = None
    passkey: str | None = None
    passkey_error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressQuestionPage:
    """`typed` looks mistyped, and `suggested` may be meant; the answer goes to `action`. Nothing was mailed or kept."""

    template: ClassVar[str] = "address_question.html"
    action: str
    typed: str
    suggested: str
    plan_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """Where a link was sent, as typed: the same for known and unknown addresses (6.3.8). Another can be sent in `again_in` seconds.
    `suggested` may have been meant. `is_own`: the reader's own address, which isn't changed here. `again_error`: it was asked for
    too early."""

    to: str
    again_in: int
    suggested: str | None = None
    is_own: bool = False
    again_error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSentPage:
    """The same for every address (SEC-1). With `email` a card was given for it, and the link goes on from there. `mailed`: that
    mail exists and its link still works; else the page offers another one. `sent` is known where this browser asked by our form."""

    template: ClassVar[str] = "sign_in_sent.html"
    minutes: ClassVar[int] = LINK_MINUTES
    base: str = "/sign-in"
    email: str | None = None
    mailed: bool = True
    error: Text | None = None
    sent: Mailed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInHerePage:
    """The link of a reader, opened on another device: the code from the mail is typed there, or here."""

    template: ClassVar[str] = "sign_in_here.html"
    email: str
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInConfirmPage:
    """With a `code` a member's link was opened on another device; they type the code in the first browser."""

    template: ClassVar[str] = "sign_in_confirm.html"
    base: str = "/sign-in"
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInExpiredPage:
    """`guessed`: wrong codes have ended the link."""

    template: ClassVar[str] = "sign_in_expired.html"
    minutes: ClassVar[int] = LINK_MINUTES
    base: str = "/sign-in"
    guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NextChargeRow:
    on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDue:
    """An open charge: the bank refused it, or wasn't asked. `reading_until` is the last day of grace."""

    amount: Money
    reading_until: date
    retry_on: date | None
    bank_asked: bool = True
    cause: DeclineCause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDispute:
    """A bank demands a payment back, or, with `inquiry`, only asks about it."""

    amount: Money
    inquiry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRequest:
    """The reader's newest request to staff. `waits_since`: it waits for an answer; otherwise it is answered."""

    received_at: datetime
    waits_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """The reader's address refuses our mail. `ended`: the subscription has ended, for this or before. `ends`: it will end, as the
    next charge needs a notice that was refused."""

    ended: bool
    ends: bool = False


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
    device: Text
    last_seen_at: datetime
    is_this: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalTerms:
    """What goes back if the reader withdraws by `last_day`, at `action`: the first charge in full, and `unread`, what was paid since
    for days not read. `amount` is the sum. After an earlier withdrawal, on `withdrew_on`, staff decide; the reader has put it
    to them on `requested_on`."""

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
    """`access_until` is the last day of reading where staff decide. None: reading has ended, or ends at once."""

    template: ClassVar[str] = "withdraw.html"
    email: str
    offer: WithdrawalTerms
    access_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """`status` is one sentence. A reader who never subscribed has no card, no receipts, and `can_subscribe`."""

    template: ClassVar[str] = "account.html"
    email: str
    status: Text
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
    """When an unanswered request to cancel came by form, with this reader's address."""
    charge_put_off: bool = False
    """Whether the next charge was postponed for such a request already."""
    withdraw: WithdrawalTerms | None = None
    plan: Choices | None = None
    passkeys: Literal["none", "link", "offer"] = "none"
    """Whether passkeys are possible on this host, and offered now."""
    erased_on: date | None = None
    """The day from which the account is erased, where the reader asked for that."""
    request: AccountRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPage:
    """`access_until` is the last day of reading after a cancellation; None when reading ends at once. Other ways to go: `withdraw`
    ends today and returns its amount, `leave` ends a year early, `ask` has staff decide about the amount."""

    template: ClassVar[str] = "cancel.html"
    email: str
    access_until: date | None
    in_trial: bool
    withdraw: WithdrawalTerms | None
    leave: LeaveEarly | None = None
    ask: WithdrawalTerms | None = None
    action: str = "/account/cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledPage:
    template: ClassVar[str] = "cancelled.html"
    access_until: date | None
    ever_charged: bool
    refund: Money | None = None
    waiting: Money | None = None
    """Goes back later: it waits for our balance at the acquirer."""
    owed: Money | None = None
    """The refund failed for good: the card took no money back."""
    undo: Literal["here", "by_mail"] | None = "here"
    """How to undo it: on this page, by a fresh link, or not at all."""
    withdraw: WithdrawalTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCardPage:
    """The button to the card page. `by_mail`: it mails a link that signs in first, as we need no card now."""

    template: ClassVar[str] = "change_card.html"
    action: str
    by_mail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveAgainPage:
    """The reader signs in by a mailed link, or a `passkey`, before the act; `words` say so."""

    template: ClassVar[str] = "prove_again.html"
    email: str
    act: str
    words: Text
    passkey: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPage:
    """An open payment, from the link in a mail, without signing in. `card` is the one on record; `with_card`: it may be charged at
    once; `confirm`: its bank wants the reader in person. Without `bank_asked` the bank wasn't asked, as it refused the card too
    often. `agreed` and `changed` as on `ReviewPage`."""

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
    cause: DeclineCause | None = None
    agreed: str = ""
    changed: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOverPage:
    """Nothing can be paid by this link any more, or not now. `reason` is one of `reader.pay.Closed`."""

    template: ClassVar[str] = "pay_over.html"
    reason: str
    amount: Money
    number: str | None = None
    paid_on: date | None = None
    again_url: str = "/pay"
    seconds: int = 3
    read_on: ReadOn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoChargedMePage:
    """What our charges look like on a bank statement. `prices` are (period, price); `suffix` is what the first charge after a trial
    adds to our name; `receipts` are those of the signed-in reader."""

    template: ClassVar[str] = "who_charged_me.html"
    prices: tuple[tuple[str, Money], ...]
    suffix: str
    receipts: tuple[ReceiptRow, ...] = ()
