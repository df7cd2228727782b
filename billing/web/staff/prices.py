"""Readers whom the notice of a new price did not reach. They keep the old price; staff mark each as dealt with."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.changes import announce_price
from billing.mail.models import Message
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from billing.rules.money import Money
from billing.staff import audit
from billing.staff.roles import Permission
from billing.subscriptions.models import NoticeState, Price, PriceChange, PriceNotice, Subscription
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_mail import StaffPricesPage, UnreachedReaderRow

router = APIRouter(include_in_schema=False)


@router.get("/staff/prices")
def untold(visit: Annotated[StaffVisit, needs(Permission.ANSWER)]) -> Response:
    """The list, oldest first."""
    with visit.begin() as ctx:
        rows = tuple(_row(ctx, notice, mail) for notice, mail in announce_price.failed_notices(ctx.session))
    return visit.page(StaffPricesPage(rows=rows))


def _row(ctx: TransactionContext, notice: PriceNotice, mail: Message | None) -> UnreachedReaderRow:
    session = ctx.session
    new = session.get_one(Price, session.get_one(PriceChange, notice.change_id).price_id)
    old = session.get_one(Price, session.get_one(Subscription, notice.subscription_id).price_id)
    return UnreachedReaderRow(
        notice_id=notice.id,
        reader_id=notice.reader_id,
        email=by_id(session, notice.reader_id).email,
        keeps=Money(old.amount, old.currency),
        instead_of=Money(new.amount, new.currency),
        starts_on=notice.starts_on,
        answer=(mail.last_answer if mail else None) or "it could not be delivered in time",
        can_be_seen=notice.state is NoticeState.KEPT,
    )


@router.post("/staff/prices/{notice_id}/seen")
def seen(visit: Annotated[StaffVisit, needs(Permission.ANSWER, acts=True)], notice_id: str) -> Response:
    """Mark it as dealt with; the old price stays."""
    with visit.begin() as ctx:
        notice = ctx.session.get(PriceNotice, notice_id, with_for_update=True)
        if notice is not None and notice.state is NoticeState.KEPT:
            notice.state, notice.seen_by = NoticeState.SEEN, str(visit.actor)
            audit.write(ctx, "price_kept_seen", reader_id=notice.reader_id, subject=notice.id)
    return visit.go("/staff/prices", "staff-saved")
