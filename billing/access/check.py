"""May this reader read this article? The one answer for pages, programs and edges."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from billing.access import meter
from billing.access.articles import article
from billing.access.models import Article
from billing.access.standing import Standing
from billing.office import Office
from billing.rules.access import AccessLevel, Decision, Meter, decide


@dataclass(frozen=True, slots=True)
class MeterLimits:
    """Metered articles a month."""

    registered: int
    anonymous: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A decision about an article, with the meter where it mattered."""

    article: Article
    decision: Decision
    meter: Meter | None


def check(
    session: Session,
    office: Office,
    limits: MeterLimits,
    article_id: str,
    standing: Standing,
    *,
    visitor: str | None,
    counts: bool,
    at: datetime,
) -> Checked:
    """Decide from facts. A metered article is counted when `counts` (a real reading, no prefetch) and nothing else opens it.

    `visitor` is whom the meter counts: the reader, or a random id from the browser's cookie. Raises UnknownArticle."""
    found = article(session, article_id)
    metered = found.access is AccessLevel.METERED and not (standing.held and standing.held.live(at))
    metered = metered and not (found.open_until is not None and found.open_until > at)
    reading = None
    if metered:
        limit = limits.registered if standing.registered else limits.anonymous
        if counts and visitor is not None:
            reading = meter.count(session, office, visitor, article_id, limit, at)
        else:
            reading = meter.look(session, office, visitor, article_id, limit, at)
    decision = decide(
        found.access,
        registered=standing.registered,
        held=standing.held,
        meter=reading,
        at=at,
        open_until=found.open_until,
    )
    return Checked(found, decision, reading)
