"""May this reader read this article? Gathers the facts for `rules.access.decide`, for pages, programs and edges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.access import gifts, meter, public_windows, registered
from billing.access.articles import UnknownArticle
from billing.access.entitlements import ANONYMOUS, Entitlements
from billing.access.gifts import NO_GIFT, GiftResult
from billing.access.public_windows import OpenWindow
from billing.access.registered import RegisteredArticle
from billing.access.visitors import Visitor
from billing.platform.context import TransactionContext
from billing.platform.read_together import Rows, read_together
from billing.rules.access import AccessLevel, Decision, Facts, Meter, decide


@dataclass(frozen=True, slots=True)
class MeterLimits:
    """Metered articles a month."""

    registered: int
    anonymous: int

    def of(self, *, registered: bool) -> int:
        """The limit of a reader with an account, or of a stranger."""
        return self.registered if registered else self.anonymous


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asks, and how.

    `visitors`: the meter and gifts count by the first; gifts that the others opened count too. Without any, neither meter
    nor gift lets in. `counts`: a person really reads; otherwise nothing is counted, and `AccessResult.pending` says whether
    a count would open the article. `gift`: the secret of a gift link."""

    entitlements: Entitlements
    visitors: tuple[Visitor, ...] = ()
    counts: bool = True
    gift: str = ""


@dataclass(frozen=True, slots=True)
class AccessResult:
    """A decision about an article, and the facts behind it.

    `pending`: the article is open only if this reading is counted, and it wasn't."""

    article: RegisteredArticle
    public_windows: tuple[OpenWindow, ...]
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
    ctx: TransactionContext, limits: MeterLimits, questions: Sequence[Question]
) -> list[AccessResult | None]:
    """The decision on each question; None for an unknown article. Counts nothing, whatever `AccessRequest.counts` says.

    Loads each kind of fact for all questions at once, in a fixed number of statements."""
    results = _by_policy(ctx, questions)
    closed = [index for index, result in results.items() if not result.decision.allowed]
    passes, months = _read_before(ctx, [questions[index] for index in closed])
    opened = _gifts(ctx, [questions[index] for index in closed], passes)
    for index, gift in zip(closed, opened, strict=True):
        results[index] = _with_gift(results[index], gift, ctx.at)
    metered = [
        index
        for index in closed
        if not results[index].decision.allowed
        and results[index].article.stated.policy.level is AccessLevel.METERED
        and questions[index][1].visitors
    ]
    readings = [
        (request.visitors[0], article_id, limits.of(registered=request.entitlements.registered))
        for article_id, request in (questions[index] for index in metered)
    ]
    for index, found in zip(metered, meter.meters_in(ctx, months, readings), strict=True):
        results[index] = _with_meter(results[index], found, ctx.at)
    return [results.get(index) for index in range(len(questions))]


def facts_for_anonymous(ctx: TransactionContext, article_id: str) -> Facts:
    """The facts that hold without an account: the policy, and what editors opened. Raises UnknownArticle."""
    for result in _by_policy(ctx, [(article_id, AccessRequest(ANONYMOUS))]).values():
        return result.facts
    raise UnknownArticle


def _by_policy(ctx: TransactionContext, questions: Sequence[Question]) -> dict[int, AccessResult]:
    """The decisions without gifts and meter, by the question's index; none for an unknown article."""
    asked = list({article_id for article_id, _ in questions})
    rows, open_rows = read_together(
        ctx.session, registered.THESE, public_windows.OVER_ARTICLES, articles=asked, at=ctx.at
    )
    articles = {row[0]: RegisteredArticle.of(ctx.site, row) for row in rows}
    windows = [OpenWindow(*row) for row in open_rows]

    def result(article: RegisteredArticle, entitlements: Entitlements) -> AccessResult:
        over_it = tuple(window for window in windows if window.opens(article.id, article.section))
        spans = public_windows.spans(over_it)
        facts = Facts(article.stated.policy, entitlements.registered, entitlements.held, opened=spans)
        return AccessResult(article, over_it, facts, decide(facts, ctx.at))

    return {
        index: result(articles[article_id], request.entitlements)
        for index, (article_id, request) in enumerate(questions)
        if article_id in articles
    }


def _read_before(ctx: TransactionContext, questions: Sequence[Question]) -> tuple[Rows, Rows]:
    """What their visitors opened as gifts, and counted this month: rows of `gifts.PASSES` and `meter.MONTHS`."""
    visitors = {visitor.id for _, request in questions for visitor in request.visitors if not visitor.is_new}
    if not visitors:
        return [], []
    passes, months = read_together(
        ctx.session,
        gifts.PASSES,
        meter.MONTHS,
        at=ctx.at,
        month=meter.month_of(ctx.site, ctx.at),
        articles=list({article_id for article_id, _ in questions}),
        visitors=list(visitors),
    )
    return passes, months


def _gifts(ctx: TransactionContext, questions: Sequence[Question], opened: Rows) -> list[GiftResult]:
    """What gifts give: those opened before, else the link just followed, which isn't counted yet."""
    passes = gifts.passes_in(opened)
    links = {request.gift: gifts.by_token(ctx, request.gift) for _, request in questions if request.gift}

    def given(article_id: str, request: AccessRequest) -> GiftResult:
        for visitor in request.visitors:
            held = passes.get((article_id, visitor.id))
            if held is not None:
                return GiftResult(held=held)
        link = links.get(request.gift)
        return gifts.offered(link, article_id, ctx.at) if link is not None and request.visitors else NO_GIFT

    return [given(*question) for question in questions]


def _with_gift(result: AccessResult, opened: GiftResult, at: datetime) -> AccessResult:
    if opened.held is None:
        return replace(result, gift=opened, pending=opened.pending)
    facts = replace(result.facts, held=(*result.facts.held, opened.held))
    return replace(result, facts=facts, decision=decide(facts, at), gift=opened)


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
    visitor, limit = request.visitors[0], limits.of(registered=request.entitlements.registered)
    return _with_meter(result, meter.count(ctx, visitor, result.article.id, limit), ctx.at)
