"""May this reader read that article, at this moment or at a past one? Why?"""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.access.articles import newest
from billing.access.explain import Explanation, explain
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.readers.models import Reader
from billing.readers.register import by_id
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff.act_forms import read_moment
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.editing import StaffWhyPage, WhyFact

router = APIRouter(include_in_schema=False)
Typed = Annotated[str, Query(max_length=200)]


@router.get("/staff/readers/{reader_id}/why")
def why(
    visit: Annotated[StaffVisit, needs(Permission.READ)], reader_id: str, article: Typed = "", at: Typed = ""
) -> Response:
    """The sentence the reader is told, and the facts behind it."""
    article = article.strip()
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        audit.looked(ctx, reader_id)
        try:
            found = _explained(visit, ctx, reader_id, article, at)
        except Refusal as refusal:
            view = _view(visit, ctx.session, reader, article, at, error=refusal.detail)
            return visit.page(view, refusal.status)
        return visit.page(_view(visit, ctx.session, reader, article, at, found))


def _explained(
    visit: StaffVisit, ctx: TransactionContext, reader_id: str, article: str, at: str
) -> Explanation:
    return explain(
        ctx,
        visit.services.limits,
        reader_id,
        at=read_moment(at, ctx.zone) if at.strip() else ctx.at,
        article_id=article or None,
    )


def _view(
    visit: StaffVisit,
    session: Session,
    reader: Reader,
    article: str,
    at: str,
    found: Explanation | None = None,
    *,
    error: str | None = None,
) -> StaffWhyPage:
    decision = found.decision if found else None
    meter = found.meter if found else None
    return StaffWhyPage(
        reader_id=reader.id,
        email=reader.email,
        articles=tuple((each.id, each.title) for each in newest(session, 30)),
        article=article,
        at=at,
        zone=visit.services.site.zone.key,
        sentence=found.sentence if found else None,
        allowed=decision.allowed if decision else None,
        reason=decision.reason.value if decision else None,
        features=tuple(sorted(decision.features)) if decision else (),
        until=decision.until if decision else None,
        meter=f"{meter.used} of {meter.limit} used" if meter else None,
        facts=tuple(
            WhyFact(what=fact.what, at=fact.at, by=fact.by, reason=fact.reason, holds=fact.holds)
            for fact in (found.facts if found else ())
        ),
        error=error,
    )
