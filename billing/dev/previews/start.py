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
from billing.readers import consents
from billing.readers.register import BadAddress
from billing.rules.decline_causes import DeclineCause
from billing.rules.money import Money
from billing.web.kit.flashes import FLASHES
from billing.web.kit.problems import TITLES, words_of
from billing.web.reader.agreement import words_of_money
from billing.web.reader.card_return import NOT_ASKED
from billing.web.views.account import SignInSentPage, WhoChargedMePage
from billing.web.views.frame import ErrorPage, Frame, Page
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
        consent_text=consents.for_paid(PRICE, "month", None).words,
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
    wrong = SubscribePage(offer=OFFER, email="thandi@", error=words_of(BadAddress()))
    yield "subscribe-problem", wrong, replace(VISITOR, path="/subscribe", banner=None)
    yield "review", review, replace(VISITOR, path="/subscribe/review")
    unticked = replace(
        review, error=say("Please tick the box to agree, or go back: nothing has started yet.")
    )
    yield "review-problem", unticked, replace(VISITOR, path="/subscribe/review")
    year = replace(review, offer=YEAR_OFFER, vat=Money(9783), consent_text=YEAR_CONSENT)
    yield "review-year", year, replace(VISITOR, path="/subscribe/review")
    yield "review-without-trial", now, replace(VISITOR, path="/subscribe/review")
    yield "review-card-on-file", replace(now, card=CARD), replace(READER, path="/subscribe/review")
    later = (
        say(
            "The price is now %(now)s instead of %(was)s.",
            now=words_of_money(PRICE),
            was=words_of_money(Money(6500)),
        ),
        say("The first charge is now on %(day)s, because a new day has begun.", day=DATES.first_charge_on),
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
    declined = CardDeclinedPage(advice=say("You can also use another card."), cause=DeclineCause.FUNDS)
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
    yield "error-500", broken, replace(VISITOR, flash=FLASHES["not-paid"])
