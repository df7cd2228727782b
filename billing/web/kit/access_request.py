"""Who asks to read, by what a browser sends: its reader, else a random id in a signed cookie. Nothing else is looked at."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from billing.access import meter, visitors
from billing.access.check import AccessRequest, AccessResult, check
from billing.access.entitlements import entitlements_of
from billing.access.visitors import Visitor
from billing.http import cookies
from billing.platform.site import Site
from billing.rules.readings import Reading, reading
from billing.web.kit.visit import Visit

KEPT = timedelta(days=40)
"""As long as what is counted by it (PW-13)."""


def check_for(
    visit: Visit, session: Session, article_id: str, *, counts: bool = True, method: str | None = None
) -> AccessResult:
    """The access decision for this browser. A reading by a person counts, on the meter or on a gift; nothing else does.

    A browser that can be counted nowhere yet is given its cookie with the answer. `method`: of the request that this one
    asks about, if it is another. Raises UnknownArticle."""
    site = visit.services.site
    visitor = _visitor(visit)
    asking = _access_request(visit, session, visitor, counts=counts, method=method)
    checked = check(visit.context(session), visit.services.limits, article_id, asking)
    if asking.counts and visitor is not None and visitor.is_new and was_noted(checked):
        visit.give(cookies.VISITOR, first_token(site, visitor, checked, visit.at), KEPT)
    return checked


def access_request_of(visit: Visit, session: Session, *, method: str | None = None) -> AccessRequest:
    """Who asks with this browser, where nothing is counted. `method`: as for `check_for`."""
    return _access_request(visit, session, _visitor(visit), counts=False, method=method)


def was_noted(checked: AccessResult) -> bool:
    """Whether the meter or a gift was asked: whoever asked must be known by it the next time."""
    return checked.meter is not None or checked.gift.held is not None


def first_token(site: Site, visitor: Visitor, checked: AccessResult, at: datetime) -> str:
    """The token that a new visitor is given. It remembers the article, if that was counted."""
    is_counted = checked.meter is not None and checked.meter.counted
    first = meter.first_reading(site, checked.article.id, at) if is_counted else None
    return visitors.token(site, replace(visitor, first=first))


def _visitor(visit: Visit) -> Visitor | None:
    """By the cookie; a new one for somebody who is known by nothing else."""
    known = visitors.by_token(visit.services.site, visit.cookie(cookies.VISITOR))
    return known if known is not None or visit.reader is not None else visitors.new()


def _access_request(
    visit: Visit, session: Session, visitor: Visitor | None, *, counts: bool, method: str | None
) -> AccessRequest:
    who = reading(method or visit.request.method, visit.request.headers)
    reader = Visitor(visit.reader.id) if visit.reader else None
    known = () if who is Reading.CRAWLER else tuple(one for one in (reader, visitor) if one is not None)
    return AccessRequest(
        entitlements_of(visit.context(session), reader.id if reader else None),
        known,
        counts=counts and who is Reading.PERSON,
        gift="" if who is Reading.CRAWLER else visit.cookie(cookies.GIFT),
    )


def carry_over(visit: Visit, session: Session, reader_id: str) -> None:
    """What this browser read on the meter before it signed in goes over to the account."""
    known = visitors.by_token(visit.services.site, visit.cookie(cookies.VISITOR))
    if known is not None:
        meter.carry(visit.context(session), known, reader_id)
