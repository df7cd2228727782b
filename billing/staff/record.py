"""Audit something that is done for a reader by code that knows nothing of staff: how it stood before, how after."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlmodel import Session

from billing.staff import audit, facts
from billing.staff.audit import Actor


@contextmanager
def recorded(
    session: Session,
    actor: Actor,
    act: str,
    *,
    reader_id: str,
    at: datetime,
    why: str = "",
    subject: str | None = None,
) -> Iterator[None]:
    """Hold the reader's affairs, let it be done, write the line; nothing when it is refused. Raises UnknownReader."""
    facts.hold(session, reader_id)
    before = facts.snapshot(session, reader_id, at)
    yield
    audit.write(
        session,
        actor,
        act,
        at=at,
        reader_id=reader_id,
        subject=subject,
        why=why,
        before=before,
        after=facts.snapshot(session, reader_id, at),
    )
