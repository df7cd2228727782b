"""Who asks to read, by what a browser sends: its reader, else a random id in a signed cookie. Nothing else is looked at."""

import secrets
from datetime import timedelta

from sqlmodel import Session

from billing.access import meter
from billing.access.check import Asking, Checked, check
from billing.access.standing import standing
from billing.office import Office
from billing.rules import crawlers
from billing.rules.readings import Reading, reading
from billing.web import cookies
from billing.web.visit import Visit

PURPOSE = "visitor"
KEPT = timedelta(days=40)
"""As long as what is counted by it (PW-13)."""


def new_visitor(office: Office) -> str:
    """A token that names nobody: a random id, and our signature."""
    return office.tokens.token(PURPOSE, f"vis_{secrets.token_urlsafe(16)}")


def visitor_of(office: Office, token: str) -> str | None:
    """The id in a token of ours; None for a forged, damaged or empty one."""
    return office.tokens.subject_of(PURPOSE, token) if token else None


def check_for(
    visit: Visit, session: Session, article_id: str, *, counts: bool = True, method: str | None = None
) -> Checked:
    """The access decision for this browser. A reading by a person counts, on the meter or on a gift; nothing else does.

    A browser that can be counted nowhere yet is given its cookie with the answer. `method`: of the request that this one
    asks about, if it is another. Raises UnknownArticle."""
    office = visit.parts.office
    token = _token(visit)
    asking = _asking(visit, session, token, counts=counts, method=method)
    checked = check(session, office, visit.parts.limits, article_id, asking, at=visit.at)
    noted = checked.meter is not None or checked.gift.held is not None
    if asking.counts and noted and token != visit.cookie(cookies.VISITOR):
        visit.give(cookies.VISITOR, token, KEPT)
    return checked


def asking_of(visit: Visit, session: Session, *, method: str | None = None) -> Asking:
    """Who asks with this browser, where nothing is counted. `method`: as for `check_for`."""
    return _asking(visit, session, _token(visit), counts=False, method=method)


def _token(visit: Visit) -> str:
    """The visitor's; a new one for somebody who is known by nothing else."""
    token = visit.cookie(cookies.VISITOR)
    is_known = visit.reader is not None or visitor_of(visit.parts.office, token) is not None
    return token if is_known else new_visitor(visit.parts.office)


def _asking(visit: Visit, session: Session, token: str, *, counts: bool, method: str | None) -> Asking:
    office = visit.parts.office
    who = reading(method or visit.request.method, visit.request.headers)
    reader_id, known = visit.reader.id if visit.reader else None, visitor_of(office, token)
    visitors = () if who is Reading.CRAWLER else tuple(one for one in (reader_id, known) if one is not None)
    return Asking(
        standing(session, office, reader_id, visit.at),
        visitors,
        counts=counts and who is Reading.PERSON,
        gift="" if who is Reading.CRAWLER else visit.cookie(cookies.GIFT),
    )


def is_ahead(visit: Visit) -> bool:
    """Whether the browser only fetches ahead."""
    return reading(visit.request.method, visit.request.headers) is Reading.AHEAD


def is_proved_crawler(visit: Visit) -> bool:
    """Whether it is Google's search crawler, beyond what it says of itself. May wait for some seconds, in its thread."""
    address = crawlers.address_of(visit.ip)
    if address is None or not crawlers.claims(visit.device):
        return False
    return visit.parts.crawlers.proves(address, visit.at)


def carry_over(visit: Visit, session: Session, reader_id: str) -> None:
    """What this browser read on the meter before it signed in goes over to the account."""
    known = visitor_of(visit.parts.office, visit.cookie(cookies.VISITOR))
    if known is not None:
        meter.carry(session, visit.parts.office, known, reader_id, visit.at)
