"""The books in words: accounts, kinds of postings, and what moved the acquirer's balance."""

from billing.ledger.models import Account

ACCOUNTS: dict[Account, tuple[str, str]] = {
    Account.GATEWAY: ("Gateway", "what the acquirer holds for us"),
    Account.BANK: ("Bank", "what the acquirer has paid out"),
    Account.RECEIVABLE: ("Receivable", "invoiced, not yet paid"),
    Account.DEFERRED_REVENUE: ("Deferred revenue", "paid for days still to come"),
    Account.VAT_OUTPUT: ("VAT output", "VAT to pay over"),
    Account.REFUNDS_OWED: ("Refunds owed", "credited to readers, not paid yet"),
    Account.REVENUE: ("Revenue", "earned by days that have passed"),
    Account.REFUNDS: ("Refunds", "given back after it was earned"),
    Account.DISPUTES: ("Disputes", "taken back by banks"),
    Account.GOODWILL: ("Goodwill", "days given on top of paid periods"),
    Account.GATEWAY_FEES: ("Gateway fees", "what the acquirer keeps"),
    Account.CONVERSION: ("Conversion", "changed by the acquirer into the currency it settles in"),
    Account.EXCHANGE_DIFFERENCES: ("Exchange differences", "what another rate cost for refunds and disputes"),
}
"""Title and meaning of each account."""
_KINDS = {
    "invoice": "Tax invoices",
    "payment": "Payments",
    "refund": "Credit notes",
    "refund_bounced": "Refunds that came back",
    "refund_paid_by_hand": "Refunds paid by bank transfer",
    "goodwill": "Days given",
    "recognition": "Revenue earned",
    "gateway_fee": "Gateway fees",
    "payout": "Payouts",
    "payout_returned": "Payouts that came back",
    "converted": "Converted by the acquirer",
    "settled": "Settled in another currency",
}
_FEES = {"charge": "Charges", "dispute": "Disputes", "payout": "Payouts", "fee": "Billed apart"}
_MOVEMENTS = {
    "refund_failure": "Refund that came back",
    "dispute_reversal": "Dispute paid back",
    "payout_reversal": "Payout that came back",
    "fee": "Fee billed apart",
}


def account_title(account: Account) -> str:
    """An account as pages and files name it."""
    return ACCOUNTS[account][0]


def kind_words(kind: str) -> str:
    """A kind of posting, of which there may be many."""
    return _KINDS.get(kind) or _spelled(kind)


def fee_words(category: str) -> str:
    """What the acquirer's fees of a category are for."""
    return _FEES.get(category) or _spelled(category)


def movement_words(category: str) -> str:
    """One movement of our balance at the acquirer."""
    return _MOVEMENTS.get(category) or _spelled(category)


def _spelled(code: str) -> str:
    return code.replace("_", " ").capitalize()
