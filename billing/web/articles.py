"""The sample articles: the lead and the offer, or the whole text. Locked text never reaches the page (PW-1)."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from billing.access.articles import UnknownArticle, newest
from billing.access.check import Checked, check
from billing.access.standing import standing
from billing.rules.access import LISTEN, READ, Reason
from billing.rules.money import Money
from billing.subscriptions.find import on_sale
from billing.subscriptions.models import Plan, Price
from billing.web import views
from billing.web.news_article import news_article
from billing.web.sample_articles import AUDIO, AUDIO_MINUTES, SampleArticle, sample_article
from billing.web.show import teaser_of
from billing.web.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)
WALLS: dict[Reason, Literal["register", "subscribe", "meter_used"]] = {
    Reason.REGISTER: "register",
    Reason.SUBSCRIBE: "subscribe",
    Reason.METER_USED: "meter_used",
}
NOTES = {
    Reason.TRIAL: "Open to you: your free trial is running.",
    Reason.GRACE: "Open to you while your payment is being sorted out.",
    Reason.COMPLIMENTARY: "Open to you, with our compliments.",
    Reason.OPEN: "Open to everyone, in the public interest.",
}


@router.get("/articles")
def front_page(visit: Visiting) -> Response:
    """What is new."""
    parts = visit.parts
    with parts.database.transaction() as session:
        plan, price = on_sale(session, parts.office.today(visit.at))
        held = standing(session, visit.reader.id if visit.reader else None, visit.at).held
        view = views.Articles(
            articles=tuple(teaser_of(parts.office, article) for article in newest(session)),
            price=Money(price.amount, price.currency),
            trial_days=plan.trial_days,
            can_subscribe=held is None,
        )
    return visit.page(view)


def ask(visit: Visit, article_id: str, *, counts: bool) -> Checked:
    """The access decision for this browser; counted on the meter when it is a real reading, never for a prefetch."""
    reader_id = visit.reader.id if visit.reader else None
    purpose = visit.request.headers.get("sec-purpose", "") + visit.request.headers.get("purpose", "")
    with visit.parts.database.transaction() as session:
        return check(
            session,
            visit.parts.office,
            visit.parts.limits,
            article_id,
            standing(session, reader_id, visit.at),
            visitor=reader_id or visit.browser_hash,
            counts=counts and "prefetch" not in purpose,
            at=visit.at,
        )


@router.get("/articles/{article_id}")
def article(visit: Visiting, article_id: str) -> Response:
    """One article, as far as this reader may read it."""
    sample = sample_article(article_id)
    if sample is None:
        raise UnknownArticle
    return visit.page(_view(visit, sample, ask(visit, article_id, counts=True)))


def _view(visit: Visit, sample: SampleArticle, checked: Checked) -> views.Article:
    parts = visit.parts
    allowed = READ in checked.decision.features
    with parts.database.transaction() as session:
        others = [other for other in newest(session, 4) if other.id != sample.teaser.id]
        plan, price = on_sale(session, parts.office.today(visit.at))
    show_meter = checked.meter is not None and checked.decision.reason is Reason.METER
    return views.Article(
        teaser=sample.teaser,
        byline=sample.byline,
        paragraphs=sample.paragraphs if allowed else None,
        wall=None if allowed else _wall(visit, plan, price, checked),
        meter=views.Meter(used=checked.meter.used, limit=checked.meter.limit)
        if show_meter and checked.meter
        else None,
        listen=_listen(sample, checked),
        note=NOTES.get(checked.decision.reason),
        json_ld=news_article(
            sample.teaser, parts.sender.house, parts.office.page(f"/articles/{sample.teaser.id}")
        ),
        more=tuple(teaser_of(parts.office, other) for other in others[:3]),
    )


def _wall(visit: Visit, plan: Plan, price: Price, checked: Checked) -> views.Wall:
    anonymous = visit.reader is None
    return views.Wall(
        reason=WALLS[checked.decision.reason],
        price=Money(price.amount, price.currency),
        trial_days=plan.trial_days,
        limit=checked.meter.limit if checked.meter else None,
        registered_limit=visit.parts.settings.meter_registered if checked.meter and anonymous else None,
    )


def _listen(sample: SampleArticle, checked: Checked) -> views.Listen | None:
    if not sample.teaser.audio:
        return None
    source = f"/articles/{sample.teaser.id}/audio" if LISTEN in checked.decision.features else None
    return views.Listen(minutes=AUDIO_MINUTES, source=source)


@router.get("/articles/{article_id}/audio")
def audio(visit: Visiting, article_id: str) -> Response:
    """The recording, for whoever has the feature `listen`; asked again for every request."""
    sample = sample_article(article_id)
    checked = ask(visit, article_id, counts=False)
    if sample is None or not sample.teaser.audio:
        raise UnknownArticle
    if LISTEN not in checked.decision.features:
        return visit.page(
            views.Error(
                status=403,
                title="Listening is for subscribers",
                advice="With a subscription, or in the free trial, you can listen to this article.",
                link="/",
                link_text="See the offer",
            ),
            403,
        )
    return FileResponse(AUDIO, media_type="audio/ogg", headers={"Cache-Control": "private, no-store"})
