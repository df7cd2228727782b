"""Why a reader may or may not read an article, now or at a past moment."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from billing.access.articles import newest
from billing.access.explain import explain
from billing.platform.errors import Refusal
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
    """The sentence that the reader is shown, and the facts behind it."""
    article = article.strip()
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        audit.note_page_opened(ctx, reader_id)
        found, refusal = None, None
        try:
            moment = read_moment(at, ctx.zone) if at.strip() else ctx.at
            limits = visit.services.limits
            found = explain(ctx, limits, reader_id, at=moment, article_id=article or None)
        except Refusal as problem:
            refusal = problem
        decision, meter = (found.decision, found.meter) if found else (None, None)
        view = StaffWhyPage(
            reader_id=reader.id,
            email=reader.email,
            articles=tuple((row.id, row.title) for row in newest(ctx.session, 30)),
            article=article,
            at=at,
            zone=ctx.zone.key,
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
            error=refusal.detail if refusal else None,
        )
    return visit.page(view, refusal.status if refusal else 200)
