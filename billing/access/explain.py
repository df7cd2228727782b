"""Why a reader may or may not read an article, now or at a past moment: one sentence, and the facts behind it."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from billing.access import gifts, meter, policies, public_windows
from billing.access.articles import article_at
from billing.access.check import MeterLimits
from billing.access.entitlements import Entitlements
from billing.access.entitlements_at import entitlements_at
from billing.access.explanation import Fact, facts_of_article, facts_of_reader, in_words, moment, sentence
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.site import Site
from billing.readers.register import by_id
from billing.rules import clocks
from billing.rules.access import AccessLevel, Decision, Entitlement, Facts, Meter, decide, grounds


class FutureMoment(Invalid):
    """What will be isn't decided yet. Ask about now, or about a moment that has passed."""

    code = "future_moment"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reader's entitlements at a moment, and the facts behind them."""

    reader_id: str
    at: datetime
    entitlements: Entitlements
    sentence: str
    """For the reader."""
    facts: tuple[Fact, ...]
    """For staff: each fact, oldest first, then each ground and whether it held."""
    article_id: str | None = None
    decision: Decision | None = None
    meter: Meter | None = None

    @property
    def held(self) -> tuple[Entitlement, ...]:
        """What the reader held."""
        return tuple(one for one in self.entitlements.held if one.live(self.at))


def explain(
    session: Session,
    site: Site,
    limits: MeterLimits,
    reader_id: str,
    *,
    at: datetime,
    now: datetime,
    article_id: str | None = None,
) -> Explanation:
    """What was known at the instant, decided by the rule that decides every reading.

    Raises FutureMoment, UnknownReader, UnknownArticle."""
    passed = clocks.not_after(at, now)
    if passed is None:
        raise FutureMoment
    at = passed
    reader = by_id(session, reader_id)
    entitlements = entitlements_at(session, site, reader_id, at)
    known = facts_of_reader(session, site, reader, at)
    if article_id is None:
        words = in_words(site, entitlements, at)
        return Explanation(reader_id, at, entitlements, _then(site, words, at, now), known)
    facts, of_article = _facts(session, site, limits, entitlements, article_id, at)
    decision = decide(facts, at)
    of_grounds = (Fact.of_ground(site, ground) for ground in grounds(facts, at))
    return Explanation(
        reader_id,
        at,
        entitlements,
        _then(site, sentence(site, decision, facts), at, now),
        (*known, *of_article, *of_grounds),
        article_id,
        decision,
        facts.meter,
    )


def _facts(
    session: Session,
    site: Site,
    limits: MeterLimits,
    entitlements: Entitlements,
    article_id: str,
    at: datetime,
) -> tuple[Facts, tuple[Fact, ...]]:
    """The facts that `access.check` would gather, from what was known at the instant. Counts nothing."""
    version = article_at(TransactionContext(session, site, at, WORKER), article_id)
    said = policies.stated(TransactionContext(session, site, at, WORKER), version, at)
    opened = public_windows.of_article(
        TransactionContext(session, site, at, WORKER), article_id, version.section
    )
    facts = Facts(said.policy, entitlements.registered, entitlements.held, None, public_windows.spans(opened))
    reader_id = entitlements.reader_id
    if not decide(facts, at).allowed and reader_id is not None:
        gift = gifts.passes(TransactionContext(session, site, at, WORKER), {article_id}, {reader_id}).get(
            (article_id, reader_id)
        )
        facts = replace(facts, held=(*facts.held, gift)) if gift else facts
        if gift is None and said.policy.level is AccessLevel.METERED:
            limit = limits.of(entitlements)
            found = meter.as_it_was(
                TransactionContext(session, site, at, WORKER), reader_id, article_id, limit
            )
            facts = replace(facts, meter=found)
    return facts, facts_of_article(site, version, said, opened)


def _then(site: Site, words: str, at: datetime, now: datetime) -> str:
    return words if at == now else f"As of {moment(site, at)}: {words[:1].lower()}{words[1:]}"
