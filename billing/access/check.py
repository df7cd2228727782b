"""May this reader read this article? The one answer for pages, programs and edges: facts gathered, then `rules.access.decide`."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from billing.access import gifts, meter, openings
from billing.access.articles import article
from billing.access.gifts import NO_GIFT, Opened
from billing.access.models import Article, Opening
from billing.access.policies import Stated, stated
from billing.access.standing import Standing
from billing.office import Office
from billing.rules.access import AccessLevel, Decision, Facts, Meter, decide


@dataclass(frozen=True, slots=True)
class MeterLimits:
    """Metered articles a month."""

    registered: int
    anonymous: int

    def of(self, standing: Standing) -> int:
        """The limit of whoever stands so."""
        return self.registered if standing.registered else self.anonymous


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and how.

    `visitors`: by whom the meter counts and gifts are noted, the first; and whose gifts open too, the others: a reader's
    id, a random one from a signed cookie. None of them: nobody can be counted, so neither meter nor gift lets in.
    `counts`: somebody really reads; else nothing is counted, and what only a count would open says so (`Checked.pending`).
    `gift`: the secret of a gift link."""

    standing: Standing
    visitors: tuple[str, ...] = ()
    counts: bool = True
    gift: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A decision about an article, with the facts it came from.

    `pending`: it is open only on the understanding that a reading is counted, and none was."""

    article: Article
    stated: Stated
    openings: tuple[Opening, ...]
    facts: Facts
    decision: Decision
    gift: Opened = NO_GIFT
    pending: bool = False

    @property
    def meter(self) -> Meter | None:
        """The meter, where it was looked at."""
        return self.facts.meter


def check(
    session: Session, office: Office, limits: MeterLimits, article_id: str, asking: Asking, *, at: datetime
) -> Checked:
    """Decide from facts. Gift and meter are asked, and counted, only where nothing else opens the article.

    Raises UnknownArticle."""
    found = article(session, article_id)
    checked = _checked(session, office, found, asking.standing, at)
    if not checked.decision.allowed:
        checked = _with_gift(session, office, checked, asking, at)
    if not checked.decision.allowed and checked.stated.policy.level is AccessLevel.METERED:
        checked = _with_meter(session, office, limits, checked, asking, at)
    return checked


def facts_for_nobody(session: Session, office: Office, found: Article, at: datetime) -> Facts:
    """What is so for everybody, account or not: the policy and what editors opened."""
    return _checked(session, office, found, Standing(None), at).facts


def _checked(session: Session, office: Office, found: Article, standing: Standing, at: datetime) -> Checked:
    said = stated(session, office, found)
    opened = openings.of_article(session, found.id, found.section, at)
    facts = Facts(
        policy=said.policy,
        registered=standing.registered,
        held=standing.held,
        opened=openings.spans(opened),
    )
    return Checked(found, said, tuple(opened), facts, decide(facts, at))


def _with_gift(session: Session, office: Office, checked: Checked, asking: Asking, at: datetime) -> Checked:
    opened = NO_GIFT
    if asking.visitors:
        opened = Opened(held=gifts.passes(session, checked.article.id, asking.visitors, at))
    if opened.held is None and asking.gift:
        noted = asking.visitors if asking.counts else ()
        opened = gifts.open_gift(session, office, asking.gift, checked.article.id, noted, at)
    if opened.held is None:
        return replace(checked, gift=opened, pending=opened.pending and not asking.counts)
    facts = replace(checked.facts, held=(*checked.facts.held, opened.held))
    return replace(checked, facts=facts, decision=decide(facts, at), gift=opened)


def _with_meter(
    session: Session, office: Office, limits: MeterLimits, checked: Checked, asking: Asking, at: datetime
) -> Checked:
    if not asking.visitors:
        return checked
    ask = meter.count if asking.counts else meter.look
    found = ask(session, office, asking.visitors[0], checked.article.id, limits.of(asking.standing), at)
    facts = replace(checked.facts, meter=found)
    decision = decide(facts, at)
    return replace(checked, facts=facts, decision=decision, pending=decision.allowed and not found.counted)
