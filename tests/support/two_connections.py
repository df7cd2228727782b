"""Run two transactions in one thread: the second fails where it would wait for a lock."""

import sqlalchemy as sa
from sqlmodel import Session


def fail_instead_of_waiting(session: Session) -> None:
    """Make the rest of the transaction fail wherever it would wait for a lock."""
    session.execute(sa.text("SET LOCAL lock_timeout = '1ms'"))
