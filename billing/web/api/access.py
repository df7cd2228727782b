"""`/v1/access`: may this reader read this article?"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field
from sqlmodel import Session

from billing.access.check import Asking, Checked, check
from billing.access.standing import Standing, standing
from billing.parts import Parts
from billing.readers.register import by_external_id
from billing.rules.readings import Reading, reading
from billing.web import cookies
from billing.web.api import shapes
from billing.web.api.caller import bearer, needs
from billing.web.asking import check_for, new_visitor, visitor_of
from billing.web.visit import Visit, open_visit

router = APIRouter(tags=["Access"])
MOST_ARTICLES = 500
Named = Annotated[str | None, Query(max_length=200)]


class Asker:
    """Whoever asks: a browser, for itself."""

    def __init__(self, visit: Visit, gift: str = "") -> None:
        self.visit = visit
        self.parts: Parts = visit.parts
        self.gift = gift

    def answer(self, session: Session, article_id: str, *, counts: bool) -> dict[str, Any]:
        """The decision on one article."""
        checked = check_for(self.visit, session, article_id, counts=counts)
        return shapes.access(checked, self.parts.office.offer_url)


class Program(Asker):
    """A program with a key, for a reader it names; else for a visitor by the token it was given, or a new one."""

    def __init__(
        self, visit: Visit, reader_id: str | None, external_id: str | None, visitor: str, gift: str
    ) -> None:
        super().__init__(visit, gift)
        self.reader_id = reader_id
        self.external_id = external_id
        self.visitor = visitor

    def standing(self, session: Session) -> Standing:
        """What the reader holds; an unknown reader is anonymous."""
        found = by_external_id(session, self.external_id) if self.external_id else None
        return standing(session, found.id if found else self.reader_id, self.visit.at)

    def answer(self, session: Session, article_id: str, *, counts: bool) -> dict[str, Any]:
        """The decision on one article; with a visitor's token, where one is needed to count the next."""
        office, at = self.parts.office, self.visit.at
        known = self.standing(session)
        token = self.visitor if visitor_of(office, self.visitor) else new_visitor(office)
        nobody = visitor_of(office, token)
        visitors = tuple(one for one in (known.reader_id, nobody) if one is not None)
        asking = Asking(known, visitors, counts, self.gift)
        checked = check(session, office, self.parts.limits, article_id, asking, at=at)
        shape = shapes.access(checked, office.offer_url)
        if known.reader_id is None and counts and _noted(checked):
            shape["visitor"] = token
        return shape


def _noted(checked: Checked) -> bool:
    return checked.meter is not None or checked.gift.held is not None


def asker(
    request: Request,
    visit: Annotated[Visit, Depends(open_visit)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    reader_id: Annotated[str | None, Query(max_length=64)] = None,
    external_id: Named = None,
    visitor: Named = None,
    gift: Named = None,
) -> Asker:
    """The reader is the session's, or the one an API key with the scope `access` names.

    Who names none with a key asks for somebody anonymous: `visitor` is the token that an earlier answer gave for that
    person's browser, by which the meter counts. `gift` is the secret of a gift link that was followed."""
    if credentials is None:
        return Asker(visit)
    needs("access")(request, credentials)
    return Program(visit, reader_id, external_id, visitor or "", gift or "")


@router.head("/v1/access/{article_id}", include_in_schema=False)
@router.get("/v1/access/{article_id}", summary="May this reader read this article?")
def one(article_id: str, who: Annotated[Asker, Depends(asker)], prefetch: bool = False) -> JSONResponse:
    """Counts a metered article once a month for the reader or browser; with `prefetch` nothing. 404 for an unknown article.

    An answer may hold `visitor`: keep it in a cookie of that browser and send it along next time."""
    is_read = reading(who.visit.request.method, who.visit.request.headers) is not Reading.AHEAD
    with who.parts.database.transaction() as session:
        answer = who.answer(session, article_id, counts=is_read and not prefetch)
    return _json(who.visit, answer)


class Articles(shapes.Body):
    """Up to 500 articles for one reader."""

    articles: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=MOST_ARTICLES)
    reader_id: Annotated[str | None, Field(max_length=64)] = None


@router.post("/v1/access", summary="The same for many articles at once")
def many(body: Articles, who: Annotated[Asker, Depends(asker)]) -> JSONResponse:
    """In the order asked; nothing is counted on a meter. 404 when one of them is unknown."""
    if isinstance(who, Program) and body.reader_id is not None:
        who.reader_id = body.reader_id
    with who.parts.database.transaction() as session:
        answers = [who.answer(session, article_id, counts=False) for article_id in body.articles]
    return _json(who.visit, answers)


def _json(visit: Visit, answer: Any) -> JSONResponse:
    response = JSONResponse(answer, headers={"Cache-Control": "private, no-store"})
    for name, value, life in visit.gives:
        cookies.give(response, visit.parts.settings, name, value, life)
    return response
