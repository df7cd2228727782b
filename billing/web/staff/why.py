"""Why a reader may or may not read an article, now or at a past moment."""

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.access.articles import ID_PATTERN, newest, titled
from billing.access.explain import explain
from billing.access.models import Article
from billing.platform.errors import NotFound, Refusal
from billing.readers.register import by_id
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff.act_forms import read_moment
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.why import StaffWhyPage, WhyFact

router = APIRouter(include_in_schema=False)
Typed = Annotated[str, Query(max_length=200)]


class NoSuchArticle(NotFound):
    """No registered article has this id, or these words in its title. Type fewer words, or a longer one."""

    code = "no_such_article"


def _fitting(session: Session, typed: str) -> Sequence[Article]:
    """The article with this id, else those with these words in their title. One that was removed from the registry has its id
    alone. Raises NoSuchArticle."""
    found = session.get(Article, typed)
    if found is not None:
        return [found]
    fitting = titled(session, typed)
    if not fitting and not re.fullmatch(ID_PATTERN, typed):
        raise NoSuchArticle
    return fitting


@router.get("/staff/readers/{reader_id}/why")
def why(
    visit: Annotated[StaffVisit, needs(Permission.READ)], reader_id: str, article: Typed = "", at: Typed = ""
) -> Response:
    """The sentence that the reader is shown, and the facts behind it. An article is named by its id, or words of its title."""
    article = article.strip()
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        audit.note_page_opened(ctx, reader_id)
        found, refusal = None, None
        fitting: Sequence[Article] = ()
        try:
            fitting = _fitting(ctx.session, article) if article else ()
            moment = read_moment(at, ctx.zone) if at.strip() else ctx.at
            if len(fitting) < 2:
                limits, article_id = visit.services.limits, fitting[0].id if fitting else article or None
                found = explain(ctx, limits, reader_id, at=moment, article_id=article_id)
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
            title=fitting[0].title if len(fitting) == 1 else None,
            fitting=tuple(
                (
                    f"/staff/readers/{reader_id}/why?{urlencode({'article': row.id, 'at': at})}",
                    row.title,
                    ctx.site.today(row.published_at),
                )
                for row in fitting
            )
            if len(fitting) > 1
            else (),
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
