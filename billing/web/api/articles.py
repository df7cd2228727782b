"""`/v1/articles`, `/v1/sections`: the registry, and what sections ask of their readers."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import Field, HttpUrl
from sqlmodel import Session
from starlette.responses import Response

from billing.access import articles, policies, public_windows
from billing.access.models import Article
from billing.access.policies import NO_TERMS, AccessTerms
from billing.http import shapes
from billing.rules.access import AccessLevel
from billing.rules.policies import MOST_DAYS, MOST_HOURS
from billing.staff import editing
from billing.web.api.caller import Articles, Caller
from billing.web.api.pages import MOST, After, Limit, page

router = APIRouter(tags=["Articles"])
ArticleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
SectionName = Annotated[str, Path(min_length=1, max_length=100)]


class TermsBody(shapes.Body):
    """What is asked of readers: a level, and windows in which everyone may read."""

    access: AccessLevel | None = None
    free_hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] | None = None
    open_after_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None

    @property
    def terms(self) -> AccessTerms:
        """The same, as the registry takes it."""
        return AccessTerms(self.access, self.free_hours, self.open_after_days)


class ArticleBody(TermsBody):
    """What is registered of an article: never its text. Without `access` its section's policy counts."""

    title: str = Field(min_length=1, max_length=300)
    url: HttpUrl
    section: str = Field(min_length=1, max_length=100)
    published_at: shapes.Instant


class SectionBody(TermsBody):
    """A section's policy, for articles that say nothing themselves."""

    access: AccessLevel


def shape(session: Session, caller: Caller, row: Article) -> dict[str, Any]:
    """An article, with what it asks now and until when it is open to everyone."""
    said = policies.stated(caller.services.site, row, policies.of_sections(session, [row.section]))
    opened = public_windows.of_articles(caller.context(session), [row.id], [row.section])
    latest = max(opened, key=lambda one: one.until, default=None)
    return {
        "id": row.id,
        "title": row.title,
        "url": row.url,
        "section": row.section,
        "access": said.policy.level.value,
        "access_from": said.by,
        "free_hours": said.terms.free_hours,
        "open_after_days": said.terms.open_after_days,
        "published_at": shapes.instant(row.published_at),
        "open_until": shapes.instant(latest.until if latest else None),
        "open_reason": latest.reason if latest else None,
    }


@router.put("/v1/articles/{article_id}")
def put(article_id: ArticleId, body: ArticleBody, caller: Articles) -> Response:
    """Make an article known, or change what is known of it."""

    def do(session: Session) -> tuple[int, Any]:
        given = Article(
            id=article_id,
            title=body.title,
            url=str(body.url),
            section=body.section,
            published_at=body.published_at,
        )
        return 200, shape(session, caller, articles.register(caller.context(session), given, body.terms))

    return caller.once_in_one(body.model_dump(mode="json"), do)


@router.get("/v1/articles/{article_id}")
def get(article_id: ArticleId, caller: Articles) -> JSONResponse:
    """What is known of an article."""
    with caller.services.database.transaction() as session:
        return JSONResponse(shape(session, caller, articles.article(session, article_id)))


@router.delete("/v1/articles/{article_id}", status_code=204)
def delete(article_id: ArticleId, caller: Articles) -> Response:
    """Forget an article."""

    def do(session: Session) -> tuple[int, Any]:
        articles.remove(caller.context(session), article_id)
        return 204, None

    return caller.once_in_one(None, do)


@router.get("/v1/sections")
def sections(caller: Articles, limit: Limit = MOST, after: After = None) -> JSONResponse:
    """Every section that has an article or a policy, with its policy, by name."""
    with caller.services.database.transaction() as session:
        found = policies.of_sections(session)
        names = sorted({*found, *articles.sections(session)})
    names = [name for name in names if after is None or name > after]
    return page(names, limit, lambda name: _section(name, found.get(name, NO_TERMS)))


@router.put("/v1/sections/{section}")
def put_section(section: SectionName, body: SectionBody, caller: Articles) -> Response:
    """From now on the section's articles that say nothing themselves ask this."""

    def do(session: Session) -> tuple[int, Any]:
        editing.set_section(caller.context(session), section, body.terms)
        return 200, _section(section, body.terms)

    return caller.once_in_one(body.model_dump(mode="json"), do)


@router.delete("/v1/sections/{section}", status_code=204)
def delete_section(section: SectionName, caller: Articles) -> Response:
    """The section has no policy any more; articles that lean on it are for subscribers. 404 where it had none."""

    def do(session: Session) -> tuple[int, Any]:
        if policies.of_section(session, section) == NO_TERMS:
            raise public_windows.UnknownSection("That section has no policy.")
        editing.set_section(caller.context(session), section, NO_TERMS)
        return 204, None

    return caller.once_in_one(None, do)


def _section(name: str, terms: AccessTerms) -> dict[str, Any]:
    return {
        "section": name,
        "access": terms.access.value if terms.access else None,
        "free_hours": terms.free_hours,
        "open_after_days": terms.open_after_days,
    }
