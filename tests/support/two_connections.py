"""Two transactions at once. In one thread the second fails where it would wait for a lock; in another thread the test sees it wait."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlmodel import Session

from tests.support.polling import until

if TYPE_CHECKING:
    from tests.support.world import World

_WAITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def fail_instead_of_waiting(session: Session) -> None:
    """Make the rest of the transaction fail wherever it would wait for a lock."""
    session.execute(sa.text("SET LOCAL lock_timeout = '1ms'"))


def until_one_waits(world: "World") -> None:
    """Return when a transaction waits for a lock of another."""
    until(lambda: world.rows(_WAITING), "a transaction to wait for another")
