"""Why a bank disputes a charge and why a refund failed, in words for staff; we keep the acquirer's codes."""

from collections.abc import Mapping

DISPUTE_REASONS = {
    "bank_cannot_process": "the bank can’t process the charge",
    "check_returned": "the bank returned a cheque",
    "credit_not_processed": "the reader says that money promised back didn’t come",
    "customer_initiated": "the reader asked the bank for the money back",
    "debit_not_authorized": "the reader says that they didn’t allow the debit",
    "duplicate": "the reader says that they were charged twice",
    "fraudulent": "fraudulent, for the card’s owner says that they didn’t pay",
    "general": "the bank gives no particular reason",
    "incorrect_account_details": "the bank says that the account’s details are wrong",
    "insufficient_funds": "the reader’s account had too little money",
    "noncompliant": "the bank says that the charge broke a rule of the card scheme",
    "product_not_received": "the reader says that they didn’t get what they paid for",
    "product_unacceptable": "the reader says that it wasn’t as promised",
    "subscription_canceled": "the reader says that they had cancelled",
    "unrecognized": "the reader doesn’t recognise the charge",
}
REFUND_FAILURES = {
    "charge_for_pending_refund_disputed": "the reader’s bank took the charge back meanwhile",
    "charge_pending": "the charge isn’t settled yet",
    "declined": "the bank declined it",
    "expired_or_canceled_card": "the card has expired or was cancelled",
    "insufficient_funds": "our balance at the acquirer was too low",
    "lost_or_stolen_card": "the card was lost or stolen",
    "merchant_request": "it was stopped at our request",
    "processing": "the acquirer is working on it",
    "unknown": "the bank gave no reason",
}


def dispute_reason(code: str) -> str:
    """Why a bank disputes a charge."""
    return _in_words(DISPUTE_REASONS, code)


def refund_failure(code: str | None) -> str:
    """Why a refund failed or waits, without a full stop; empty where nothing is known."""
    return _in_words(REFUND_FAILURES, code or "").rstrip(".")


def _in_words(known: Mapping[str, str], code: str) -> str:
    """An unknown code with spaces; an acquirer's own sentence stays as it is."""
    return known.get(code) or code.replace("_", " ")
