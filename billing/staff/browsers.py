"""Browsers in which members have signed in with both factors, recognised by a cookie of their own."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.staff.models import StaffBrowser


def knows(session: Session, browser_hashes: Sequence[str], staff_id: str | None = None) -> bool:
    """Whether this member, or any member, has signed in in this browser before."""
    found = select(StaffBrowser.staff_id).where(col(StaffBrowser.browser_hash).in_(browser_hashes))
    if staff_id is not None:
        found = found.where(StaffBrowser.staff_id == staff_id)
    return session.exec(found.limit(1)).first() is not None


def find(session: Session, browser_hashes: Sequence[str], staff_id: str) -> StaffBrowser | None:
    """The member's row of this browser, locked."""
    return session.exec(
        select(StaffBrowser)
        .where(col(StaffBrowser.browser_hash).in_(browser_hashes), StaffBrowser.staff_id == staff_id)
        .order_by(col(StaffBrowser.signed_in_at).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def remember(ctx: TransactionContext, staff_id: str, browser_hash: str) -> None:
    """Note that the member has signed in in this browser, with both factors."""
    row = insert(StaffBrowser).values(
        browser_hash=browser_hash, staff_id=staff_id, signed_in_at=ctx.at, wrong_codes=0
    )
    ctx.session.execute(
        row.on_conflict_do_update(index_elements=["browser_hash", "staff_id"], set_={"signed_in_at": ctx.at})
    )


def forget_all(session: Session, staff_id: str) -> None:
    """Forget all of the member's browsers."""
    session.execute(sa.delete(StaffBrowser).where(col(StaffBrowser.staff_id) == staff_id))
