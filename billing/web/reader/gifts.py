"""Giving an article away, following such a link, and taking a gift back (PW-8)."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter
from starlette.responses import Response

from billing.access import gifts
from billing.access.gifts import GiftEnd
from billing.access.models import Article, Gift
from billing.http import cookies
from billing.platform.context import TransactionContext
from billing.web.kit.visit import NOINDEX, Guarded, Visit, Visiting
from billing.web.reader.guard import signed_in
from billing.web.views.gifts import GiftRow, GiftsPage
from emails.languages import say

router = APIRouter(include_in_schema=False)
ROOM = "/account/gifts"
SHORTEST = timedelta(minutes=10)
"""How long the browser keeps a gift that is over, so that the article's page can say so."""
OVER = {
    GiftEnd.EXPIRED: say("The time of this gift is over."),
    GiftEnd.REVOKED: say("This gift was taken back."),
    GiftEnd.USED_UP: say("This gift has been opened by as many people as it could be."),
}


@router.get("/gift/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """To the article; the secret moves from the address to a cookie. Nothing is counted: programs that draw previews follow links
    too. Raises UnknownGift."""
    with visit.read() as ctx:
        gift = gifts.by_token(ctx, token)
        article = ctx.session.get(Article, gift.article_id) if gift else None
    if gift is None or article is None:
        raise gifts.UnknownGift(say("This gift link isn’t whole. Ask whoever sent it to send it again."))
    here = f"{visit.services.settings.public_url}/"
    if article.url.startswith(here):  # its page receives our cookies, so the secret stays out of its address
        visit.give(cookies.GIFT, token, max(gift.until - visit.at, SHORTEST))
        answer = visit.go(f"/{article.url.removeprefix(here)}")
    else:
        answer = visit.go(_with_gift(article.url, token))
    answer.headers.update(NOINDEX)
    return answer


def _with_gift(url: str, token: str) -> str:
    """The article's address on another host, which sends us `gift` with its access request."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("gift", token)]
    return urlunsplit(parts._replace(query=urlencode(query)))


@router.get(ROOM)
def mine(visit: Visiting) -> Response:
    """All of the reader's gifts. Raises RedirectReader."""
    return _page(visit)


@router.get(f"{ROOM}/{{gift_id}}")
def one(visit: Visiting, gift_id: str) -> Response:
    """The same, with one link to copy."""
    return _page(visit, gift_id)


def _page(visit: Visit, gift_id: str | None = None) -> Response:
    reader, terms = signed_in(visit), visit.services.gift_terms
    with visit.read() as ctx:
        left = gifts.gifts_left(ctx, terms, reader.id)
        rows = tuple(_row(ctx, gift) for gift in gifts.of_reader(ctx.session, reader.id))
    made = next((row for row in rows if row.gift_id == gift_id and row.over is None), None)
    if gift_id is not None and made is None:
        return visit.go(ROOM)
    return visit.page(GiftsPage(rows=rows, made=made, left=left, limits=terms))


def _row(ctx: TransactionContext, gift: Gift) -> GiftRow:
    article, reason = ctx.session.get(Article, gift.article_id), gifts.end_of(gift, ctx.at)
    return GiftRow(
        gift_id=gift.id,
        title=article.title if article else say("An article that is gone"),
        article_url=article.url if article else "",
        link=gifts.link(ctx.site, gift),
        until=gift.until,
        opened=gift.opened,
        most=gift.most,
        over=OVER[reason] if reason else None,
    )


@router.post(f"{ROOM}/{{gift_id}}/revoke")
def revoke(visit: Guarded, gift_id: str) -> Response:
    """Take it back. Raises RedirectReader, UnknownGift."""
    reader = signed_in(visit)
    with visit.begin() as ctx:
        gifts.revoke(ctx, gift_id, reader_id=reader.id, reason="taken back by the giver")
    return visit.go(ROOM, "gift-revoked")
