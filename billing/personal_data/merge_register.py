"""What a merge of two accounts does to each table with rows of readers: what moves to the account that stays, and what needn't."""

# ruff: noqa: S608 - names of our own

from collections.abc import Mapping


def _renamed(table: str, only: str = "true") -> str:
    """The rows of the account that goes come to name the one that stays."""
    return f"UPDATE {table} SET reader_id = :stays WHERE reader_id = :goes AND {only}"


PLAIN = (
    *(
        "gift",
        "passkey",
        "signup_change",
        "message",
        "reader_request",
        "reader_note",
        "audit_line",
    ),
    *("approval", "staff_case", "payment_method", "consent", "subscription", "complimentary_grant"),
    *("price_notice", "dispute", "invoice_recipient", "invoice_correction", "payment", "refund"),
    *("erasure", "reader_merge", "address_change", "start_origin"),
)
"""Tables whose rows move as they are."""
MOVED: Mapping[str, tuple[str, ...]] = {
    # a link that is under way opens neither account: it is asked for again, for the address that stays
    "sign_in_link": ("DELETE FROM sign_in_link WHERE lower(email) IN (:address, :freed)",),
    "gift_reading": (
        "INSERT INTO gift_reading (gift_id, visitor, at) SELECT gift_id, :stays, at FROM gift_reading"
        " WHERE visitor = :goes ON CONFLICT DO NOTHING",
        "DELETE FROM gift_reading WHERE visitor = :goes",
    ),
    # each article once: together no more are free than the limit
    "meter_month": (
        "INSERT INTO meter_month AS counted (visitor, month, readings, carried)"
        " SELECT :stays, month, readings, '{}' FROM meter_month WHERE visitor = :goes"
        " ON CONFLICT (visitor, month) DO UPDATE SET readings = excluded.readings || counted.readings",
        "DELETE FROM meter_month WHERE visitor = :goes",
    ),
    # signed out; and such a browser has proved nothing to the account that stays
    "reader_session": (
        "UPDATE reader_session SET reader_id = :stays, ended_at = coalesce(ended_at, :at), browser_hash = NULL"
        " WHERE reader_id = :goes",
    ),
    "api_key_reader": (
        "INSERT INTO api_key_reader (key_id, reader_id, read_at) SELECT key_id, :stays, read_at FROM api_key_reader"
        " WHERE reader_id = :goes ON CONFLICT DO NOTHING",
        "DELETE FROM api_key_reader WHERE reader_id = :goes",
    ),
    # a file with the data of one account only
    "data_request": ("DELETE FROM data_request WHERE reader_id = :goes",),
    # The largest table, without an index by reader: each issue's rows are found by the addresses that the account has had. It doesn't
    # know those of accounts that were merged into it; only then all rows are read.
    "delivery": (
        "UPDATE delivery d SET reader_id = :stays FROM issue i WHERE d.issue_id = i.id AND d.started_at = i.started_at"
        " AND d.address_key IN (SELECT lower(email) FROM reader WHERE id = :goes"
        " UNION SELECT lower(unnest(ARRAY[old_email, new_email])) FROM address_change WHERE reader_id = :goes)"
        " AND d.reader_id = :goes",
        _renamed("delivery", "EXISTS (SELECT FROM reader WHERE merged_into = :goes)"),
    ),
    # One row a list. The other stays with the empty account, so that the links of its old newsletters still find the person.
    "signup": (
        "DELETE FROM signup WHERE reader_id = :goes AND state = 'pending'",
        "DELETE FROM signup WHERE reader_id = :stays AND state = 'pending' AND EXISTS (SELECT FROM signup s"
        " WHERE s.reader_id = :goes AND s.newsletter_id = signup.newsletter_id AND s.state = 'confirmed')",
        _renamed(
            "signup",
            "NOT EXISTS (SELECT FROM signup s WHERE s.reader_id = :stays AND s.newsletter_id = signup.newsletter_id)",
        ),
        "UPDATE signup SET state = 'left', changed_at = :at WHERE reader_id = :goes AND state <> 'left'",
    ),
    # somebody who only typed the address began these
    "card_setup": (
        "UPDATE card_setup SET state = 'expired', finished_at = :at WHERE reader_id = :goes AND state = 'awaits_proof'",
        _renamed("card_setup"),
    ),
    # of two deaths the one of the account that stays stands
    "deceased_reader": (
        "UPDATE deceased_reader SET taken_back_at = :at WHERE reader_id = :goes AND taken_back_at IS NULL AND EXISTS"
        " (SELECT FROM deceased_reader d WHERE d.reader_id = :stays AND d.taken_back_at IS NULL)",
        _renamed("deceased_reader"),
    ),
    # the tax export names the account that each was drawn up for
    "invoice": (
        "UPDATE invoice SET reader_id = :stays, merged_from_id = coalesce(merged_from_id, :goes) WHERE reader_id = :goes",
    ),
    "trial_exception": (
        "DELETE FROM trial_exception WHERE reader_id = :goes AND used_at IS NULL AND EXISTS"
        " (SELECT FROM trial_exception e WHERE e.reader_id = :stays AND e.used_at IS NULL)",
        _renamed("trial_exception"),
    ),
    **{table: (_renamed(table),) for table in PLAIN},
}
"""The statements for each table, for `:stays`, `:goes`, `:address` and `:freed` (both in lower case) and `:at`."""
FOUND_BY = "its rows name a subscription or a request, which moves"
NOT_MOVED: Mapping[str, str] = {
    **dict.fromkeys(
        ("subscription_change", "attempt", "trial_claim", "request_message", "request_step"), FOUND_BY
    ),
    "bulk_line": "its act stands in the audit, which moves; one that is still to be done is refused, as the account is merged",
    "api_answer": "an answer is repeated as it was; the register of personal data finds it by the merged account's id too",
    "reader": "the account that goes stays as an empty row, which names the one that has all it had",
}
"""The other tables with rows of readers, with the reason."""
EMPTY = tuple(
    table for table in MOVED if table not in ("sign_in_link", "gift_reading", "meter_month", "signup")
)
"""Tables in which no row names a merged account afterwards, by `reader_id`."""
