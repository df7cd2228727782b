"""An outage pays back: two moments, what is known between them, and days or money for all whom it touched, in one act."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.rules.money import Money
from billing.staff.bulk import choose, decide, outage
from billing.staff.bulk.choose import ChosenBy
from billing.staff.bulk.models import BulkKind
from billing.staff.roles import MOST_DAYS, Permission
from billing.web.staff.act_forms import Short, read_moment
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.many import kinds_for, may_do, opened
from billing.web.staff.many_forms import TypedMany, kind_of, read_terms
from billing.web.views.outages import OutageFound, StaffOutagesPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/outages"
GIVES = (BulkKind.DAYS, BulkKind.REFUND)
Moment = Annotated[str, Query(max_length=60)]


@dataclass
class TypedOutage:
    """The fields of the form."""

    since: Short = None
    until: Short = None
    by: Short = None
    kind: Short = None
    days: Short = None
    amount: Short = None


@router.get(ROOM)
def show(
    visit: Annotated[StaffVisit, needs(Permission.MANY)], since: Moment = "", until: Moment = ""
) -> Response:
    """Ask for two moments; with both, say what is known between them."""
    return _page(visit, TypedOutage(since=since, until=until))


@router.post(f"{ROOM}/new")
def make(
    visit: Annotated[StaffVisit, needs(Permission.MANY, acts=True)],
    typed: Annotated[TypedOutage, Depends()],
) -> Response:
    """Choose all whom the time touched, and show the preview. Raises NotYourRole."""
    try:
        since, until = _read(visit, typed)
        kind, by = kind_of(typed.kind), _by(typed)
        if kind not in GIVES:
            raise Invalid("Give days, or money.")
        may_do(visit, kind)
        terms = read_terms(kind, TypedMany(days=typed.days, amount=typed.amount))
        with visit.begin() as ctx:
            action = decide.make(ctx, terms, choose.in_time(by, since, until, visit.at))
    except Invalid as refusal:
        return _page(visit, typed, error=refusal.detail)
    return opened(visit, action)


def _by(typed: TypedOutage) -> ChosenBy:
    if typed.by not in (ChosenBy.ENTITLED, ChosenBy.CHARGED):
        raise Invalid("Choose who gets it.")
    return ChosenBy(typed.by)


def _read(visit: StaffVisit, typed: TypedOutage) -> tuple[datetime, datetime]:
    """Both moments. Raises NotAMoment, NoSuchTime."""
    since, until = (read_moment(text or "", visit.services.site.zone) for text in (typed.since, typed.until))
    choose.in_time(ChosenBy.ENTITLED, since, until, visit.at)
    return since, until


def _page(visit: StaffVisit, typed: TypedOutage, *, error: str | None = None) -> Response:
    found = None
    days = typed.days or ""
    if typed.since or typed.until:
        try:
            since, until = _read(visit, typed)
            with visit.read() as ctx:
                found = _found(ctx, since, until)
            days = days or str(min(MOST_DAYS, -(-(until - since) // timedelta(days=1))))
        except Invalid as refusal:
            error = error or refusal.detail
    gives = tuple(each for each in kinds_for(visit) if each[0] in GIVES)
    view = StaffOutagesPage(
        since=typed.since or "",
        until=typed.until or "",
        found=found,
        kinds=gives,
        by=typed.by or ChosenBy.ENTITLED.value,
        kind=typed.kind or (gives[0][0] if gives else ""),
        days=days,
        amount=typed.amount or "",
        error=error,
    )
    return visit.page(view, 422 if error else 200)


def _found(ctx: TransactionContext, since: datetime, until: datetime) -> OutageFound:
    known = outage.look(ctx.session, since, until)
    return OutageFound(
        since=since,
        until=until,
        subscribed=known.subscribed,
        charges=known.charges,
        charged=Money(known.cents),
        more_subscribed=known.more_subscribed,
        more_charges=known.more_charges,
    )
