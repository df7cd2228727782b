"""The button below a sample article that makes a gift link. Other papers' pages use `/v1/articles/{id}/gifts`."""

from fastapi import APIRouter
from starlette.responses import Response

from billing.access import gifts
from billing.access.check import facts_for_anonymous
from billing.platform.actors import WORKER
from billing.web.kit.visit import Guarded
from billing.web.reader.gifts import ROOM

router = APIRouter(include_in_schema=False)


@router.post("/articles/{article_id}/gift")
def give(visit: Guarded, article_id: str) -> Response:
    """Make a gift link, or reuse the valid one."""
    services = visit.services
    if visit.reader is None:
        return visit.go("/sign-in")
    with services.database.begin(services.site, visit.at, WORKER) as ctx:
        anonymous = facts_for_anonymous(ctx, article_id)
        gift = gifts.give(ctx, services.gift_terms, visit.reader.id, article_id, anonymous)
    return visit.go(f"{ROOM}/{gift.id}")
