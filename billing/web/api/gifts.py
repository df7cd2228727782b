"""Gifts for programs: give an article for a subscriber, list what was given, take it back (PW-8)."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.responses import Response

from billing.access import gifts
from billing.access.check import facts_for_anonymous
from billing.access.models import Gift
from billing.http import shapes
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from billing.web.api.articles import ArticleId
from billing.web.api.caller import Answer, Caller, ReadsReaders, Supports
from billing.web.api.pages import MOST, After, Limit, page

router = APIRouter(tags=["Gifts"])


class GiftBody(shapes.Body):
    """Who gives."""

    reader_id: str = Field(min_length=1, max_length=64)


@router.post("/v1/articles/{article_id}/gifts", status_code=201, summary="Give an article")
def give(article_id: ArticleId, body: GiftBody, caller: Supports) -> Response:
    """201 with the link; the gift given before, while it lasts. 403 `not_a_subscriber`, 409 `no_gifts_left`, 409 `needs_no_gift`."""

    def do(ctx: TransactionContext) -> Answer:
        terms = caller.services.gift_terms
        anonymous = facts_for_anonymous(ctx, article_id)
        gift = gifts.give(ctx, terms, body.reader_id, article_id, anonymous)
        left = gifts.gifts_left(ctx, terms, body.reader_id)
        return 201, _shape(caller, gift) | {"left_this_month": left}

    return caller.once_in_one(body, do)


@router.get("/v1/readers/{reader_id}/gifts")
def given(reader_id: str, caller: ReadsReaders, limit: Limit = MOST, after: After = None) -> JSONResponse:
    """The reader's gifts, newest first, and how many are left this month."""
    with caller.begin() as ctx:
        by_id(ctx.session, reader_id)
        rows = gifts.of_reader(ctx.session, reader_id, limit + 1, after)
        left = gifts.gifts_left(ctx, caller.services.gift_terms, reader_id)
        caller.count_read(ctx, reader_id)
    return page(rows, limit, lambda gift: _shape(caller, gift), left_this_month=left)


@router.delete("/v1/gifts/{gift_id}", status_code=204)
def revoke(gift_id: str, caller: Supports) -> Response:
    """Take it back: from now on it opens nothing, to nobody."""

    def do(ctx: TransactionContext) -> Answer:
        gifts.revoke(ctx, gift_id, reason=f"taken back by {caller.actor}")
        return 204, None

    return caller.once_in_one(None, do)


def _shape(caller: Caller, gift: Gift) -> dict[str, Any]:
    reason = gifts.end_of(gift, caller.at)
    return {
        "id": gift.id,
        "article": gift.article_id,
        "reader_id": gift.reader_id,
        "url": gifts.link(caller.services.site, gift),
        "token": gifts.token(caller.services.site, gift),
        "given_at": shapes.instant(gift.given_at),
        "until": shapes.instant(gift.until),
        "readers": {"used": gift.opened, "limit": gift.most},
        "over": reason.value if reason else None,
    }
