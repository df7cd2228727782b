"""`/v1/access` and `/v1/gate`: may this reader read this article? What needs no counting is answered before, by `billing/gate`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlmodel import Session
from starlette.responses import Response

from billing.access import edge_tokens, visitors
from billing.access.articles import UnknownArticle
from billing.access.check import AccessRequest, AccessResult, check, check_all
from billing.access.entitlements import Entitlements, entitlements_of
from billing.access.visitors import Visitor
from billing.container import Services
from billing.http import cookies, shapes
from billing.http.access_paths import GATE, WHY
from billing.http.limits import MOST_ARTICLES, MOST_WITHOUT_KEY
from billing.platform.errors import Invalid
from billing.readers import rate
from billing.readers.register import by_external_id
from billing.rules.readings import Reading, reading
from billing.web.api.by_token import ByToken, Credentials
from billing.web.api.caller import needs
from billing.web.kit.access_request import access_request_of, check_for, first_token, was_noted
from billing.web.kit.visit import Visit

router = APIRouter(tags=["Access"])
MOST_ASKED = 300
"""How often a network may ask about many articles without a key in ten minutes. What memory answers isn't counted."""
AHEAD = "prefetch"
"""Why the gate stays shut to a browser that fetches ahead what a reading would be counted for: the click asks again."""
Named = Annotated[str | None, Query(max_length=shapes.LONGEST)]


class TooManyArticles(Invalid):
    """Without an API key at most 50 articles are answered at once; with one that has the scope `access`, 500."""

    code = "too_many_articles"


@dataclass(frozen=True, slots=True)
class Answered:
    """A decision with the facts it came from; and the token of somebody anonymous, to send along next time."""

    checked: AccessResult
    visitor: str | None = None

    def shape(self, offer_url: str) -> dict[str, Any]:
        """As programs see it."""
        shape = shapes.access(self.checked, offer_url)
        return shape if self.visitor is None else shape | {"visitor": self.visitor}


class SelfAsker:
    """Whoever asks for itself: a browser by its session, an app by a reader token."""

    def __init__(self, visit: Visit, gift: str = "") -> None:
        self.visit = visit
        self.services: Services = visit.services
        self.gift = gift

    @property
    def method(self) -> str:
        """Of the reading: a server in front may ask with another than its browser did, and says so."""
        request = self.visit.request
        return request.headers.get("x-original-method", request.method)

    def answer(self, session: Session, article_id: str, *, counts: bool) -> Answered:
        """The decision on one article."""
        return Answered(check_for(self.visit, session, article_id, counts=counts, method=self.method))

    def look(self, session: Session, article_ids: Sequence[str]) -> list[AccessResult]:
        """The decisions on many articles; nothing is counted. Raises UnknownArticle."""
        return self._looked(session, article_ids, access_request_of(self.visit, session, method=self.method))

    def _looked(
        self, session: Session, article_ids: Sequence[str], asking: AccessRequest
    ) -> list[AccessResult]:
        once = dict.fromkeys(article_ids)
        asked = [(article_id, asking) for article_id in once]
        checked = check_all(self.visit.context(session), self.services.limits, asked)
        found = dict(zip(once, checked, strict=True))
        answers = [found[article_id] for article_id in article_ids]
        known = [checked for checked in answers if checked is not None]
        if len(known) < len(answers):
            raise UnknownArticle
        return known


class Program(SelfAsker):
    """A program with a key, for a reader it names; else for a visitor by the token it was given, or a new one."""

    def __init__(
        self, visit: Visit, reader_id: str | None, external_id: str | None, visitor: str, gift: str
    ) -> None:
        super().__init__(visit, gift)
        self.reader_id = reader_id
        self.external_id = external_id
        self.visitor = visitor

    def entitlements(self, session: Session) -> Entitlements:
        """What the reader holds; an unknown reader is anonymous."""
        found = by_external_id(session, self.external_id) if self.external_id else None
        return entitlements_of(self.visit.context(session), found.id if found else self.reader_id)

    def answer(self, session: Session, article_id: str, *, counts: bool) -> Answered:
        """The decision on one article; with a visitor's token, where one is needed to count the next."""
        site, at = self.services.site, self.visit.at
        visitor = visitors.by_token(site, self.visitor) or visitors.new()
        asking = self._access_request(session, visitor, counts=counts)
        checked = check(self.visit.context(session), self.services.limits, article_id, asking)
        if asking.entitlements.reader_id is not None or not counts or not was_noted(checked):
            return Answered(checked)
        token = first_token(site, visitor, checked, at) if visitor.is_new else self.visitor
        return Answered(checked, token)

    def look(self, session: Session, article_ids: Sequence[str]) -> list[AccessResult]:
        """The decisions on many articles; nothing is counted. Raises UnknownArticle."""
        visitor = visitors.by_token(self.services.site, self.visitor) or visitors.new()
        return self._looked(session, article_ids, self._access_request(session, visitor, counts=False))

    def _access_request(self, session: Session, visitor: Visitor, *, counts: bool) -> AccessRequest:
        known = self.entitlements(session)
        reader = () if known.reader_id is None else (Visitor(known.reader_id),)
        return AccessRequest(known, (*reader, visitor), counts, self.gift)


def asker(
    request: Request,
    visit: ByToken,
    credentials: Credentials,
    reader_id: Annotated[str | None, Query(max_length=64)] = None,
    external_id: Named = None,
    visitor: Annotated[str | None, Query(max_length=visitors.LONGEST_TOKEN)] = None,
    gift: Named = None,
) -> SelfAsker:
    """The reader is the session's, a reader token's, or the one an API key with the scope `access` names.

    Who names no reader with a key asks for somebody anonymous: `visitor` is the token that an earlier answer gave for that
    person's browser, by which the meter counts. `gift` is the secret of a gift link that was followed."""
    if credentials is None or edge_tokens.looks_like_one(credentials.credentials):
        return SelfAsker(visit)
    needs("access")(request, credentials)
    return Program(visit, reader_id, external_id, visitor or "", gift or "")


@router.head("/v1/access/{article_id}", include_in_schema=False)
@router.get(
    "/v1/access/{article_id}", response_class=JSONResponse, summary="May this reader read this article?"
)
def one(article_id: str, who: Annotated[SelfAsker, Depends(asker)], prefetch: bool = False) -> Response:
    """Counts a metered article once a month for the reader or browser; with `prefetch` nothing. 404 for an unknown article.

    An answer may hold `visitor`: keep it in a cookie of that browser and send it along next time. 401 `token_expired`,
    `token_invalid`, `session_ended` for a reader token without a session beside it."""
    with who.services.database.transaction() as session:
        answered = who.answer(session, article_id, counts=_is_read(who) and not prefetch)
    return _json(who.visit, answered.shape(who.services.site.offer_url))


@router.head(GATE + "{article_id}", include_in_schema=False)
@router.get(
    GATE + "{article_id}",
    summary="The same for a web server in front of the articles",
    status_code=204,
    response_class=Response,
    responses={403: {"description": "It is closed."}, 401: {"description": "The reader token is stale."}},
)
def gate(article_id: str, who: Annotated[SelfAsker, Depends(asker)], prefetch: bool = False) -> Response:
    """204 when it is open, 403 when it isn't, never with a body; `X-Access-Reason` says why. For nginx's `auth_request` and its
    like, which send along what the browser sent: its cookies, or a Bearer token.

    An article that nobody knows is closed (`unknown_article`); so is, to a browser that fetches ahead, one that a reading
    would be counted for (`prefetch`). Pass `Set-Cookie` on to the browser, and its method in `X-Original-Method`."""
    try:
        with who.services.database.transaction() as session:
            checked = who.answer(session, article_id, counts=_is_read(who) and not prefetch).checked
    except UnknownArticle as unknown:
        return Response(None, 403, {WHY: unknown.code})
    allowed = checked.decision.allowed and not checked.pending
    reason = AHEAD if checked.pending and checked.decision.allowed else checked.decision.reason.value
    return _with_cookies(who.visit, Response(None, 204 if allowed else 403, {WHY: reason}))


def _is_read(who: SelfAsker) -> bool:
    return reading(who.method, who.visit.request.headers) is not Reading.AHEAD


class Articles(shapes.Body):
    """Up to 500 articles for one reader; without an API key, up to 50."""

    articles: list[Annotated[str, Field(max_length=shapes.LONGEST)]] = Field(
        min_length=1, max_length=MOST_ARTICLES
    )
    reader_id: Annotated[str | None, Field(max_length=64)] = None


@router.post("/v1/access", response_class=JSONResponse, summary="The same for many articles at once")
def many(body: Articles, who: Annotated[SelfAsker, Depends(asker)]) -> Response:
    """In the order asked; nothing is counted on a meter. 404 when one of them is unknown, 422 `too_many_articles` for more than 50
    without an API key, 429 for a network that asks too often without one, 503 `busy` when too many ask at once (`Retry-After` says
    when to come back)."""
    if not isinstance(who, Program):
        _mind_limits(who.visit, len(body.articles))
    elif body.reader_id is not None:
        who.reader_id = body.reader_id
    offer_url = who.services.site.offer_url
    with who.services.database.transaction() as session:
        answers = [shapes.access(checked, offer_url) for checked in who.look(session, body.articles)]
    return _json(who.visit, answers)


def _mind_limits(visit: Visit, articles: int) -> None:
    """Raises TooManyArticles, TooMany."""
    if articles > MOST_WITHOUT_KEY:
        raise TooManyArticles
    with visit.begin() as ctx:
        rate.count_network(ctx, "many articles", visit.ip, limit=MOST_ASKED, per=timedelta(minutes=10))


def _json(visit: Visit, answer: Any) -> Response:
    return _with_cookies(visit, JSONResponse(answer))


def _with_cookies(visit: Visit, response: Response) -> Response:
    for name, value, life in visit.gives:
        cookies.give(response, visit.services.settings, name, value, life)
    return response
