"""Pages from the offer to a running subscription, and error pages, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.paper.sample_articles import sample_articles
from billing.dev.previews.values import (
    ARTICLE,
    CARD,
    CONSENT,
    DATES,
    LONG_ADDRESS,
    OFFER,
    PAID_ACCOUNT,
    PRICE,
    READER,
    STEPS,
    VAT,
    VISITOR,
    YEAR_CONSENT,
    YEAR_OFFER,
)
from billing.rules.decline_causes import DeclineCause
from billing.rules.money import Money
from billing.web.kit.problems import TITLES
from billing.web.reader.card_return import NOT_ASKED
from billing.web.views.account import SignInSentPage, WhoChargedMePage
from billing.web.views.frame import ErrorPage, Flash, Frame, Page
from billing.web.views.start import (
    CardDeclinedPage,
    OfferPage,
    ReadOnPage,
    RefusedPage,
    ReviewPage,
    StartedPage,
    StartPendingPage,
    SubscribePage,
)
from emails.languages import say


def pages() -> Iterator[tuple[str, Page, Frame]]:
    review = ReviewPage(email=LONG_ADDRESS, offer=OFFER, vat=VAT, dates=DATES, consent_text=CONSENT)
    now = ReviewPage(
        email="thandi@example.org",
        offer=OFFER,
        vat=VAT,
        dates=None,
        consent_text="I agree: R75.00 incl. VAT today and each month from now on, charged to my card until I cancel.",
    )
    started = StartedPage(
        email="thandi@example.org", offer=OFFER, dates=DATES, next_charge_on=DATES.first_charge_on, card=CARD
    )
    latest = tuple(article.teaser for article in sample_articles()[:6])
    offer = OfferPage(offer=OFFER, others=(YEAR_OFFER,), articles=latest, step=STEPS["stranger"])
    yield "offer", offer, VISITOR
    for name in ("in_trial", "trial_used", "paused", "payment_open"):
        step = STEPS[name]
        reader = replace(READER, can_subscribe=step.can_start)
        yield f"offer-{name.replace('_', '-')}", replace(offer, step=step), reader
    yield "subscribe", SubscribePage(offer=OFFER), replace(VISITOR, path="/subscribe")
    wrong = SubscribePage(offer=OFFER, email="thandi@", error="That doesn’t look like an email address.")
    yield "subscribe-problem", wrong, replace(VISITOR, path="/subscribe", banner=None)
    yield "review", review, replace(VISITOR, path="/subscribe/review")
    unticked = replace(review, error="Please tick the box, if you agree.")
    yield "review-problem", unticked, replace(VISITOR, path="/subscribe/review")
    year = replace(review, offer=YEAR_OFFER, vat=Money(9783), consent_text=YEAR_CONSENT)
    yield "review-year", year, replace(VISITOR, path="/subscribe/review")
    yield "review-without-trial", now, replace(VISITOR, path="/subscribe/review")
    yield "review-card-on-file", replace(now, card=CARD), replace(READER, path="/subscribe/review")
    later = (
        "The price is now R75.00 incl. VAT instead of R65.00 incl. VAT.",
        "The first charge is now on Tuesday 8 December 2026, because a new day has begun.",
    )
    yield (
        "review-changed",
        replace(review, email="thandi@example.org", changed=later),
        replace(VISITOR, path="/subscribe/review"),
    )
    for reason in ("trial_used", "card_used", "already_subscribed", "dispute_open"):
        refused = RefusedPage(reason=reason, offer=OFFER)
        yield f"refused-{reason.replace('_', '-')}", refused, VISITOR
    twice = RefusedPage(reason="already_subscribed", offer=OFFER, step=STEPS["in_trial"])
    yield "refused-subscriber", twice, READER
    resting = RefusedPage(reason="already_subscribed", offer=OFFER, step=STEPS["paused"])
    yield "refused-paused", resting, READER
    yield "start-awaits-proof", SignInSentPage(email=LONG_ADDRESS), VISITOR
    yield "start-awaits-proof-no-mail", SignInSentPage(email=LONG_ADDRESS, mailed=False), VISITOR
    yield "started", started, READER
    yield "started-read-on", replace(started, read_on=ARTICLE), READER
    stays = replace(ARTICLE, url="#main")  # the real page goes on at once
    yield "read-on", ReadOnPage(article=stays), READER
    yield "started-year", replace(started, offer=YEAR_OFFER), READER
    paid = replace(started, dates=None, next_charge_on=date(2026, 12, 23))
    yield "started-paid", paid, READER
    yield "started-signed-out", replace(started, email=LONG_ADDRESS), VISITOR
    yield "started-paid-signed-out", paid, VISITOR
    yield "start-pending", StartPendingPage(again_url="start-pending.html", seconds=1), VISITOR
    declined = CardDeclinedPage(advice="You can also use another card.", cause=DeclineCause.FUNDS)
    yield "card-declined", declined, VISITOR
    yield "card-not-asked", CardDeclinedPage(advice=NOT_ASKED, bank_asked=False), VISITOR
    yield from _charged()
    yield from _errors()


def _charged() -> Iterator[tuple[str, Page, Frame]]:
    page = WhoChargedMePage(prices=(("month", PRICE), ("year", Money(75000))), suffix="TRIAL OVER")
    yield "who-charged-me", page, VISITOR
    yield "who-charged-me-nobody-here", page, READER
    yield "who-charged-me-you", replace(page, receipts=PAID_ACCOUNT.receipts), READER


def _errors() -> Iterator[tuple[str, Page, Frame]]:
    """Previews of the error pages."""
    missing = ErrorPage(
        status=404,
        title=TITLES[404],
        advice=say("There is no such page. It may have moved."),
    )
    broken = ErrorPage(
        status=500,
        title=TITLES[500],
        advice=say("We have been told, and are looking into it. Nothing was lost."),
        request_id="req_8f2k1",
    )
    yield "error-404", missing, replace(VISITOR, banner=None)
    yield "error-500", broken, replace(VISITOR, flash=Flash(text="That did not work.", tone="bad"))
