"""One or more sample messages of each kind: for the preview, and for the tests of the look."""

from dataclasses import replace

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
from emails.documents import CreditNote, TaxInvoice
from emails.fields import Message
from emails.house import House
from emails.messages import (
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
from emails.money_back import GoesBack, PaidBack, Refunded, RefundFailed
from emails.to_staff import AdminAdded, ApprovalAsked, CodesLocked, MoneyKeyMade

HOUSE = House(
    name="The Karoo Courier",
    legal_name="Karoo Courier Media (Pty) Ltd",
    address="14 Stockenstroom Street, Graaff-Reinet, 6280",
    vat_number="4000000018",
    contact_email="hello@karoo-courier.example",
    phone="+27 49 000 0100",
    url="https://karoo-courier.example",
)
SITE = "https://accounts.karoo-courier.example"
CANCEL = f"{SITE}/cancel#sub_8w3t5n1c.7tq2Zr0wVb5mHd1xLc9sQa2u"
ACCOUNT = f"{SITE}/account"
OFFER = f"{SITE}/"
VISA = ("visa", "4242")
MONTHLY = "R75.00 incl. VAT every month, until you cancel"


_NOTE = CreditNote(
    amount=7500,
    net=6522,
    vat=978,
    vat_percent="15",
    credit_note_number="CN-000007",
    invoice_number="INV-000123",
    issued_on="2026-03-20",
    reason="Cancelled within 14 days of the first payment",
    card_brand="visa",
    card_last4="4242",
)
_INVOICE = TaxInvoice(
    number="INV-000123",
    issued_on="2026-03-16",
    description="Digital subscription, one month",
    period_from="2026-03-16",
    period_to="2026-04-15",
    net=6522,
    vat=978,
    gross=7500,
    vat_percent="15",
    card_brand="visa",
    card_last4="4242",
)
_GONE = GoesBack(7500, "2026-03-16", *VISA, "gone", "CN-000007")
_ON_ITS_WAY = GoesBack(7500, "2026-03-16", *VISA, "under_way", None)
_OWED = GoesBack(7500, "2026-03-16", *VISA, "failed", None)
_BEFORE = GoesBack(7500, "2026-03-16", *VISA, "before", None)
_RACED = "You cancelled before this charge was made, so it is returned in full."


def _locks() -> dict[str, Message]:
    seen = ("17 March 2026, 07:42", "17 March 2026, 08:42", "Firefox on Windows", "196.25.1.9")
    members, mine = f"{SITE}/staff/members", f"{SITE}/staff/sessions"
    return {
        "codes-locked": CodesLocked("naledi@paper.example", True, False, *seen, mine),
        "codes-locked-at-home": CodesLocked("naledi@paper.example", True, True, *seen, mine),
        "codes-locked-for-admins": CodesLocked("naledi@paper.example", False, False, *seen, members),
        "codes-locked-signed-in": CodesLocked("naledi@paper.example", True, True, *seen, mine, True),
        "codes-locked-signed-in-for-admins": CodesLocked(
            "naledi@paper.example", False, True, *seen, members, True
        ),
    }


def samples() -> dict[str, Message]:
    """Sample messages by a short name, in the order in which a reader would meet them."""
    return {
        "sign-in-link": SignInLink(
            f"{SITE}/sign-in#sgn_4kq7x2m9.k3Jx8vQm2Lr6Tz4Wn9Yc5Bp1Hd7Fs0Ga", "48120673", 10
        ),
        "sign-in-link-to-start": SignInLink(
            f"{SITE}/sign-in#sgn_4kq7x2m9.k3Jx8vQm2Lr6Tz4Wn9Yc5Bp1Hd7Fs0Ga", "48120673", 10, starts=True
        ),
        "trial-started": TrialStarted(
            7500, "2026-03-01", "2026-03-15", "2026-03-16", *VISA, MONTHLY, CANCEL, ACCOUNT
        ),
        "trial-notice-first": TrialNotice("first", 7500, "2026-03-16", *VISA, MONTHLY, CANCEL, ACCOUNT),
        "trial-notice-second": TrialNotice(
            "second", 7500, "2026-03-16", "mastercard", "4444", MONTHLY, CANCEL, ACCOUNT
        ),
        **_receipts(),
        **_failures(),
        **_endings(),
        **_choices(),
        "signed-in-elsewhere": SignedInElsewhere(
            "Tuesday 17 March 2026 at 07:42", "Firefox on Windows", ACCOUNT
        ),
        **_locks(),
        "address-changed": AddressChanged("Tuesday 17 March 2026 at 07:42"),
        "approval-asked": ApprovalAsked(
            "sipho@swartbergpost.example",
            "Give R1,200.00 incl. VAT back to a reader",
            "2026-03-24",
            f"{SITE}/staff/approvals",
        ),
        "admin-added": AdminAdded(
            "lerato@swartbergpost.example", "sipho@swartbergpost.example", f"{SITE}/staff/members"
        ),
        "money-key-made": MoneyKeyMade("crm", "sipho@swartbergpost.example", 100000, f"{SITE}/staff/keys"),
        "cancel-requested": CancelRequested(
            "Tuesday 17 March 2026 at 07:42", 7500, "2026-04-16", CANCEL, ACCOUNT
        ),
        "cancel-requested-owing": CancelRequested(
            "Tuesday 17 March 2026 at 07:42", 7500, None, CANCEL, ACCOUNT
        ),
        "confirm-request": ConfirmRequest(
            "Tuesday 17 March 2026 at 07:42",
            "Please stop my subscription.",
            f"{SITE}/request/req_5t.q8Wz3Kx1Lm7",
            ACCOUNT,
            14,
        ),
        "confirm-request-without-words": ConfirmRequest(
            "Tuesday 17 March 2026 at 07:42", "", f"{SITE}/request/req_5t.q8Wz3Kx1Lm7", ACCOUNT, 14
        ),
        "charge-held": ChargeHeld("Tuesday 17 March 2026 at 07:42", 7500, "2026-04-23", CANCEL, ACCOUNT),
        "request-answered": RequestAnswered(
            "2026-03-17",
            "I see two charges on my statement. Did I pay twice?",
            "No: the first line is your bank's own reservation, which it releases within five days.\n\n"
            "We have charged your card once, on 16 March, and nothing since.",
            ACCOUNT,
        ),
        "confirm-signup": ConfirmSignup(
            "Karoo at Six and The Weekend Table", f"{SITE}/newsletters/confirm/ask_5t.q8Wz3Kx1Lm7", 7
        ),
    }


def _choices() -> dict[str, Message]:
    notice = TermReminder("first", "month", 7500, "2027-03-16", *VISA, CANCEL, ACCOUNT)
    return {
        "withdrawn": Withdrawn("Friday 20 March 2026 at 08:15", 7500, *VISA, OFFER),
        "withdrawn-after-a-renewal": Withdrawn(
            "Friday 17 April 2026 at 08:15", 14750, *VISA, OFFER, unread_amount=7250
        ),
        "withdrawn-two-cards": Withdrawn(
            "Friday 17 April 2026 at 08:15", 14750, *VISA, OFFER, unread_amount=7250, one_card=False
        ),
        "withdrawn-not-taken": Withdrawn(
            "Friday 20 March 2026 at 08:15", 7500, *VISA, OFFER, returns=(_OWED,)
        ),
        "withdrawn-partly-taken": Withdrawn(
            "Friday 17 April 2026 at 08:15",
            14750,
            *VISA,
            OFFER,
            unread_amount=7250,
            returns=(_OWED, replace(_ON_ITS_WAY, amount=7250, charged_on="2026-04-16")),
        ),
        "more-days-trial": MoreDays("trial", "2026-03-22", "2026-03-23", 7500, CANCEL, ACCOUNT),
        "more-days-paid": MoreDays("period", "2026-04-20", "2026-04-21", 7500, CANCEL, ACCOUNT),
        "complimentary": Complimentary("2026-04-20", ACCOUNT),
        "price-notice": PriceNotice("month", 7500, 8000, "2026-09-16", CANCEL, ACCOUNT),
        "term-notice": TermNotice("2027-03-15", "2027-03-16", 7500, 75000, CANCEL, ACCOUNT),
        "term-notice-plain": TermNotice("2027-03-15", "2027-03-16", 7500, None, CANCEL, ACCOUNT),
        "term-notice-chosen": TermNotice(
            "2027-03-15", "2027-03-16", 7500, None, CANCEL, ACCOUNT, "R750.00 incl. VAT a year"
        ),
        "term-reminder-first": notice,
        "term-reminder-second": replace(notice, which="second", every="year", amount=75000),
        "plan-switched": PlanSwitched(
            "year", 75000, "2026-05-16", f"no charge for a year, then {MONTHLY}", CANCEL, ACCOUNT
        ),
        "paused": Paused("2026-04-15", "2026-07-01", 7500, CANCEL, ACCOUNT),
        "pause-ends": PauseEnds(7500, "2026-07-01", *VISA, CANCEL, ACCOUNT),
        "goes-on-pause": GoesOn("pause", "2026-04-16", 7500, CANCEL, ACCOUNT),
        "goes-on-plan": GoesOn("plan", "2026-04-16", 7500, CANCEL, ACCOUNT),
        "term-left": TermLeft("2026-06-12", 56918, OFFER),
        "term-left-not-taken": TermLeft("2026-06-12", 56918, OFFER, returns=(replace(_OWED, amount=56918),)),
    }


def _receipts() -> dict[str, Message]:
    receipt = Receipt(
        number="INV-000123",
        issued_on="2026-03-16",
        description="Digital subscription, one month",
        period_from="2026-03-16",
        period_to="2026-04-15",
        net=6522,
        vat=978,
        gross=7500,
        vat_percent="15",
        card_brand="visa",
        card_last4="4242",
        is_copy=False,
        next_charge_on="2026-04-16",
        cancel_url=CANCEL,
        account_url=ACCOUNT,
    )
    return {
        "receipt": receipt,
        "receipt-copy": replace(receipt, is_copy=True),
        "receipt-last": replace(receipt, next_charge_on=None),
        "receipt-again": replace(receipt, again=True),
    }


def _failures() -> dict[str, Message]:
    failed = PaymentFailed(
        amount=7500,
        card_brand="visa",
        card_last4="4242",
        retry_on="2026-03-19",
        confirm=False,
        reading_until="2026-04-05",
        pay_url=f"{SITE}/pay/inv_5t8n2w4k.Qm2Lr6Tz4Wn9Yc5Bp1Hd7Fs0",
        card_url=f"{SITE}/card/m2Kd8sPq4Wx",
        cancel_url=CANCEL,
    )
    expiring = CardExpiring(
        card_brand="visa",
        card_last4="4242",
        expires_on="2026-05-31",
        amount=7500,
        charge_on="2026-06-16",
        card_url=f"{SITE}/card/m2Kd8sPq4Wx",
        cancel_url=CANCEL,
    )
    removed = CardRemoved(
        card_brand="visa",
        card_last4="4242",
        amount=7500,
        charge_on="2026-06-16",
        card_url=f"{SITE}/card/m2Kd8sPq4Wx",
        cancel_url=CANCEL,
    )
    changed = CardChanged("Tuesday 17 March 2026 at 07:42", *VISA, ACCOUNT, CANCEL)
    return {
        "card-changed": changed,
        "payment-failed": failed,
        "payment-failed-card": replace(failed, retry_on=None),
        "payment-failed-not-asked": replace(failed, bank_asked=False),
        "payment-failed-not-asked-card": replace(failed, retry_on=None, bank_asked=False),
        "payment-failed-card-gone": replace(failed, retry_on=None, card_gone=True),
        "payment-failed-confirm": replace(failed, retry_on=None, confirm=True),
        "card-expiring": expiring,
        "card-removed": removed,
    }


def _endings() -> dict[str, Message]:
    undo = f"{SITE}/account/cancelled"
    return {
        "cancelled-in-trial": Cancelled("2026-03-15", False, undo, OFFER),
        "cancelled-when-paid": Cancelled("2026-04-15", True, undo, OFFER),
        "cancelled-at-once": Cancelled(None, True, None, OFFER),
        "cancelled-with-money": Cancelled(
            None,
            True,
            None,
            OFFER,
            returns=(_GONE, replace(_GONE, charged_on="2026-04-16", credit_note_number="CN-000008")),
            notes=(_NOTE, replace(_NOTE, credit_note_number="CN-000008", invoice_number="INV-000150")),
        ),
        "cancelled-with-money-later": Cancelled(None, True, None, OFFER, returns=(_ON_ITS_WAY,)),
        "cancelled-with-money-owed": Cancelled(None, True, None, OFFER, returns=(_OWED,)),
        "cancelled-with-money-returned-before": Cancelled(None, True, None, OFFER, returns=(_BEFORE,)),
        "disputed": Disputed("2026-04-15", ACCOUNT),
        "disputed-at-once": Disputed(None, ACCOUNT),
        "disputed-taken-back": Disputed(None, ACCOUNT, taken_back=True),
        "resumed": Resumed("2026-04-16", 7500, MONTHLY, CANCEL, ACCOUNT),
        "refunded": Refunded(_NOTE.reason, returns=(_GONE,), notes=(_NOTE,)),
        "refunded-again": Refunded(_NOTE.reason, again=True, returns=(_GONE,), notes=(_NOTE,)),
        "refunded-by-transfer": Refunded(
            _NOTE.reason, returns=(_GONE,), notes=(replace(_NOTE, transfer="EFT 2026/118"),)
        ),
        "refunded-with-invoice": Refunded(_RACED, returns=(_GONE,), invoices=(_INVOICE,), notes=(_NOTE,)),
        "refunded-later": Refunded(_RACED, returns=(_ON_ITS_WAY,), invoices=(_INVOICE,)),
        "refunded-two-cards": Refunded(
            _NOTE.reason,
            returns=(_GONE, replace(_GONE, card_brand="mastercard", card_last4="4444")),
            notes=(_NOTE, replace(_NOTE, card_brand="mastercard", card_last4="4444")),
        ),
        "refunded-not-taken": Refunded(_RACED, returns=(_OWED,), invoices=(_INVOICE,)),
        "refund-bounced": RefundFailed(7500, "2026-03-16", *VISA, "CN-000007", f"{SITE}/contact"),
        "refund-refused": RefundFailed(7500, "2026-03-16", *VISA, None, f"{SITE}/contact"),
        "paid-back": PaidBack(7500, "2026-03-27", "EFT 2026/118", "CN-000007", ACCOUNT),
        "paid-back-by-card": PaidBack(
            7500, "2026-03-27", "re_3TqPw8Lk2mXz", "CN-000007", ACCOUNT, by_card=True
        ),
        "ended": Ended("2026-04-15", OFFER),
    }
