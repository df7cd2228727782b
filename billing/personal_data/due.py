"""Do what is due of erasures, archives and changes of an address."""

import logging
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from billing.personal_data.models import DataRequest, Erasure
from billing.platform.db import Database
from billing.readers.address_change import AddressChange

_BATCH = 20
log = logging.getLogger(__name__)


def do_each(
    database: Database,
    table: type[DataRequest] | type[Erasure] | type[AddressChange],
    due_at: datetime | None,
    is_open: str,
    at: datetime,
    do: Callable[[str], None],
) -> int:
    """Call `do` with the id of each row whose column `due_at` has come, the longest wait first; how many there were. `is_open` is SQL.
    One that fails delays no other: `do` has set its next try."""
    query = select(table.id).where(sa.text(is_open), col(due_at) <= at)
    with database.transaction() as session:
        due = session.exec(query.order_by(col(due_at)).limit(_BATCH)).all()
    for row_id in due:
        try:
            do(row_id)
        except Exception:
            log.exception("%s %s has to wait", table.__tablename__, row_id)
    return len(due)
