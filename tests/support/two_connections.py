"""Two transactions at once in one thread: the second says that it would have to wait, instead of waiting."""

import sqlalchemy as sa
from sqlmodel import Session


def waits_for_nobody(session: Session) -> None:
    """From now on to its end the transaction fails where it would wait for a lock."""
    session.execute(sa.text("SET LOCAL lock_timeout = '1ms'"))
