"""The promises about personal data: nothing outlives its rule, and nothing is left of an erased reader."""

# ruff: noqa: S608 - the queries are put together from constants of ours

from datetime import timedelta

from billing.personal_data import register
from billing.personal_data.merge_register import EMPTY
from billing.personal_data.models import OPEN, UNMADE
from billing.personal_data.personal_table import PersonalTable
from billing.platform.db import span
from billing.platform.retention import RULES, RetentionRule
from billing.readers.address_change import CUSTOMER_DUE
from billing.reports.promise import Promise
from billing.rules.addresses import ERASED_DOMAIN

SLACK = timedelta(days=2)
"""Old rows are deleted in the night after they expire, and the doctor may come before."""
MAKES_WITHIN = timedelta(days=1)
"""A file takes minutes; the law allows 30 days. An address takes seconds, unless the acquirer is away."""
LOOKS_BACK = timedelta(days=8)
"""Erasures of so many days are looked at again each night: an erased reader's old rows don't come back by themselves."""
SLOWEST = timedelta(minutes=5)
"""News in a transaction that began before an erasure may be written after it, and is news of an erased reader: it stays."""


def _outlived(rule: RetentionRule) -> str:
    return f"""SELECT '{rule.table}' AS id, 'older than {rule.keep.days} days' AS at_fault WHERE EXISTS (
               SELECT FROM {rule.place} WHERE {rule.column} < :at - {span(rule.keep + SLACK)} AND {rule.only} AND NOT ({rule.needed}))"""


def _left(table: PersonalTable) -> str:
    return f"""SELECT e.reader_id AS id, '{table.what}, in {table.table}' AS at_fault FROM erasure e
               WHERE e.done_at > :at - {span(LOOKS_BACK)} AND EXISTS ({table.left_over_of("e.reader_id", f"e.done_at - {span(SLOWEST)}")})"""


def _unmoved(table: str) -> str:
    return f"""SELECT m.merged_id AS id, 'rows of {table}' AS at_fault FROM reader_merge m
               WHERE m.begun_at > :at - {span(LOOKS_BACK)} AND EXISTS (SELECT FROM {table} t WHERE t.reader_id = m.merged_id)"""


PERSONAL_PROMISES = (
    Promise(
        "nothing-outlives-its-rule",
        "No row is kept longer than the rule of its table allows.",
        "\n UNION ALL ".join(_outlived(rule) for rule in RULES),
    ),
    Promise(
        "erased-in-time",
        "Everyone who asked to be erased is erased within 30 days.",
        f"SELECT reader_id AS id, 'due since ' || due_at AS at_fault FROM erasure WHERE {OPEN} AND due_at < :at",
        link="/staff/readers/{}",
    ),
    Promise(
        "acquirer-has-new-addresses",
        "The payment partner has each new address within a day.",
        f"""SELECT reader_id AS id, 'changed at ' || greatest(confirmed_at, put_back_at) AS at_fault FROM address_change
            WHERE {CUSTOMER_DUE} AND greatest(confirmed_at, put_back_at) < :at - {span(MAKES_WITHIN)}""",
        link="/staff/readers/{}",
    ),
    Promise(
        "data-given-in-time",
        "Everyone who asked for their data has the file within a day.",
        f"""SELECT reader_id AS id, 'asked for at ' || requested_at AS at_fault FROM data_request
            WHERE {UNMADE} AND requested_at < :at - {span(MAKES_WITHIN)}""",
        link="/staff/readers/{}",
    ),
    Promise(
        "nothing-is-left-of-the-erased",
        "No personal data is left of a reader who was erased.",
        "\n UNION ALL ".join(_left(table) for table in register.TABLES if table.left_over)
        + f"""\n UNION ALL SELECT r.id, 'the address' FROM erasure e JOIN reader r ON r.id = e.reader_id
              WHERE e.done_at > :at - {span(LOOKS_BACK)} AND r.email <> r.id || '{ERASED_DOMAIN}'""",
    ),
    Promise(
        "merged-accounts-are-empty",
        "A merged account has nothing: all that it had is with the account that stays.",
        # staff may have been refused something for the empty one
        "\n UNION ALL ".join(_unmoved(table) for table in EMPTY if table != "audit_line")
        + f"""\n UNION ALL SELECT m.merged_id, 'not done' FROM reader_merge m JOIN reader r ON r.id = m.merged_id
              WHERE m.done_at IS NULL OR r.merged_into IS NULL OR r.email <> r.id || '{ERASED_DOMAIN}'
              OR EXISTS (SELECT FROM reader into_ WHERE into_.id = r.merged_into AND into_.merged_into IS NOT NULL)""",
        link="/staff/readers/{}",
    ),
)
