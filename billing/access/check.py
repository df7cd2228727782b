"""May this reader read this article? The one answer for pages, programs and edges: facts gathered, then `rules.access.decide`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from billing.access import gifts, meter, policies
from billing.access import public_windows as openings
from billing.access.articles import UnknownArticle, by_ids
from billing.access.entitlements import NOBODY, Standing
from billing.access.gifts import NO_GIFT, Opened
from billing.access.models import Article, Opening
from billing.access.policies import Stated
from billing.access.visitors import Visitor
from billing.platform.site import Office
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

    `visitors`: by whom the meter counts and gifts are noted, the first; and whose gifts open too, the others: a reader,
    a browser with a signed cookie. None of them: nobody can be counted, so neither meter nor gift lets in.
    `counts`: somebody really reads; else nothing is counted, and what only a count would open says so (`Checked.pending`).
    `gift`: the secret of a gift link."""

    standing: Standing
    visitors: tuple[Visitor, ...] = ()
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


Question = tuple[str, Asking]
"""The id of an article, and who asks about it."""


def check(
    session: Session, office: Office, limits: MeterLimits, article_id: str, asking: Asking, *, at: datetime
) -> Checked:
    """Decide from facts. Gift and meter are asked, and counted, only where nothing else opens the article.

    Raises UnknownArticle."""
    (checked,) = check_all(session, office, limits, [(article_id, asking)], at=at)
    if checked is None:
        raise UnknownArticle
    return _counted(session, office, limits, checked, asking, at) if asking.counts else checked


def check_all(
    session: Session, office: Office, limits: MeterLimits, asked: Sequence[Question], *, at: datetime
) -> list[Checked | None]:
    """The decision on each question; None for an unknown article. Nothing is counted, whatever a question says.

    Each kind of fact is loaded for all questions at once, so the number of statements doesn't grow with them."""
    found = _by_article(session, office, asked, at)
    closed = _closed(found)
    given = _gifts(session, office, [asked[each] for each in closed], at)
    for each, gift in zip(closed, given, strict=True):
        found[each] = _with_gift(_known(found[each]), gift, at)
    metered = [
        each for each in _closed(found) if _is_metered(_known(found[each])) and asked[each][1].visitors
    ]
    meters = _meters(session, office, limits, [asked[each] for each in metered], at)
    for each, one in zip(metered, meters, strict=True):
        found[each] = _with_meter(_known(found[each]), one, at)
    return found


def facts_for_nobody(session: Session, office: Office, found: Article, at: datetime) -> Facts:
    """What is so for everybody, account or not: the policy and what editors opened."""
    opened = openings.of_articles(session, [found], at)
    sections = policies.of_sections(session, [found.section])
    return _decided(office, found, sections, opened, NOBODY, at).facts


def _by_article(
    session: Session, office: Office, asked: Sequence[Question], at: datetime
) -> list[Checked | None]:
    """By all but gift and meter."""
    known = by_ids(session, {article_id for article_id, _ in asked})
    sections = policies.of_sections(session, {row.section for row in known.values()})
    opened = openings.of_articles(session, known.values(), at)
    return [
        _decided(office, known[article_id], sections, opened, asking.standing, at)
        if article_id in known
        else None
        for article_id, asking in asked
    ]


def _decided(
    office: Office,
    article: Article,
    sections: dict[str, policies.Terms],
    opened: Sequence[Opening],
    standing: Standing,
    at: datetime,
) -> Checked:
    said = policies.stated_among(office, article, sections)
    mine = tuple(one for one in opened if openings.opens(one, article))
    facts = Facts(said.policy, standing.registered, standing.held, opened=openings.spans(mine))
    return Checked(article, said, mine, facts, decide(facts, at))


def _closed(found: Sequence[Checked | None]) -> list[int]:
    return [each for each, one in enumerate(found) if one is not None and not one.decision.allowed]


def _known(one: Checked | None) -> Checked:
    assert one is not None
    return one


def _is_metered(checked: Checked) -> bool:
    return checked.stated.policy.level is AccessLevel.METERED


def _gifts(session: Session, office: Office, asked: Sequence[Question], at: datetime) -> list[Opened]:
    """What gifts give: those that were opened before, else the link that was followed, which isn't counted."""
    passes = gifts.passes(
        session,
        {article_id for article_id, _ in asked},
        {visitor.id for _, asking in asked for visitor in asking.visitors if not visitor.is_new},
        at,
    )
    links = {asking.gift: gifts.by_token(session, office, asking.gift) for _, asking in asked if asking.gift}

    def given(article_id: str, asking: Asking) -> Opened:
        for visitor in asking.visitors:
            held = passes.get((article_id, visitor.id))
            if held is not None:
                return Opened(held=held)
        link = links.get(asking.gift)
        return gifts.offered(link, article_id, at) if link is not None and asking.visitors else NO_GIFT

    return [given(*question) for question in asked]


def _with_gift(checked: Checked, opened: Opened, at: datetime) -> Checked:
    if opened.held is None:
        return replace(checked, gift=opened, pending=opened.pending)
    facts = replace(checked.facts, held=(*checked.facts.held, opened.held))
    return replace(checked, facts=facts, decision=decide(facts, at), gift=opened)


def _meters(
    session: Session, office: Office, limits: MeterLimits, asked: Sequence[Question], at: datetime
) -> list[Meter]:
    looked = [(asking.visitors[0], article_id, limits.of(asking.standing)) for article_id, asking in asked]
    return meter.look_all(session, office, looked, at)


def _with_meter(checked: Checked, found: Meter, at: datetime) -> Checked:
    facts = replace(checked.facts, meter=found)
    decision = decide(facts, at)
    pending = checked.gift.pending or (decision.allowed and not found.counted)
    return replace(checked, facts=facts, decision=decision, pending=pending)


def _counted(
    session: Session, office: Office, limits: MeterLimits, checked: Checked, asking: Asking, at: datetime
) -> Checked:
    """The same once somebody really reads: the gift is opened, or the meter counts, whichever it was left to."""
    if not checked.pending:
        return checked
    if checked.gift.pending:
        opened = gifts.open_gift(session, office, asking.gift, checked.article.id, asking.visitors[0].id, at)
        unmetered = replace(checked, facts=replace(checked.facts, meter=None))
        if opened.held is not None:
            return replace(_with_gift(unmetered, opened, at), pending=False)
        checked = replace(checked, gift=opened)
    if checked.meter is None:
        return replace(checked, pending=False)
    visitor, limit = asking.visitors[0], limits.of(asking.standing)
    return _with_meter(checked, meter.count(session, office, visitor, checked.article.id, limit, at), at)
