"""May this reader read this article? Gathers the facts for `rules.access.decide`, for pages, programs and edges alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.access import gifts, meter, policies, public_windows
from billing.access.articles import UnknownArticle, by_ids
from billing.access.entitlements import ANONYMOUS, Entitlements
from billing.access.gifts import NO_GIFT, GiftResult
from billing.access.models import Article, PublicWindow
from billing.access.policies import Stated
from billing.access.visitors import Visitor
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules.access import AccessLevel, Decision, Facts, Meter, decide


@dataclass(frozen=True, slots=True)
class MeterLimits:
    """Metered articles a month."""

    registered: int
    anonymous: int

    def of(self, entitlements: Entitlements) -> int:
        """The limit of this reader."""
        return self.registered if entitlements.registered else self.anonymous


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asks, and how.

    `visitors`: the meter and gifts count by the first; gifts that the others opened count too. Without any, neither meter nor
    gift lets in. `counts`: a person really reads. If not, nothing is counted and `AccessResult.pending` says what a count
    would open. `gift`: the secret of a gift link."""

    entitlements: Entitlements
    visitors: tuple[Visitor, ...] = ()
    counts: bool = True
    gift: str = ""


@dataclass(frozen=True, slots=True)
class AccessResult:
    """A decision about an article, and the facts behind it.

    `pending`: the article is open only if this reading is counted, and it wasn't."""

    article: Article
    stated: Stated
    public_windows: tuple[PublicWindow, ...]
    facts: Facts
    decision: Decision
    gift: GiftResult = NO_GIFT
    pending: bool = False

    @property
    def meter(self) -> Meter | None:
        """The meter, if it was consulted."""
        return self.facts.meter


Question = tuple[str, AccessRequest]
"""An article's id, and who asks about it."""


def check(
    ctx: TransactionContext, limits: MeterLimits, article_id: str, request: AccessRequest
) -> AccessResult:
    """Decide from facts. Gift and meter are consulted, and counted, only if nothing else opens the article.

    Raises UnknownArticle."""
    (result,) = check_all(ctx, limits, [(article_id, request)])
    if result is None:
        raise UnknownArticle
    return _counted(ctx, limits, result, request) if request.counts else result


def check_all(
    ctx: TransactionContext, limits: MeterLimits, asked: Sequence[Question]
) -> list[AccessResult | None]:
    """The decision on each question; None for an unknown article. Counts nothing, whatever `AccessRequest.counts` says.

    Loads each kind of fact for all questions at once, in a fixed number of statements."""
    found = _by_article(ctx, asked)
    closed = _closed(found)
    given = _gifts(ctx, [asked[each] for each in closed])
    for each, gift in zip(closed, given, strict=True):
        found[each] = _with_gift(_known(found[each]), gift, ctx.at)
    metered = [
        each for each in _closed(found) if _is_metered(_known(found[each])) and asked[each][1].visitors
    ]
    meters = _meters(ctx, limits, [asked[each] for each in metered])
    for each, one in zip(metered, meters, strict=True):
        found[each] = _with_meter(_known(found[each]), one, ctx.at)
    return found


def facts_for_anonymous(ctx: TransactionContext, found: Article) -> Facts:
    """The facts that hold without an account: the policy, and what editors opened."""
    opened = public_windows.of_articles(ctx, [found])
    sections = policies.of_sections(ctx.session, [found.section])
    return _decided(ctx.site, found, sections, opened, ANONYMOUS, ctx.at).facts


def _by_article(ctx: TransactionContext, asked: Sequence[Question]) -> list[AccessResult | None]:
    """The decisions without gifts and meter."""
    known = by_ids(ctx.session, {article_id for article_id, _ in asked})
    sections = policies.of_sections(ctx.session, {row.section for row in known.values()})
    opened = public_windows.of_articles(ctx, known.values())
    return [
        _decided(ctx.site, known[article_id], sections, opened, request.entitlements, ctx.at)
        if article_id in known
        else None
        for article_id, request in asked
    ]


def _decided(
    site: Site,
    article: Article,
    sections: dict[str, policies.AccessTerms],
    opened: Sequence[PublicWindow],
    entitlements: Entitlements,
    at: datetime,
) -> AccessResult:
    said = policies.stated_among(site, article, sections)
    mine = tuple(one for one in opened if public_windows.opens(one, article))
    facts = Facts(said.policy, entitlements.registered, entitlements.held, opened=public_windows.spans(mine))
    return AccessResult(article, said, mine, facts, decide(facts, at))


def _closed(found: Sequence[AccessResult | None]) -> list[int]:
    return [each for each, one in enumerate(found) if one is not None and not one.decision.allowed]


def _known(one: AccessResult | None) -> AccessResult:
    assert one is not None
    return one


def _is_metered(result: AccessResult) -> bool:
    return result.stated.policy.level is AccessLevel.METERED


def _gifts(ctx: TransactionContext, asked: Sequence[Question]) -> list[GiftResult]:
    """What gifts give: those opened before, else the link just followed, which isn't counted yet."""
    passes = gifts.passes(
        ctx,
        {article_id for article_id, _ in asked},
        {visitor.id for _, request in asked for visitor in request.visitors if not visitor.is_new},
    )
    links = {request.gift: gifts.by_token(ctx, request.gift) for _, request in asked if request.gift}

    def given(article_id: str, request: AccessRequest) -> GiftResult:
        for visitor in request.visitors:
            held = passes.get((article_id, visitor.id))
            if held is not None:
                return GiftResult(held=held)
        link = links.get(request.gift)
        return gifts.offered(link, article_id, ctx.at) if link is not None and request.visitors else NO_GIFT

    return [given(*question) for question in asked]


def _with_gift(result: AccessResult, opened: GiftResult, at: datetime) -> AccessResult:
    if opened.held is None:
        return replace(result, gift=opened, pending=opened.pending)
    facts = replace(result.facts, held=(*result.facts.held, opened.held))
    return replace(result, facts=facts, decision=decide(facts, at), gift=opened)


def _meters(ctx: TransactionContext, limits: MeterLimits, asked: Sequence[Question]) -> list[Meter]:
    looked = [
        (request.visitors[0], article_id, limits.of(request.entitlements)) for article_id, request in asked
    ]
    return meter.look_all(ctx, looked)


def _with_meter(result: AccessResult, found: Meter, at: datetime) -> AccessResult:
    facts = replace(result.facts, meter=found)
    decision = decide(facts, at)
    pending = result.gift.pending or (decision.allowed and not found.counted)
    return replace(result, facts=facts, decision=decision, pending=pending)


def _counted(
    ctx: TransactionContext, limits: MeterLimits, result: AccessResult, request: AccessRequest
) -> AccessResult:
    """The result once this reading is counted: by the gift, or by the meter."""
    if not result.pending:
        return result
    if result.gift.pending:
        opened = gifts.open_gift(ctx, request.gift, result.article.id, request.visitors[0].id)
        unmetered = replace(result, facts=replace(result.facts, meter=None))
        if opened.held is not None:
            return replace(_with_gift(unmetered, opened, ctx.at), pending=False)
        result = replace(result, gift=opened)
    if result.meter is None:
        return replace(result, pending=False)
    visitor, limit = request.visitors[0], limits.of(request.entitlements)
    return _with_meter(result, meter.count(ctx, visitor, result.article.id, limit), ctx.at)
