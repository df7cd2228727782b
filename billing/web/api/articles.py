"""`/v1/articles`: the registry."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import Field, HttpUrl
from starlette.responses import Response

from billing.access.articles import article, register
from billing.access.models import Article
from billing.errors import Invalid
from billing.rules.access import AccessLevel
from billing.web.api import shapes
from billing.web.api.caller import Articles

router = APIRouter(tags=["Articles"])
ArticleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class ArticleBody(shapes.Body):
    """What is registered of an article: never its text."""

    title: str = Field(min_length=1, max_length=300)
    url: HttpUrl
    section: str = Field(min_length=1, max_length=100)
    access: AccessLevel
    published_at: shapes.Instant


class OpenBody(shapes.Body):
    """Open an article to everyone, in the public interest."""

    until: shapes.Instant
    reason: shapes.FreeText = Field(min_length=1, max_length=500)


class PastMoment(Invalid):
    """An article can be opened only until a moment that is still to come."""

    code = "past_moment"


def _shape(row: Article) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "url": row.url,
        "section": row.section,
        "access": row.access.value,
        "published_at": shapes.instant(row.published_at),
        "open_until": shapes.instant(row.open_until),
        "open_reason": row.open_reason,
    }


@router.put("/v1/articles/{article_id}")
def put(article_id: ArticleId, body: ArticleBody, caller: Articles) -> JSONResponse:
    """Make an article known, or change what is known of it."""
    with caller.parts.database.transaction() as session:
        row = register(
            session,
            article_id,
            title=body.title,
            url=str(body.url),
            section=body.section,
            access=body.access,
            published_at=body.published_at,
        )
        answer = _shape(row)
    return JSONResponse(answer)


@router.get("/v1/articles/{article_id}")
def get(article_id: ArticleId, caller: Articles) -> JSONResponse:
    """What is known of an article."""
    with caller.parts.database.transaction() as session:
        return JSONResponse(_shape(article(session, article_id)))


@router.delete("/v1/articles/{article_id}", status_code=204)
def delete(article_id: ArticleId, caller: Articles) -> Response:
    """Forget an article."""
    with caller.parts.database.transaction() as session:
        session.delete(article(session, article_id))
    return Response(status_code=204)


@router.post("/v1/articles/{article_id}/open")
def open_to_all(article_id: ArticleId, body: OpenBody, caller: Articles) -> JSONResponse:
    """Open it to everyone until a moment; it closes by itself."""
    if body.until <= caller.at:
        raise PastMoment
    with caller.parts.database.transaction() as session:
        row = article(session, article_id)
        row.open_until, row.open_reason = body.until, body.reason
        session.add(row)
        answer = _shape(row)
    return JSONResponse(answer)
