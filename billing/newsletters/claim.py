"""Take recipients into hand, and write down what became of them. Any number of workers; none takes another's (S12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.mail import suppressions
from billing.newsletters.lists import ADDRESS_KEY, READER, READER_ID, may_have, scopes
from billing.newsletters.models import DeliveryState
from billing.platform.site import Office

BATCH = 200

CLAIM = f"""
    WITH due AS (
        SELECT d.number, d.address_key, d.signup_id FROM delivery d
        JOIN issue i ON i.id = d.issue_id AND i.state = 'sending' AND (i.resume_at IS NULL OR i.resume_at <= :at)
        WHERE d.issue_id = :issue AND d.state IN ('frozen', 'deferred') AND d.try_at <= :at
        ORDER BY d.try_at, d.number LIMIT :batch FOR UPDATE OF d SKIP LOCKED
    ), judged AS (
        SELECT due.number, CASE
            WHEN s.id IS NULL OR s.state <> 'confirmed' THEN 'left'
            WHEN {ADDRESS_KEY} <> due.address_key THEN 'address_changed'
            WHEN {suppressions.sql("due.address_key")} THEN 'suppressed'
            WHEN n.audience = 'subscribers' AND NOT {may_have(READER_ID, "n.id")} THEN 'not_subscribed'
        END AS why
        FROM due
        LEFT JOIN signup s ON s.id = due.signup_id
        LEFT JOIN newsletter n ON n.id = s.newsletter_id {READER}
    )
    UPDATE delivery d SET
        state = CASE WHEN judged.why IS NULL THEN 'sending' ELSE 'skipped' END,
        why = judged.why,
        claimed_by = CASE WHEN judged.why IS NULL THEN CAST(:me AS integer) END,
        settled_at = CASE WHEN judged.why IS NULL THEN NULL ELSE CAST(:at AS timestamptz) END
    FROM judged WHERE d.number = judged.number
    RETURNING d.number, d.address, d.address_key, d.signup_id, d.variant, d.tries, d.why
"""  # noqa: S608 - pieces of our own SQL; values are bound
"""Takes a batch and looks, in the same statement, whether each still wants it and still may have it (S11, H7). Of an issue that
waits for the relay nothing is taken, by this run no more than by another."""

MARK = """
    UPDATE delivery d SET state = v.state, tries = v.tries, try_at = v.try_at, last_answer = v.answer,
        claimed_by = NULL, settled_at = v.settled_at
    FROM unnest(CAST(:numbers AS bigint[]), CAST(:states AS text[]), CAST(:tries AS integer[]),
                CAST(:try_ats AS timestamptz[]), CAST(:answers AS text[]), CAST(:settled AS timestamptz[]))
        AS v(number, state, tries, try_at, answer, settled_at)
    WHERE d.number = v.number AND d.state = 'sending' AND d.claimed_by = :me
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient in hand."""

    number: int
    address: str
    address_key: str
    signup_id: str
    variant: str
    tries: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a recipient."""

    number: int
    state: DeliveryState
    tries: int
    try_at: datetime
    answer: str | None
    settled_at: datetime | None


def claim(
    session: Session, office: Office, issue_id: str, newsletter_id: str, me: int, at: datetime
) -> tuple[list[Claimed], int]:
    """Take up to a batch of what is due; with how many turned out not to want it, or not to be allowed it, any more."""
    rows = session.execute(
        sa.text(CLAIM),
        {
            "issue": issue_id,
            "me": me,
            "at": at,
            "batch": BATCH,
            "scopes": scopes(newsletter_id),
            "salt": suppressions.salt(office.tokens),
            "zone": office.zone.key,
        },
    ).all()
    taken = [Claimed(*row[:6]) for row in rows if row[6] is None]
    return sorted(taken, key=lambda each: each.number), len(rows) - len(taken)


def mark(session: Session, me: int, marks: Sequence[Mark]) -> None:
    """Write down what became of recipients in `me`'s hands; one that a bounce has settled meanwhile stays settled."""
    if marks:
        session.execute(
            sa.text(MARK),
            {
                "me": me,
                "numbers": [each.number for each in marks],
                "states": [each.state.value for each in marks],
                "tries": [each.tries for each in marks],
                "try_ats": [each.try_at for each in marks],
                "answers": [each.answer[:500].replace("\0", "") if each.answer else None for each in marks],
                "settled": [each.settled_at for each in marks],
            },
        )
