"""The register of personal data: each table that holds rows of readers, how a reader's rows are found, and what erasing does."""

from billing.personal_data.personal_table import NOTICE, PersonalTable
from billing.rules.addresses import ERASED_DOMAIN
from billing.rules.tax import ABRIDGED_UP_TO
from billing.subscriptions.origins import COUNT_ERASED
from emails.languages import Text, say

MINE = "reader_id = :reader_id"
ACCOUNTS = "ARRAY(SELECT r.id FROM reader r WHERE r.id = :reader_id OR r.merged_into = :reader_id)"
"""SQL: the ids of the reader and of the accounts merged into theirs. An array is read once, and an index finds what is in it."""
MY_SUBSCRIPTIONS = "subscription_id IN (SELECT id FROM subscription WHERE reader_id = :reader_id)"
OF_MY_REQUESTS = "request_id IN (SELECT id FROM reader_request WHERE reader_id = :reader_id)"
OF_MAILBOX = "reader_id IS NULL AND address_key = :address"
BY_EMAIL = "reader_id IS NULL AND lower(email) = :address"
TAX = say(
    "Invoices, payments and credit notes, with numbers, days, amounts and reasons: tax law asks for them for five years."
)
NAMED = say(
    "A name and an address on tax invoices above %(amount)s, for five years: there the law wants them.",
    amount=ABRIDGED_UP_TO,
)
PROOF = say("What was agreed, and when, without the address, the network address and the device.")
MAILED = say("That a notice was sent in time, without its address and its text.")
HISTORY = say("When the subscription began, changed and ended: it explains each payment.")
STAFF_DID = say("Which member of staff did what and when, without the reasons.")
HASHED = say(
    "Keyed hashes of the address and the card, which nobody can turn back: one trial a person, and the rules of card networks."
)
AT_ACQUIRER = say(
    "Numbers of the payment partner for what is deleted there, so that late news of a payment finds it."
)
TOMBSTONE = say("That the account was erased, and when. A number stands in place of the address.")
OURS = say("Words and numbers of our own, which name nobody.")
WHILE_READER = "as long as the account; erased with it"

TABLES = (
    # first: a sign-in under way holds its link, and its session is seen afterwards
    PersonalTable("sign_in_link", "links to sign in", "false", "lower(email) = :address", delete=True),
    # what was read, and where from
    PersonalTable("gift_reading", "gifts opened", "visitor = :reader_id OR gift_id IN (SELECT id FROM gift WHERE reader_id = :reader_id)", delete=True),
    PersonalTable(
        "start_origin", "articles and newsletters that led to a subscription", MINE,
        delete=True, counted=COUNT_ERASED, retention=WHILE_READER,
    ),
    PersonalTable("meter_month", "metered articles read", "visitor = :reader_id", delete=True),
    PersonalTable("gift", "gifts given", MINE, delete=True, retention=WHILE_READER),
    PersonalTable("reader_session", "browsers signed in", MINE, delete=True),
    PersonalTable(
        "address_change", "earlier addresses", MINE, "confirmed_at IS NULL AND lower(new_email) = :address",
        delete=True, whole=MINE, retention="30 days without a confirmation; else as long as the account",
    ),
    PersonalTable(
        "deceased_reader", "that the reader has died, and who is written to", MINE,
        delete=True, retention=WHILE_READER,
    ),
    PersonalTable("passkey", "passkeys", MINE, delete=True, retention=WHILE_READER),
    PersonalTable("api_key_reader", "keys that read the account", MINE, delete=True),
    PersonalTable(
        "api_answer", "answers to programs",
        f"""EXISTS (SELECT FROM unnest({ACCOUNTS}) AS mine WHERE position('"' || mine || '"' IN body) > 0)""",
        "position(:address IN lower(body)) > 0",
        made="created_at", blank={"body": "'{}'"},
        keep={"idempotency_key request_hash": OURS},
    ),
    PersonalTable("data_request", "files with all your data", MINE, delete=True),
    # newsletters
    PersonalTable("signup", "newsletters chosen", f"reader_id = ANY({ACCOUNTS})", OF_MAILBOX, delete=True),
    PersonalTable(
        "signup_change", "newsletters agreed to and left", MINE, OF_MAILBOX,
        blank={"address": "''", "address_key": "''", "ip": "''", "device": "''"},
        keep={"newsletter_id to_state source words text_version message_key": PROOF},
        retention="proof of consent; without the address after an erasure",
    ),
    PersonalTable(
        "delivery", "newsletters received", MINE, OF_MAILBOX,
        blank={"address": "''", "last_answer": "NULL"},
        keep={"variant reason": OURS},
        also={"address_key": "'erased-' || number"},
    ),
    # mails and requests
    PersonalTable(
        "message", "mails", MINE, "reader_id IS NULL AND lower(recipient) = :address",
        blank={"recipient": "''", "fields": NOTICE, "last_answer": "NULL"},
        keep={"key kind about": MAILED, "language": OURS},
        also={"state": "CASE WHEN state IN ('queued', 'refused') THEN 'obsolete' ELSE state END", "claimed_by": "NULL"},
        retention="mails to no account are deleted by their rules; others prove notices and documents",
    ),
    PersonalTable(
        "request_message", "answers and replies", OF_MY_REQUESTS,
        "request_id IN (SELECT id FROM reader_request WHERE reader_id IS NULL AND lower(email) = :address)",
        made="at",
        blank={"words": "''", "mail_from": "NULL", "attachments": "''", "mail_digest": "NULL"},
        keep={"actor_id": STAFF_DID},
        retention="how requests were answered; without their words after an erasure",
    ),
    PersonalTable(
        "request_step", "what staff did with requests", OF_MY_REQUESTS,
        "request_id IN (SELECT id FROM reader_request WHERE reader_id IS NULL AND lower(email) = :address)",
        made="at", blank={"words": "''"}, keep={"actor_id": STAFF_DID},
        retention="how requests were answered; without their words after an erasure",
    ),
    PersonalTable(
        "reader_request", "requests", MINE, BY_EMAIL,
        made="received_at", blank={"email": "''", "words": "''", "ip": "''", "device": "''"},
        keep={"closed_by_id closing_act claimed_by_id": STAFF_DID},
        also={
            "waits_since": "NULL",
            "closed_at": "coalesce(closed_at, :at)",
            "closed_by_kind": "coalesce(closed_by_kind, 'worker')",
            "closed_by_id": "coalesce(closed_by_id, 'erase readers')",
        },
        retention="how requests were answered; without their words after an erasure",
    ),
    PersonalTable(
        "reader_note", "notes of staff", MINE,
        made="at", blank={"words": "''"}, keep={"actor_id": STAFF_DID}, retention=WHILE_READER,
    ),
    PersonalTable(
        "audit_line", "acts of staff", f"{MINE} AND act <> 'erase'", whole=MINE,
        made="at", blank={"reason": "''", "before": "'{}'", "after": "'{}'"},
        keep={"actor_id act subject ip": STAFF_DID},
        retention="evidence of what staff did; without reasons after an erasure",
    ),
    PersonalTable(
        "approval", "acts that two members decided", MINE,
        made="asked_at", blank={"reason": "''", "words": "'[]'"},
        also={"act": "act #- '{fields,name}' #- '{fields,email}'"},
        keep={"act version": STAFF_DID},
        retention="evidence of what staff did; without reasons after an erasure",
    ),
    PersonalTable(
        "bulk_line", "acts on many readers", f"reader_id = ANY({ACCOUNTS})",
        blank={"words": "''"},
        keep={"action_id subject payment_id": STAFF_DID},
        retention="evidence of what staff did; without words after an erasure",
    ),
    PersonalTable(
        "staff_case", "cases", MINE,
        made="opened_at", blank={"what": "''", "facts": "'{}'"},
        keep={"kind subject currency link reason closed_by_id": STAFF_DID},
        retention="evidence of what was found; without facts after an erasure",
    ),
    # cards
    PersonalTable(
        "card_setup", "visits to the card page", MINE, BY_EMAIL,
        blank={
            "email": "''",
            "browser_hash": "''",
            "origin_article_id": "NULL",
            "origin_section": "NULL",
            "origin_issue_id": "NULL",
        },
        keep={"acquirer customer_ref method_ref session_ref": AT_ACQUIRER, "refusal language": OURS},
        retention="unfinished ones are deleted by their rule; others prove who began what",
    ),
    PersonalTable(
        "payment_method", "cards", MINE,
        blank={"brand": "''", "last4": "''"},
        keep={
            "acquirer customer_ref gateway_ref": AT_ACQUIRER,
            "fingerprint": HASHED,
        },
        also={"exp_month": "1", "exp_year": "1970", "gone_at": "coalesce(gone_at, :at)"},
        retention=WHILE_READER,
    ),
    # what was agreed, held and paid
    PersonalTable(
        "consent", "what was agreed to", MINE, BY_EMAIL,
        blank={"email": "''", "ip": "''", "device": "''"},
        keep={"kind text_version text_hash currency": PROOF},
        retention="proof of consent; without the address after an erasure",
    ),
    PersonalTable(
        "subscription_change", "history of subscriptions",
        f"{MY_SUBSCRIPTIONS} AND actor_kind IN ('reader', 'staff', 'api', 'command') AND reason NOT LIKE 'paid invoice %'",
        whole=MY_SUBSCRIPTIONS, made="at", blank={"reason": "''"},
        keep={"actor_id from_state to_state facts": HISTORY},
        retention="history; without the words that people typed after an erasure",
    ),
    PersonalTable(
        "subscription", "subscriptions", MINE,
        blank={"ended_reason": "NULL"}, keep={"next_action": OURS}, retention=WHILE_READER,
    ),
    PersonalTable(
        "complimentary_grant", "complimentary days", MINE,
        made="given_at", blank={"reason": "''"},
        keep={"actor_id features": STAFF_DID},
        retention="history; without reasons after an erasure",
    ),
    PersonalTable(
        "trial_exception", "another trial allowed", MINE,
        made="given_at", blank={"reason": "''"}, keep={"actor_id": STAFF_DID}, retention=WHILE_READER,
    ),
    PersonalTable(
        "price_notice", "prices announced", MINE,
        keep={"text_version seen_by": OURS}, retention="proof that a price was announced in time; names nobody",
    ),
    PersonalTable("trial_claim", "used trials", MY_SUBSCRIPTIONS, keep={"kind digest": HASHED}, retention="for good"),
    PersonalTable(
        "dispute", "disputed payments", MINE,
        made="seen_at", blank={"evidence": "'{}'", "answer": "'{}'", "answer_files": "'{}'"},
        keep={"acquirer gateway_ref reason": TAX, "sent_by_id": STAFF_DID}, retention=TAX,
    ),
    PersonalTable(
        "invoice_recipient", "names on tax invoices", MINE,
        blank={"name": "NULL", "address": "NULL", "vat_number": "NULL"},
        stay="EXISTS (SELECT FROM invoice i LEFT JOIN invoice_correction c ON c.invoice_id = i.id"
        f" WHERE i.gross > {ABRIDGED_UP_TO.amount} AND (i.recipient_id = invoice_recipient.id"
        " OR c.recipient_id = invoice_recipient.id OR c.replaced_recipient_id = invoice_recipient.id))",
        keep={"name address vat_number": NAMED},
        retention=TAX,
    ),
    PersonalTable(
        "invoice_correction", "tax invoices replaced", MINE,
        made="made_at", blank={"reason": "''"}, keep={"actor_id": STAFF_DID}, retention=TAX,
    ),
    PersonalTable("invoice", "invoices", MINE, keep={"description currency": TAX}, retention=TAX),
    PersonalTable(
        "attempt", "charges", MY_SUBSCRIPTIONS,
        keep={
            "acquirer idempotency_key page_ref intent_ref": TAX,
            "decline_code decline_advice network_decline_code network_advice_code decline_message doubt not_taken_reason": OURS,
        },
        retention=TAX,
    ),
    PersonalTable(
        "payment", "payments", MINE,
        keep={"currency acquirer intent_ref charge_ref network_transaction_id": TAX}, retention=TAX,
    ),
    PersonalTable(
        "refund", "refunds", MINE,
        keep={
            "actor_id cause reason idempotency_key acquirer gateway_ref mail_key failure paid_back_ref": TAX
        },
        retention=TAX,
    ),
    PersonalTable(
        "erasure", "erasures", MINE,
        keep={"actor_id": TOMBSTONE}, retention="for good",
    ),
    PersonalTable(
        "reader_merge", "accounts merged", MINE,
        blank={"freed_address": "NULL"},
        keep={"actor_id": STAFF_DID, "moved": OURS}, retention="for good: which account an old id means",
    ),
    # last: the others are found by its address until then
    PersonalTable(
        "reader", "the account", "id = :reader_id OR merged_into = :reader_id",
        blank={"external_id": "NULL", "language": "NULL"},
        also={"email": f"id || '{ERASED_DOMAIN}'"},
        keep={"email": TOMBSTONE},
        retention=WHILE_READER,
    ),
)  # fmt: skip
"""In the order in which they are erased: a row before the one that it is found by, or refers to."""
OF_NOBODY = {
    "events, hashes, counts and books: references only": (
        "inbound_event", "rate_count", "bulk_read", "bounce_record", "suppression",
        "balance_movement", "payout", "unexplained_charge", "reconciliation", "number_series", "recognition_mark", "closed_period",
        "ledger_transaction", "ledger_entry", "deferral", "number_day", "number_mark", "erased_origin",
    ),
    "of staff and programs, not of readers": (
        "staff_member", "staff_link", "staff_browser", "staff_session", "staff_recovery_code", "staff_passkey", "api_key", "api_key_use", "api_key_spending",
        "staff_alert", "staff_alert_choice", "saved_filter", "bulk_action",
    ),
    "what is written, sold or set up, the same for all": (
        "article", "article_version", "section_policy", "public_window", "newsletter", "issue", "issue_body", "brand", "legal_document",
        "canned_answer",
        "plan", "price", "price_change", "vat_rate", "consent_text", "installation", "held_time", "list_salt",
        "worker_heartbeat", "charging_pause", "doctor_visit", "sending_run",
    ),
}  # fmt: skip
"""All other tables, by the reason why no row of theirs is found by a reader."""


def reasons() -> tuple[Text, ...]:
    """Why something stays, each reason once, what matters most to a reader first."""
    return (TAX, NAMED, PROOF, MAILED, HISTORY, STAFF_DID, HASHED, AT_ACQUIRER, OURS, TOMBSTONE)
