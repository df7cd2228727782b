"""Giving an article away, following such a link, and taking a gift back (PW-8)."""

from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response

from billing.access import gifts
from billing.access.gifts import GiftEnd
from billing.access.models import Article, Gift
from billing.http import cookies
from billing.web.kit.visit import NOINDEX, Guarded, Visit, Visiting
from billing.web.views.gifts import GiftsPage, GiveRow

router = APIRouter(include_in_schema=False)
ROOM = "/account/gifts"
SHORTEST = timedelta(minutes=10)
"""How long a link that is over is remembered, so that the article's page can say so."""
OVER = {
    GiftEnd.EXPIRED: "The time of this gift is over.",
    GiftEnd.REVOKED: "This gift was taken back.",
    GiftEnd.USED_UP: "This gift has been opened by as many people as it could be.",
}


@router.get("/gift/{token}")
def follow(visit: Visiting, token: str) -> Response:
    """To the article, with the secret out of the address bar. Nothing is counted: whoever draws previews follows links too."""
    with visit.begin() as ctx:
        gift = gifts.by_token(ctx, token)
        found = ctx.session.get(Article, gift.article_id) if gift else None
    if gift is None or found is None:
        raise gifts.UnknownGift("This gift link isn't whole. Ask whoever sent it to send it again.")
    here = f"{visit.services.settings.public_url}/"
    if found.url.startswith(here):  # its page is sent our cookies, so the secret stays out of its address
        visit.give(cookies.GIFT, token, max(gift.until - visit.at, SHORTEST))
        answer = visit.go(f"/{found.url.removeprefix(here)}")
    else:
        answer = visit.go(_with_gift(found.url, token))
    answer.headers.update(NOINDEX)
    return answer


def _with_gift(url: str, token: str) -> str:
    """The article's own page elsewhere, which asks us with `gift`."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("gift", token)]
    return urlunsplit(parts._replace(query=urlencode(query)))


@router.get(ROOM)
def mine(visit: Visiting) -> Response:
    """All of the reader's gifts."""
    return _page(visit)


@router.get(f"{ROOM}/{{gift_id}}")
def one(visit: Visiting, gift_id: str) -> Response:
    """The same, with one link to copy."""
    return _page(visit, gift_id)


def _page(visit: Visit, gift_id: str | None = None) -> Response:
    if visit.reader is None:
        return visit.go("/sign-in")
    terms = visit.services.gift_terms
    with visit.begin() as ctx:
        given = gifts.of_reader(ctx.session, visit.reader.id)
        left = gifts.left(ctx, terms, visit.reader.id)
        rows = [_row(visit, ctx.session, gift, visit.at) for gift in given]
    made = next((row for row in rows if row.gift_id == gift_id and row.over is None), None)
    if gift_id is not None and made is None:
        return visit.go(ROOM)
    view = GiftsPage(
        rows=tuple(rows),
        made=made,
        left=left,
        a_month=terms.a_month,
        days=terms.days,
        readers=terms.readers,
    )
    return visit.page(view)


def _row(visit: Visit, session: Session, gift: Gift, at: datetime) -> GiveRow:
    found, reason = session.get(Article, gift.article_id), gifts.over(gift, at)
    return GiveRow(
        gift_id=gift.id,
        title=found.title if found else "An article that is gone",
        article_url=found.url if found else "",
        link=gifts.link(visit.services.site, gift),
        until=gift.until,
        opened=gift.opened,
        most=gift.most,
        over=OVER[reason] if reason else None,
    )


@router.post(f"{ROOM}/{{gift_id}}/revoke")
def revoke(visit: Guarded, gift_id: str) -> Response:
    """Take it back."""
    if visit.reader is None:
        return visit.go("/sign-in")
    with visit.begin() as ctx:
        gifts.revoke(ctx, gift_id, reader_id=visit.reader.id, reason="taken back by the giver")
    return visit.go(ROOM, "gift-revoked")
