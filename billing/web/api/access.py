"""`/v1/access`: may this reader read this article?"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field
from sqlmodel import Session

from billing.access.check import check
from billing.access.standing import Standing, standing
from billing.parts import Parts
from billing.readers.register import by_external_id
from billing.web.api import shapes
from billing.web.api.caller import bearer, needs
from billing.web.visit import Visit, open_visit

router = APIRouter(tags=["Access"])
MOST_ARTICLES = 500


class Asker:
    """Whoever asks: a program with a key, for a reader it names; or a browser, for itself."""

    def __init__(self, visit: Visit, by_key: bool, reader_id: str | None, external_id: str | None) -> None:
        self.visit = visit
        self.parts: Parts = visit.parts
        self.by_key = by_key
        self.reader_id = reader_id
        self.external_id = external_id

    def standing(self, session: Session) -> Standing:
        """What the reader holds; an unknown reader is anonymous."""
        if not self.by_key:
            return standing(session, self.visit.reader.id if self.visit.reader else None, self.visit.at)
        found = by_external_id(session, self.external_id) if self.external_id else None
        return standing(session, found.id if found else self.reader_id, self.visit.at)

    def visitor(self, known: Standing) -> str | None:
        """Whom the meter counts."""
        return known.reader_id or (None if self.by_key else self.visit.browser_hash)


def asker(
    request: Request,
    visit: Annotated[Visit, Depends(open_visit)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    reader_id: Annotated[str | None, Query(max_length=64)] = None,
    external_id: Annotated[str | None, Query(max_length=200)] = None,
) -> Asker:
    """The reader is the session's, or the one an API key with the scope `access` names."""
    if credentials is None:
        return Asker(visit, False, None, None)
    needs("access")(request, credentials)
    return Asker(visit, True, reader_id, external_id)


@router.get("/v1/access/{article_id}", summary="May this reader read this article?")
def one(article_id: str, who: Annotated[Asker, Depends(asker)]) -> JSONResponse:
    """Counts a metered article once a month for the reader or browser it can name. 404 for an unknown article."""
    purpose = who.visit.request.headers.get("sec-purpose", "")
    with who.parts.database.transaction() as session:
        answer = _answer(session, who, article_id, counts="prefetch" not in purpose)
    return _json(answer)


def _answer(session: Session, who: Asker, article_id: str, *, counts: bool) -> dict[str, Any]:
    known = who.standing(session)
    checked = check(
        session,
        who.parts.office,
        who.parts.limits,
        article_id,
        known,
        visitor=who.visitor(known),
        counts=counts,
        at=who.visit.at,
    )
    return shapes.access(checked, who.parts.office.offer_url)


class Articles(shapes.Body):
    """Up to 500 articles for one reader."""

    articles: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=MOST_ARTICLES)
    reader_id: Annotated[str | None, Field(max_length=64)] = None


@router.post("/v1/access", summary="The same for many articles at once")
def many(body: Articles, who: Annotated[Asker, Depends(asker)]) -> JSONResponse:
    """In the order asked; nothing is counted on a meter. 404 when one of them is unknown."""
    if body.reader_id is not None:
        who.reader_id = body.reader_id
    with who.parts.database.transaction() as session:
        answers = [_answer(session, who, article_id, counts=False) for article_id in body.articles]
    return _json(answers)


def _json(answer: Any) -> JSONResponse:
    return JSONResponse(answer, headers={"Cache-Control": "private, no-store"})
