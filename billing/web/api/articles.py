"""`/v1/articles`: the registry of articles, and what each asks of readers."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import Field, HttpUrl
from starlette.responses import Response

from billing.access import articles, policies, public_windows
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.http import shapes
from billing.platform.context import TransactionContext
from billing.rules.access import AccessLevel
from billing.rules.policies import MOST_DAYS, MOST_HOURS
from billing.web.api.caller import Answer, Articles

router = APIRouter(tags=["Articles"])
ArticleId = Annotated[str, Path(pattern=articles.ID_PATTERN)]


class TermsBody(shapes.Body):
    """What is asked of readers: a level, and windows in which everyone may read."""

    access: AccessLevel | None = None
    free_hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] | None = None
    open_after_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None

    @property
    def terms(self) -> AccessTerms:
        """The terms, as the registry takes them."""
        return AccessTerms(self.access, self.free_hours, self.open_after_days)


class ArticleBody(TermsBody):
    """What is registered of an article: never its text. Without `access` its section's policy counts."""

    title: str = Field(min_length=1, max_length=300)
    url: HttpUrl
    section: str = Field(min_length=1, max_length=100)
    published_at: shapes.Instant


def shape(ctx: TransactionContext, row: Article) -> dict[str, Any]:
    """An article, with its access level now and until when it is open to everyone."""
    stated = policies.stated(ctx.site, row, policies.of_sections(ctx.session, [row.section]))
    windows = public_windows.of_articles(ctx, [row.id], [row.section])
    latest = max(windows, key=lambda window: window.until, default=None)
    return {
        "id": row.id,
        "title": row.title,
        "url": row.url,
        "section": row.section,
        "access": stated.policy.level.value,
        "access_from": stated.by,
        "free_hours": stated.terms.free_hours,
        "open_after_days": stated.terms.open_after_days,
        "published_at": shapes.instant(row.published_at),
        "open_until": shapes.instant(latest.until if latest else None),
        "open_reason": latest.reason if latest else None,
    }


@router.put("/v1/articles/{article_id}")
def put(article_id: ArticleId, body: ArticleBody, caller: Articles) -> Response:
    """Make an article known, or change what is known of it."""

    def do(ctx: TransactionContext) -> Answer:
        given = Article(
            id=article_id,
            title=body.title,
            url=str(body.url),
            section=body.section,
            published_at=body.published_at,
        )
        return 200, shape(ctx, articles.register(ctx, given, body.terms))

    return caller.once_in_one(body, do)


@router.get("/v1/articles/{article_id}")
def get(article_id: ArticleId, caller: Articles) -> JSONResponse:
    """What is known of an article."""
    with caller.begin() as ctx:
        return JSONResponse(shape(ctx, articles.article(ctx.session, article_id)))


@router.delete("/v1/articles/{article_id}", status_code=204)
def delete(article_id: ArticleId, caller: Articles) -> Response:
    """Forget an article."""

    def do(ctx: TransactionContext) -> Answer:
        articles.remove(ctx, article_id)
        return 204, None

    return caller.once_in_one(None, do)
