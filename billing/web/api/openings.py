"""The public-interest switch for programs: open an article, a section or the whole site until a moment, or close it."""

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator
from starlette.responses import Response

from billing.access import articles, public_windows
from billing.access.models import PublicWindow, Scope
from billing.http import shapes
from billing.platform.context import TransactionContext
from billing.staff import editing
from billing.web.api.articles import ArticleId, shape
from billing.web.api.caller import Answer, Articles
from billing.web.api.pages import MOST, After, Limit, page

router = APIRouter(tags=["Articles"])


class OpenBody(shapes.Body):
    """Until when, and why."""

    until: shapes.Instant
    reason: shapes.FreeText = Field(min_length=1, max_length=500)


class OpeningBody(OpenBody):
    """What is opened: exactly one of an article, a section, the site."""

    article: str | None = Field(default=None, min_length=1, max_length=shapes.LONGEST)
    section: str | None = Field(default=None, min_length=1, max_length=100)
    site: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "OpeningBody":
        if sum(named is not None for named in (self.article, self.section, self.site)) != 1:
            raise ValueError("name an article, or a section, or the site")
        return self

    @property
    def what(self) -> tuple[Scope, str]:
        """The scope, and the subject in it."""
        if self.article is not None:
            return Scope.ARTICLE, self.article
        return (Scope.SECTION, self.section) if self.section is not None else (Scope.SITE, "")


@router.post("/v1/articles/{article_id}/open")
def open_article(article_id: ArticleId, body: OpenBody, caller: Articles) -> Response:
    """Open it to everyone until a moment; it closes by itself."""

    def do(ctx: TransactionContext) -> Answer:
        _open(ctx, Scope.ARTICLE, article_id, body)
        return 200, shape(ctx, articles.article(ctx.session, article_id))

    return caller.once_in_one(body, do)


@router.post("/v1/articles/{article_id}/close")
def close_article(article_id: ArticleId, caller: Articles) -> Response:
    """Close what was opened of this article alone, before its time; its section or the site may still be open."""

    def do(ctx: TransactionContext) -> Answer:
        row = articles.article(ctx.session, article_id)
        for window in public_windows.of_articles(ctx, [row.id], [row.section]):
            if window.scope is Scope.ARTICLE:
                editing.close(ctx, window.id)
        return 200, shape(ctx, row)

    return caller.once_in_one(None, do)


@router.get("/v1/openings")
def live(caller: Articles, limit: Limit = MOST, after: After = None) -> JSONResponse:
    """All that is open to everyone now, newest first."""
    with caller.begin() as ctx:
        rows = public_windows.open_at(ctx)
    return page([row for row in rows if after is None or row.id < after], limit, _shape)


@router.post("/v1/openings", status_code=201)
def open_to_all(body: OpeningBody, caller: Articles) -> Response:
    """Open an article, a section or the whole site to everyone until a moment; it closes by itself."""

    return caller.once_in_one(body, lambda ctx: (201, _shape(_open(ctx, *body.what, body))))


@router.delete("/v1/openings/{opening_id}")
def close(opening_id: str, caller: Articles) -> Response:
    """Close it before its time."""

    return caller.once_in_one(None, lambda ctx: (200, _shape(editing.close(ctx, opening_id))))


def _open(ctx: TransactionContext, scope: Scope, subject: str, body: OpenBody) -> PublicWindow:
    return editing.open_to_all(ctx, scope, subject, until=body.until, reason=body.reason)


def _shape(row: PublicWindow) -> dict[str, Any]:
    return {
        "id": row.id,
        "scope": row.scope.value,
        "subject": row.subject or None,
        "opened_at": shapes.instant(row.opened_at),
        "until": shapes.instant(row.until),
        "reason": row.reason,
        "closed_at": shapes.instant(row.closed_at),
    }
