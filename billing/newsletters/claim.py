"""Claim deliveries and record their results, for any number of workers (S12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from billing.mail import suppressions
from billing.newsletters.lists import ADDRESS_KEY, READER, READER_ID, may_have, scopes
from billing.newsletters.models import DeliveryState, Issue, IssueState
from billing.platform.context import TransactionContext

BATCH = 200

CLAIM = f"""
    WITH due AS (
        SELECT d.number, d.address_key, d.signup_id FROM delivery d
        JOIN issue i ON i.id = d.issue_id AND i.state = 'sending' AND (i.resume_at IS NULL OR i.resume_at <= :at)
        WHERE d.issue_id = :issue AND d.started_at = :started_at AND d.state IN ('frozen', 'deferred') AND d.next_attempt_at <= :at
        ORDER BY d.next_attempt_at, d.number LIMIT :batch FOR UPDATE OF d SKIP LOCKED
    ), judged AS (
        SELECT due.number, CASE
            WHEN s.id IS NULL OR s.state <> 'confirmed' THEN 'left'
            WHEN {ADDRESS_KEY} <> due.address_key THEN 'address_changed'
            WHEN {suppressions.sql("due.address_key")} THEN 'suppressed'
            WHEN n.audience = 'subscribers' AND NOT {may_have(READER_ID, "n.id")} THEN 'not_subscribed'
        END AS reason
        FROM due
        LEFT JOIN signup s ON s.id = due.signup_id
        LEFT JOIN newsletter n ON n.id = s.newsletter_id {READER}
    )
    UPDATE delivery d SET
        state = CASE WHEN judged.reason IS NULL THEN 'sending' ELSE 'skipped' END,
        reason = judged.reason,
        claimed_by = CASE WHEN judged.reason IS NULL THEN CAST(:me AS integer) END,
        settled_at = CASE WHEN judged.reason IS NULL THEN NULL ELSE CAST(:at AS timestamptz) END
    FROM judged WHERE d.number = judged.number AND d.started_at = :started_at
    RETURNING d.number, d.address, d.address_key, d.signup_id, d.variant, d.tries, d.reason
"""  # noqa: S608 - pieces of our own SQL; values are bound
"""Claims a batch, and checks in the same statement that each recipient still wants it and may still have it (S11, H7). Claims
nothing of an issue that waits for the relay."""

LOCK = """
    SELECT id, state FROM issue WHERE id IN (SELECT issue_id FROM delivery WHERE number = ANY(:numbers) AND started_at = :started_at)
    ORDER BY id FOR NO KEY UPDATE
"""
"""Against a stop, which skips what is open: what is in hand then is skipped as it is recorded."""

SKIP_STOPPED = sa.text(
    "UPDATE delivery SET state = 'skipped', reason = 'stopped', settled_at = :at"
    " WHERE issue_id = :issue AND started_at = :started_at AND state IN ('frozen', 'deferred')"
)
"""Skips all that is open of a stopped issue."""

RECORD = """
    UPDATE delivery d SET state = v.state, tries = v.tries, next_attempt_at = v.next_attempt_at, last_answer = v.answer,
        claimed_by = NULL, settled_at = v.settled_at
    FROM unnest(CAST(:numbers AS bigint[]), CAST(:states AS text[]), CAST(:tries AS integer[]),
                CAST(:next_attempt_ats AS timestamptz[]), CAST(:answers AS text[]), CAST(:settled AS timestamptz[]))
        AS v(number, state, tries, next_attempt_at, answer, settled_at)
    WHERE d.number = v.number AND d.started_at = :started_at AND d.state = 'sending' AND d.claimed_by = :me
"""


class ClaimedDelivery(NamedTuple):
    """A delivery claimed by this worker."""

    number: int
    address: str
    address_key: str
    signup_id: str
    variant: str
    tries: int


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The new state of a delivery."""

    number: int
    state: DeliveryState
    tries: int
    next_attempt_at: datetime
    answer: str | None
    settled_at: datetime | None


def claim(ctx: TransactionContext, issue: Issue, me: int) -> tuple[list[ClaimedDelivery], int]:
    """Claim up to a batch of what is due of an issue. Returns the deliveries, and how many were skipped."""
    rows = ctx.session.execute(
        sa.text(CLAIM),
        {
            "issue": issue.id,
            "started_at": issue.started_at,
            "me": me,
            "at": ctx.at,
            "batch": BATCH,
            "scopes": scopes(issue.newsletter_id),
            "salt": suppressions.salt(ctx.site.tokens),
            "zone": ctx.zone.key,
        },
    ).all()
    claimed = sorted(ClaimedDelivery(*row[:6]) for row in rows if row.reason is None)
    return claimed, len(rows) - len(claimed)


def record_results(
    ctx: TransactionContext, me: int, started_at: datetime, results: Sequence[DeliveryResult]
) -> None:
    """Record the results of `me`'s claims, of issues that started at `started_at`.

    A delivery that a bounce has settled meanwhile, or that is closed, keeps that state. One that would be sent again, of an issue
    that was stopped meanwhile, is skipped."""
    if results:
        which = {"started_at": started_at, "numbers": [result.number for result in results]}
        issues = ctx.session.execute(sa.text(LOCK), which).all()
        ctx.session.execute(
            sa.text(RECORD),
            which
            | {
                "me": me,
                "states": [result.state.value for result in results],
                "tries": [result.tries for result in results],
                "next_attempt_ats": [result.next_attempt_at for result in results],
                "answers": [(result.answer or "")[:500] or None for result in results],
                "settled": [result.settled_at for result in results],
            },
        )
        for issue in issues:
            if issue.state == IssueState.STOPPED:
                ctx.session.execute(SKIP_STOPPED, {"issue": issue.id, "started_at": started_at, "at": ctx.at})
