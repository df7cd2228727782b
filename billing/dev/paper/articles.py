"""The sample articles' pages: the lead with the offer, or the whole text. Locked text is never sent (PW-1)."""

from dataclasses import dataclass, fields, replace
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from billing.access import gifts
from billing.access.articles import UnknownArticle
from billing.access.check import AccessResult
from billing.access.gifts import NO_GIFT
from billing.access.listed import ListedArticle
from billing.changes.situation import STRANGER, Situation, situation_of
from billing.dev.paper import views
from billing.dev.paper.listening import recording
from billing.dev.paper.news_article import is_free, news_article, open_graph
from billing.dev.paper.page_requests import is_ahead, is_proved_crawler, shared_page
from billing.dev.paper.sample_articles import AUDIO_MINUTES, SampleArticle, sample_article
from billing.platform.context import TransactionContext
from billing.rules.access import LISTEN, READ, AccessLevel, Reason, strongest
from billing.rules.money import Money
from billing.rules.reader_state import ReaderState
from billing.subscriptions import find
from billing.subscriptions.find import OfferedPlan, OfferedPrice, live_of
from billing.web.kit.access_request import check_for
from billing.web.kit.kept_rows import on_offer_and_newest
from billing.web.kit.view_rows import teaser_of, teasers
from billing.web.kit.visit import NOINDEX, Visit, Visiting
from billing.web.reader import way
from billing.web.reader.gifts import OVER
from billing.web.reader.next_step import next_step
from billing.web.reader.unreached import unreached
from billing.web.views.account import Unreached
from billing.web.views.frame import NextStep
from billing.web.views.start import Teaser
from emails.languages import Text, say

router = APIRouter(include_in_schema=False)
MOST_LISTED, MOST_OTHERS = 50, 3
WALLS: dict[Reason, Literal["register", "subscribe", "meter_used"]] = {
    Reason.REGISTER: "register",
    Reason.SUBSCRIBE: "subscribe",
    Reason.METER_USED: "meter_used",
}
NOTES = {
    Reason.TRIAL: say("Open to you: your free trial is running."),
    Reason.GRACE: say("Open to you while your payment is being sorted out."),
    Reason.COMPLIMENTARY: say("Open to you, with our compliments."),
    Reason.GIFT: say("Open to you as a gift: somebody who subscribes gave you this article."),
    Reason.OPEN: say("Open to everyone, in the public interest."),
}


@router.get("/articles")
def front_page(visit: Visiting) -> Response:
    """The newest articles."""
    with visit.read() as ctx:
        offered, newest = on_offer_and_newest(visit, ctx, MOST_LISTED)
        plan, price, _ = find.the_one(offered, None)
        step = _strip(situation_of(ctx, visit.reader), plan, price)
        view = views.ArticlesPage(
            articles=teasers(visit, newest),
            price=Money(price.amount, price.currency),
            period=plan.period_label,
            trial_days=plan.trial_days,
            step=step,
        )
    return shared_page(visit, view)


def _strip(found: Situation, plan: OfferedPlan, price: OfferedPrice) -> NextStep | None:
    is_quiet = found.reads and found.state is not ReaderState.PAYMENT_OPEN
    return None if is_quiet else next_step(found, plan, price)


@router.api_route("/articles/{article_id}", methods=["GET", "HEAD"])
def article(visit: Visiting, article_id: str, issue: str = "") -> Response:
    """One article, as far as this reader may read it. `issue`: the newsletter whose link led here; then no cache shares the answer.

    A prefetch of an article that would be metered gets 503, so that the browser requests it again when the reader opens it. A page
    that is the same for all unknown visitors may be shared by caches."""
    found = _found(visit, article_id)
    if issue:
        way.arrive(visit, article_id, issue)
    checked = found.checked
    if _only_ahead(visit, checked):
        return Response(status_code=503)
    is_crawler = not checked.decision.allowed and is_proved_crawler(visit)
    view = _view(visit, found, whole=is_crawler)
    if not is_crawler and _is_everybodys(visit, checked):
        return shared_page(visit, view, checked.decision.until)
    answer = visit.page(view)
    if view.noindex:
        answer.headers.update(NOINDEX)
    return answer


@router.api_route("/articles/{article_id}/print", methods=["GET", "HEAD"])
def printed(visit: Visiting, article_id: str) -> Response:
    """The print version: checked and counted like the article, and not indexed."""
    found = _found(visit, article_id)
    if _only_ahead(visit, found.checked):
        return Response(status_code=503)
    view = _view(visit, found)
    values = {field.name: getattr(view, field.name) for field in fields(view)}
    answer = visit.page(views.PrintPage(**values | {"noindex": True}))
    answer.headers.update(NOINDEX)
    return answer


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database says about an article and this reader."""

    sample: SampleArticle
    checked: AccessResult
    others: list[ListedArticle]
    plan: OfferedPlan
    price: OfferedPrice
    unreached: Unreached | None
    situation: Situation
    """Of a reader whom a wall stops; of others it isn't known."""


def _found(visit: Visit, article_id: str) -> _Found:
    """Counts the reading, if it is one. Raises UnknownArticle."""
    sample = sample_article(article_id)
    if sample is None:
        raise UnknownArticle
    with visit.read() as ctx:
        found = _as_it_stands(visit, ctx, sample)
    if not found.checked.pending:
        return found
    with visit.begin() as ctx:  # most pages count nothing, and need no transaction
        return replace(found, checked=check_for(visit, ctx.session, article_id))


def _as_it_stands(visit: Visit, ctx: TransactionContext, sample: SampleArticle) -> _Found:
    article_id, reader = sample.teaser.id, visit.reader
    checked = check_for(visit, ctx.session, article_id, counts=False)
    offered, newest = on_offer_and_newest(visit, ctx, MOST_OTHERS + 1)
    others = [other for other in newest if other.article.id != article_id]
    plan, price, _ = find.the_one(offered, None)
    situation = STRANGER if _opens(checked) else situation_of(ctx, reader)
    live = live_of(ctx.session, reader.id) if reader and visit.who.subscribes else None
    refuses = unreached(ctx, reader, live) if reader else None
    return _Found(sample, checked, others[:MOST_OTHERS], plan, price, refuses, situation)


def _opens(checked: AccessResult) -> bool:
    return READ in checked.decision.features and not checked.pending


def _only_ahead(visit: Visit, checked: AccessResult) -> bool:
    return checked.pending and visit.request.method == "GET" and is_ahead(visit)


def _is_everybodys(visit: Visit, checked: AccessResult) -> bool:
    """Whether the page depends on the article only: no meter or gift was checked, and crawlers get the same page."""
    if checked.decision.allowed:
        return checked.decision.reason in (Reason.FREE, Reason.OPEN)
    metered = checked.article.stated.policy.level is AccessLevel.METERED
    return not metered and checked.gift == NO_GIFT and not visit.services.settings.crawlers


def _view(visit: Visit, found: _Found, *, whole: bool = False) -> views.ArticlePage:
    """The page's view. `whole` shows the whole text to a proved crawler, which would be refused otherwise (PW-3)."""
    services, sample, checked = visit.services, found.sample, found.checked
    allowed = whole or _opens(checked)
    teaser = teaser_of(visit, checked.article, is_open=bool(checked.public_windows))
    canonical = services.site.page(f"/articles/{checked.article.id}")
    return views.ArticlePage(
        teaser=teaser,
        byline=sample.byline,
        paragraphs=sample.paragraphs if allowed else None,
        wall=None if allowed else _wall(visit, found),
        meter=_meter(checked),
        listen=_listen(visit, sample, checked),
        note=_note(checked),
        terms=_terms(visit, checked),
        unreached=found.unreached,
        can_give=_can_give(visit, checked, teaser),
        canonical=canonical,
        noindex=checked.decision.reason is Reason.GIFT or visit.reader is not None,
        json_ld=news_article(teaser, services.sender.house, canonical, checked.article.published_at),
        open_graph=open_graph(teaser, services.sender.house, canonical, checked.article.published_at),
        is_free=is_free(teaser),
        more=teasers(visit, found.others),
    )


def _meter(checked: AccessResult) -> views.MeterNote | None:
    if checked.meter is None or checked.decision.reason is not Reason.METER:
        return None
    return views.MeterNote(used=checked.meter.used, limit=checked.meter.limit)


def _note(checked: AccessResult) -> Text | None:
    if checked.decision.reason is Reason.OPEN and checked.public_windows:
        return say("%(first)s %(second)s", first=NOTES[Reason.OPEN], second=checked.public_windows[0].reason)
    return NOTES.get(checked.decision.reason)


def _terms(visit: Visit, checked: AccessResult) -> Text | None:
    """A note about an article that is free for a limited time, now or later."""
    at, policy = visit.at, checked.article.stated.policy
    free = policy.free_span(at)
    if free is not None:
        return (
            say("Free for everyone until %(moment)s.", moment=visit.look.moment(free.end))
            if free.end
            else None
        )
    if checked.decision.reason in gifts.GIVERS:
        return None  # it is open to them already, and they pay for that
    begins = min((span.start for span in policy.free if span.start and span.start > at), default=None)
    return say("Free for everyone from %(moment)s.", moment=visit.look.moment(begins)) if begins else None


def _can_give(visit: Visit, checked: AccessResult, teaser: Teaser) -> bool:
    held = strongest(checked.facts.held, visit.at)
    giver = visit.reader is not None and held is not None and held.reason in gifts.GIVERS
    return giver and teaser.access not in ("free", "open")


def _wall(visit: Visit, found: _Found) -> views.Wall:
    plan, price, checked = found.plan, found.price, found.checked
    anonymous, meter = visit.reader is None, checked.meter
    reason = WALLS.get(checked.decision.reason, "subscribe")
    return views.Wall(
        reason="subscribe" if meter is None and reason == "meter_used" else reason,
        step=next_step(found.situation, plan, price),
        price=Money(price.amount, price.currency),
        period=plan.period_label,
        trial_days=plan.trial_days,
        limit=meter.limit if meter else None,
        registered_limit=visit.services.settings.meter_registered if meter and anonymous else None,
        gift_over=OVER[checked.gift.over] if checked.gift.over else None,
    )


def _listen(visit: Visit, sample: SampleArticle, checked: AccessResult) -> views.Listen | None:
    if not sample.teaser.audio:
        return None
    may = LISTEN in checked.decision.features
    source = recording(visit, sample.teaser.id).path if may else None
    return views.Listen(minutes=AUDIO_MINUTES, source=source)
