"""Why a reader may read an article, or may not, now or at any past moment: one sentence, and the chain of facts behind it."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from billing.access import gifts, meter, policies, public_windows
from billing.access.articles import article_at
from billing.access.check import MeterLimits
from billing.access.entitlements import Standing
from billing.access.entitlements_at import standing_at
from billing.access.explanation import Fact, in_words, moment, of_article, of_reader, sentence
from billing.platform.errors import Invalid
from billing.platform.site import Office
from billing.readers.register import by_id
from billing.rules import clocks
from billing.rules.access import AccessLevel, Decision, Facts, Held, Meter, decide, grounds


class FutureMoment(Invalid):
    """What will be isn't decided yet. Ask about now, or about a moment that has passed."""

    code = "future_moment"


@dataclass(frozen=True, slots=True)
class Explained:
    """A reader's standing at a moment, with the facts it came from."""

    reader_id: str
    at: datetime
    standing: Standing
    sentence: str
    """For the reader."""
    chain: tuple[Fact, ...]
    """For staff: each fact, oldest first, then each ground and whether it held."""
    article_id: str | None = None
    decision: Decision | None = None
    meter: Meter | None = None

    @property
    def held(self) -> tuple[Held, ...]:
        """What the reader held."""
        return tuple(one for one in self.standing.held if one.live(self.at))


def explain(
    session: Session,
    office: Office,
    limits: MeterLimits,
    reader_id: str,
    *,
    at: datetime,
    now: datetime,
    article_id: str | None = None,
) -> Explained:
    """What was known at the instant, decided by the rule that decides every reading.

    Raises FutureMoment, UnknownReader, UnknownArticle."""
    passed = clocks.not_after(at, now)
    if passed is None:
        raise FutureMoment
    at = passed
    reader = by_id(session, reader_id)
    standing = standing_at(session, office, reader_id, at)
    chain = of_reader(session, office, reader, at)
    if article_id is None:
        words = in_words(office, standing, at)
        return Explained(reader_id, at, standing, _then(office, words, at, now), chain)
    facts, told = _facts(session, office, limits, standing, reader_id, article_id, at)
    decision = decide(facts, at)
    told += tuple(Fact.of_ground(office, ground) for ground in grounds(facts, at))
    return Explained(
        reader_id,
        at,
        standing,
        _then(office, sentence(office, decision, facts), at, now),
        chain + told,
        article_id,
        decision,
        facts.meter,
    )


def _facts(
    session: Session,
    office: Office,
    limits: MeterLimits,
    standing: Standing,
    reader_id: str,
    article_id: str,
    at: datetime,
) -> tuple[Facts, tuple[Fact, ...]]:
    """As `access.check` gathers them, from what was known at the instant. It counts nothing."""
    version = article_at(session, article_id, at)
    said = policies.stated(session, office, version, at)
    opened = public_windows.of_article(session, article_id, version.section, at)
    facts = Facts(said.policy, standing.registered, standing.held, None, public_windows.spans(opened))
    if not decide(facts, at).allowed and standing.registered:
        gift = gifts.passes(session, {article_id}, {reader_id}, at).get((article_id, reader_id))
        facts = replace(facts, held=(*facts.held, gift)) if gift else facts
        if gift is None and said.policy.level is AccessLevel.METERED:
            limit = limits.of(standing)
            found = meter.as_it_was(session, office, reader_id, article_id, limit, at)
            facts = replace(facts, meter=found)
    return facts, of_article(office, version, said, opened)


def _then(office: Office, words: str, at: datetime, now: datetime) -> str:
    return words if at == now else f"As of {moment(office, at)}: {words[:1].lower()}{words[1:]}"
