"""Do what is due of erasures and archives."""

import logging
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from billing.personal_data.models import DataRequest, Erasure
from billing.platform.db import Database

_BATCH = 20
log = logging.getLogger(__name__)


def do_each(
    database: Database,
    table: type[DataRequest] | type[Erasure],
    is_open: str,
    at: datetime,
    do: Callable[[str], None],
) -> int:
    """Call `do` with the id of each row that is due, the longest wait first; how many there were. `is_open` is SQL. One that fails
    delays no other: `do` has set its next try."""
    query = select(table.id).where(sa.text(is_open), col(table.next_attempt_at) <= at)
    with database.transaction() as session:
        due = session.exec(query.order_by(col(table.next_attempt_at)).limit(_BATCH)).all()
    for row_id in due:
        try:
            do(row_id)
        except Exception:
            log.exception("%s %s has to wait", table.__tablename__, row_id)
    return len(due)
