"""`/v1/access` and `/v1/gate`: may this reader read this article? The access cache answers first where nothing is to be counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.responses import Response

from billing.access import edge_tokens, visitors
from billing.access.articles import UnknownArticle
from billing.access.check import AccessRequest, AccessResult, check, check_all
from billing.access.entitlements import entitlements_of
from billing.access.visitors import Visitor
from billing.http import shapes
from billing.http.access_paths import GATE, PREFETCH, WHY
from billing.http.limits import MOST_ARTICLES, MOST_WITHOUT_KEY
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.readers import rate
from billing.readers.register import by_external_id
from billing.rules.readings import Reading, reading
from billing.web.api.by_token import ByToken
from billing.web.api.caller import Credentials, needs
from billing.web.kit.access_request import access_request_of, check_for, first_token, was_noted
from billing.web.kit.visit import Visit

router = APIRouter(tags=["Access"])
MOST_ASKED = 300
"""Questions about many articles, without a key, from one network in ten minutes. Answers of the access cache aren't counted."""
ExternalId = Annotated[str | None, Query(max_length=shapes.LONGEST)]


class TooManyArticles(Invalid):
    """Without an API key at most 50 articles are answered at once; with one that has the scope `access`, 500."""

    code = "too_many_articles"


class Requester:
    """A browser with its session, or an app with a reader token: it asks for its own reader."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit

    @property
    def method(self) -> str:
        """The method of the reading. A web server in front may use another than its browser did, and says so."""
        request = self.visit.request
        return request.headers.get("x-original-method", request.method)

    @property
    def is_prefetching(self) -> bool:
        """Whether the browser fetches ahead, so that nothing is counted."""
        return reading(self.method, self.visit.request.headers) is Reading.AHEAD

    def check(
        self, ctx: TransactionContext, article_id: str, *, counts: bool
    ) -> tuple[AccessResult, str | None]:
        """The decision on one article, and the token to send with a visitor's next request. Raises UnknownArticle."""
        return check_for(self.visit, ctx.session, article_id, counts=counts, method=self.method), None

    def check_many(self, ctx: TransactionContext, article_ids: Sequence[str]) -> list[AccessResult]:
        """The decisions on many articles; nothing is counted. Raises UnknownArticle."""
        request = self._request(ctx)
        questions = [(article_id, request) for article_id in dict.fromkeys(article_ids)]
        checked = check_all(ctx, self.visit.services.limits, questions)
        results = {result.article.id: result for result in checked if result is not None}
        if len(results) < len(questions):
            raise UnknownArticle
        return [results[article_id] for article_id in article_ids]

    def _request(self, ctx: TransactionContext) -> AccessRequest:
        return access_request_of(self.visit, ctx.session, method=self.method)


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a program names. `visitor` is the token from an earlier answer for the same browser, by which the meter counts.

    `gift` is the secret of a gift link that was followed."""

    reader_id: Annotated[str | None, Query(max_length=64)] = None
    external_id: ExternalId = None
    visitor: Annotated[str | None, Query(max_length=visitors.LONGEST_TOKEN)] = None
    gift: Annotated[str | None, Query(max_length=shapes.LONGEST)] = None


class Program(Requester):
    """A program with a key. It asks for a reader that it names, or for a visitor: by an earlier token, or a new one."""

    def __init__(self, visit: Visit, named: Named) -> None:
        super().__init__(visit)
        self.named = named
        self.visitor = visitors.by_token(visit.services.site, named.visitor or "") or visitors.new()

    def check(
        self, ctx: TransactionContext, article_id: str, *, counts: bool
    ) -> tuple[AccessResult, str | None]:
        """The decision, with a visitor's token where the meter needs one next time. Raises UnknownArticle."""
        request = self._request(ctx, counts=counts)
        result = check(ctx, self.visit.services.limits, article_id, request)
        if request.entitlements.reader_id is not None or not counts or not was_noted(result):
            return result, None
        if not self.visitor.is_new:
            return result, self.named.visitor
        return result, first_token(ctx.site, self.visitor, result, ctx.at)

    def _request(self, ctx: TransactionContext, *, counts: bool = False) -> AccessRequest:
        reader = by_external_id(ctx.session, self.named.external_id) if self.named.external_id else None
        known = entitlements_of(ctx, reader.id if reader else self.named.reader_id)
        # `reader_id` of the entitlements is None for an unknown reader, who is anonymous
        readers = () if known.reader_id is None else (Visitor(known.reader_id),)
        return AccessRequest(known, (*readers, self.visitor), counts, self.named.gift or "")


def requester(
    request: Request, visit: ByToken, credentials: Credentials, named: Annotated[Named, Depends()]
) -> Requester:
    """The reader is the session's, a reader token's, or the one that an API key with the scope `access` names.

    A program that names no reader asks for a visitor."""
    if credentials is None or edge_tokens.looks_like_token(credentials.credentials):
        return Requester(visit)
    needs("access")(request, credentials)
    return Program(visit, named)


Requesting = Annotated[Requester, Depends(requester)]


@router.head("/v1/access/{article_id}", include_in_schema=False)
@router.get(
    "/v1/access/{article_id}", response_class=JSONResponse, summary="May this reader read this article?"
)
def one(article_id: str, who: Requesting, prefetch: bool = False) -> Response:
    """Counts a metered article once a month for the reader or browser; with `prefetch` nothing. 404 for an unknown article.

    An answer may hold `visitor`: keep it in a cookie of that browser and send it along next time. 401 `token_expired`,
    `token_invalid`, `session_ended` for a reader token without a session beside it."""
    with who.visit.begin() as ctx:
        result, visitor = who.check(ctx, article_id, counts=not (prefetch or who.is_prefetching))
    shape = shapes.access(result, ctx.site)
    return who.visit.with_cookies(JSONResponse(shape if visitor is None else shape | {"visitor": visitor}))


@router.head(GATE + "{article_id}", include_in_schema=False)
@router.get(
    GATE + "{article_id}",
    summary="The same for a web server in front of the articles",
    status_code=204,
    response_class=Response,
    responses={403: {"description": "It is closed."}, 401: {"description": "The reader token is stale."}},
)
def gate(article_id: str, who: Requesting, prefetch: bool = False) -> Response:
    """204 when it is open, 403 when it isn't, never with a body; `X-Access-Reason` says why. For nginx's `auth_request` and its
    like, which send along what the browser sent: its cookies, or a Bearer token.

    An article that nobody knows is closed (`unknown_article`); so is, to a browser that fetches ahead, one that a reading
    would be counted for (`prefetch`). Pass `Set-Cookie` on to the browser, and its method in `X-Original-Method`."""
    try:
        with who.visit.begin() as ctx:
            result, _ = who.check(ctx, article_id, counts=not (prefetch or who.is_prefetching))
    except UnknownArticle as unknown:
        return Response(None, 403, {WHY: unknown.code})
    allowed, pending = result.decision.allowed, result.pending
    reason = PREFETCH if pending and allowed else result.decision.reason.value
    status = 204 if allowed and not pending else 403
    return who.visit.with_cookies(Response(None, status, {WHY: reason}))


class Articles(shapes.Body):
    """Up to 500 articles for one reader; without an API key, up to 50."""

    articles: list[Annotated[str, Field(max_length=shapes.LONGEST)]] = Field(
        min_length=1, max_length=MOST_ARTICLES
    )
    reader_id: Annotated[str | None, Field(max_length=64)] = None


@router.post("/v1/access", response_class=JSONResponse, summary="The same for many articles at once")
def many(body: Articles, who: Requesting) -> Response:
    """In the order asked; nothing is counted on a meter. 404 when one of them is unknown, 422 `too_many_articles` for more than 50
    without an API key, 429 for a network that asks too often without one, 503 `busy` when too many ask at once (`Retry-After` says
    when to come back)."""
    if not isinstance(who, Program):
        _check_limits(who.visit, len(body.articles))
    elif body.reader_id is not None:
        who.named = replace(who.named, reader_id=body.reader_id)
    with who.visit.begin() as ctx:
        results = who.check_many(ctx, body.articles)
    answers = [shapes.access(result, ctx.site) for result in results]
    return who.visit.with_cookies(JSONResponse(answers))


def _check_limits(visit: Visit, articles: int) -> None:
    """Raises TooManyArticles, TooMany."""
    if articles > MOST_WITHOUT_KEY:
        raise TooManyArticles
    with visit.begin() as ctx:
        rate.count_network(ctx, "many articles", visit.ip, limit=MOST_ASKED, per=timedelta(minutes=10))
