"""Why a reader may or may not read an article, now or at a past moment: one sentence, and the facts behind it."""

from dataclasses import dataclass, replace
from datetime import datetime

from billing.access import gifts, meter, policies, public_windows
from billing.access.articles import article_at
from billing.access.check import MeterLimits
from billing.access.entitlements import Entitlements
from billing.access.entitlements_at import entitlements_at
from billing.access.explanation import Fact, facts_of_article, facts_of_reader, in_words, sentence
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
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
        """The entitlements that counted at the instant."""
        return tuple(held for held in self.entitlements.held if held.live(self.at))


def explain(
    ctx: TransactionContext,
    limits: MeterLimits,
    reader_id: str,
    *,
    at: datetime,
    article_id: str | None = None,
) -> Explanation:
    """The answer of an instant, from what was known then, by the rule that decides every reading.

    Raises FutureMoment, UnknownReader, UnknownArticle."""
    passed = clocks.not_after(at, ctx.at)
    if passed is None:
        raise FutureMoment
    then, site = ctx.moved_to(passed), ctx.site
    entitlements = entitlements_at(then, reader_id)
    known = facts_of_reader(then, by_id(ctx.session, reader_id))
    if article_id is None:
        words = in_words(site, entitlements, passed)
        return Explanation(reader_id, passed, entitlements, _as_of(then, words, ctx.at), known)
    facts, of_article = _facts(then, limits, entitlements, article_id)
    decision = decide(facts, passed)
    of_grounds = (Fact.of_ground(site, ground) for ground in grounds(facts, passed))
    return Explanation(
        reader_id,
        passed,
        entitlements,
        _as_of(then, sentence(site, decision, facts), ctx.at),
        (*known, *of_article, *of_grounds),
        article_id,
        decision,
        facts.meter,
    )


def _facts(
    then: TransactionContext, limits: MeterLimits, entitlements: Entitlements, article_id: str
) -> tuple[Facts, tuple[Fact, ...]]:
    """The facts that `access.check` would gather, from what was known at that instant. Counts nothing."""
    version = article_at(then, article_id)
    section = policies.of_section(then.session, version.section, then.at)
    stated = policies.stated(then.site, version, {version.section: section})
    opened = public_windows.of_articles(then, [article_id], [version.section])
    facts = Facts(
        stated.policy, entitlements.registered, entitlements.held, opened=public_windows.spans(opened)
    )
    reader_id = entitlements.reader_id
    if not decide(facts, then.at).allowed and reader_id is not None:
        gift = gifts.passes(then, {article_id}, {reader_id}).get((article_id, reader_id))
        facts = replace(facts, held=(*facts.held, gift)) if gift else facts
        if gift is None and stated.policy.level is AccessLevel.METERED:
            counted = meter.as_it_was(
                then, reader_id, article_id, limits.of(registered=entitlements.registered)
            )
            facts = replace(facts, meter=counted)
    return facts, facts_of_article(then.site, version, stated, opened)


def _as_of(then: TransactionContext, words: str, now: datetime) -> str:
    return words if then.at == now else f"As of {then.site.moment(then.at)}: {words[:1].lower()}{words[1:]}"
