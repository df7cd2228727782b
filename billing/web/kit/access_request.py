"""Who asks to read: the browser's reader, else a random id in a signed cookie. Nothing else identifies it."""

from datetime import datetime

from sqlmodel import Session

from billing.access import meter, visitors
from billing.access.check import AccessRequest, AccessResult, check
from billing.access.entitlements import entitlements_of
from billing.access.visitors import Visitor
from billing.http import cookies
from billing.platform.site import Site
from billing.rules.readings import Reading, reading
from billing.web.kit.visit import Visit


def check_for(
    visit: Visit, session: Session, article_id: str, *, counts: bool = True, method: str | None = None
) -> AccessResult:
    """The access decision for this browser. Only a reading by a person counts, on the meter or on a gift.

    A new visitor gets a cookie with the answer. `method` is that of the reading, if this request only asks about it.
    Raises UnknownArticle."""
    visitor = _visitor(visit)
    request = _access_request(visit, session, visitor, counts=counts, method=method)
    result = check(visit.context(session), visit.services.limits, article_id, request)
    if request.counts and visitor is not None and visitor.is_new and was_noted(result):
        visit.give(cookies.VISITOR, first_token(visit.services.site, visitor, result, visit.at), meter.KEPT)
    return result


def access_request_of(visit: Visit, session: Session, *, method: str | None = None) -> AccessRequest:
    """The access request of this browser where nothing is counted. `method` as for `check_for`."""
    return _access_request(visit, session, _visitor(visit), counts=False, method=method)


def was_noted(result: AccessResult) -> bool:
    """Whether the meter or a gift was used, so that the visitor must be recognised next time."""
    return result.meter is not None or result.gift.held is not None


def first_token(site: Site, visitor: Visitor, result: AccessResult, at: datetime) -> str:
    """The token of a new visitor. It holds the article, if that was counted."""
    is_counted = result.meter is not None and result.meter.counted
    first = meter.first_reading(site, result.article.id, at) if is_counted else None
    return visitors.token(site, visitor._replace(first=first))


def _visitor(visit: Visit) -> Visitor | None:
    """By the cookie; a new one where there is neither cookie nor reader."""
    known = visitors.by_token(visit.services.site, visit.cookie(cookies.VISITOR))
    return known if known is not None or visit.reader is not None else visitors.new()


def _access_request(
    visit: Visit, session: Session, visitor: Visitor | None, *, counts: bool, method: str | None
) -> AccessRequest:
    who = reading(method or visit.request.method, visit.request.headers)
    reader = Visitor(visit.reader.id) if visit.reader else None
    known = () if who is Reading.CRAWLER else tuple(filter(None, (reader, visitor)))
    return AccessRequest(
        entitlements_of(visit.context(session), reader.id if reader else None),
        known,
        counts=counts and who is Reading.PERSON,
        gift="" if who is Reading.CRAWLER else visit.cookie(cookies.GIFT),
    )


def carry_over(visit: Visit, session: Session, reader_id: str) -> None:
    """Move what this browser read on the meter before it signed in to the account."""
    known = visitors.by_token(visit.services.site, visit.cookie(cookies.VISITOR))
    if known is not None:
        meter.carry(visit.context(session), known, reader_id)
