"""The public-interest switch for programs: open an article, a section or the whole site until a moment; close it."""

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator
from sqlmodel import Session

from billing.access import articles, openings
from billing.access.models import Opening, Scope
from billing.staff import editing
from billing.web.api import shapes
from billing.web.api.articles import ArticleId, shape
from billing.web.api.caller import Articles, Caller

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
        if sum(each is not None for each in (self.article, self.section, self.site)) != 1:
            raise ValueError("name an article, or a section, or the site")
        return self

    @property
    def what(self) -> tuple[Scope, str]:
        """The scope and what in it."""
        if self.article is not None:
            return Scope.ARTICLE, self.article
        return (Scope.SECTION, self.section) if self.section is not None else (Scope.SITE, "")


@router.post("/v1/articles/{article_id}/open")
def open_article(article_id: ArticleId, body: OpenBody, caller: Articles) -> JSONResponse:
    """Open it to everyone until a moment; it closes by itself."""
    with caller.parts.database.transaction() as session:
        _open(session, caller, Scope.ARTICLE, article_id, body)
        answer = shape(session, caller, articles.article(session, article_id))
    return JSONResponse(answer)


@router.post("/v1/articles/{article_id}/close")
def close_article(article_id: ArticleId, caller: Articles) -> JSONResponse:
    """Close what was opened of this article alone, before its time; its section or the site may still be open."""
    with caller.parts.database.transaction() as session:
        row = articles.article(session, article_id)
        own = [
            one
            for one in openings.of_article(session, row.id, row.section, caller.at)
            if one.scope is Scope.ARTICLE
        ]
        for one in own:
            editing.close(session, caller.actor, one.id, at=caller.at)
        answer = shape(session, caller, row)
    return JSONResponse(answer)


@router.get("/v1/openings")
def live(caller: Articles) -> JSONResponse:
    """All that is open to everyone now, newest first."""
    with caller.parts.database.transaction() as session:
        return JSONResponse({"data": [_shape(row) for row in openings.live(session, caller.at)]})


@router.post("/v1/openings", status_code=201)
def open_to_all(body: OpeningBody, caller: Articles) -> JSONResponse:
    """Open an article, a section or the whole site to everyone until a moment; it closes by itself."""
    with caller.parts.database.transaction() as session:
        answer = _shape(_open(session, caller, *body.what, body))
    return JSONResponse(answer, 201)


@router.delete("/v1/openings/{opening_id}")
def close(opening_id: str, caller: Articles) -> JSONResponse:
    """Close it before its time."""
    with caller.parts.database.transaction() as session:
        answer = _shape(editing.close(session, caller.actor, opening_id, at=caller.at))
    return JSONResponse(answer)


def _open(session: Session, caller: Caller, scope: Scope, subject: str, body: OpenBody) -> Opening:
    return editing.open_to_all(
        session, caller.actor, scope, subject, until=body.until, reason=body.reason, at=caller.at
    )


def _shape(row: Opening) -> dict[str, Any]:
    return {
        "id": row.id,
        "scope": row.scope.value,
        "subject": row.subject or None,
        "opened_at": shapes.instant(row.opened_at),
        "until": shapes.instant(row.until),
        "reason": row.reason,
        "closed_at": shapes.instant(row.closed_at),
    }
