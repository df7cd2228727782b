"""From the offer to the card page: address, review, consent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.brand import legal
from billing.brand.models import LegalDocument
from billing.cards import card_setup
from billing.changes.situation import STRANGER, situation_of
from billing.http import cookies
from billing.payments import vat_rates
from billing.payments.dispute_limits import open_of
from billing.payments.models import CardSetup, SetupPurpose, SetupState
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.readers import consents, rate
from billing.readers.register import BadAddress, clean_address
from billing.rules import address_hints, tax
from billing.subscriptions import find
from billing.subscriptions.offer import Offer, offer_today, offers_of
from billing.subscriptions.start import Open, open_to
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.kept_rows import on_offer, on_offer_and_newest
from billing.web.kit.problems import words_of
from billing.web.kit.quick_page import quick_page
from billing.web.kit.view_rows import card_of, teasers
from billing.web.kit.visit import NOBODY, Guarded, Visit, Visiting
from billing.web.reader import way
from billing.web.reader.agreement import differences, language_shown, signed_review
from billing.web.reader.card_return import arrive, charge_at_once
from billing.web.reader.choices import PLAN_ID
from billing.web.reader.next_step import next_step
from billing.web.reader.start_shared import (
    PLAN_IS_GONE,
    START_LIFE,
    EarlierStart,
    Start,
    StartChoice,
    count_card_page,
    earlier_of,
    refused_page,
    remember,
    remembered,
    start_of,
)
from billing.web.views.account import AddressQuestionPage
from billing.web.views.start import OfferPage, ReviewPage, SubscribePage
from emails import LegalLink
from emails.languages import say

router = APIRouter(include_in_schema=False)
MOST_ARTICLES = 6


@router.get("/")
@quick_page
def offer(visit: Visiting, article: str = "", issue: str = "") -> Response:
    """The promise, the prices, the dates; for a reader who is signed in, what they can do next. `article`: where they go on;
    `issue`: the newsletter they come from."""
    way.arrive(visit, article, issue)
    if visit.identity is NOBODY:
        return visit.page(_offer_page(visit, None))
    with visit.read() as ctx:
        view = _offer_page(visit, ctx)
    return visit.page(view)


def _offer_page(visit: Visit, ctx: TransactionContext | None) -> OfferPage:
    site, found, article = visit.services.site, STRANGER, None
    if ctx is not None and visit.reader is not None:
        found, article = situation_of(ctx, visit.reader), way.read_on(visit, ctx)
    offered, newest = on_offer_and_newest(visit, ctx, MOST_ARTICLES)
    first, *others = offers_of(site, visit.today, offered)
    step = next_step(found, first.plan, first.price, article)
    return OfferPage(offer=first, others=tuple(others), articles=teasers(visit, newest), step=step)


@router.get("/subscribe")
@quick_page
def ask_address(
    visit: Visiting,
    plan: Annotated[str | None, Query(pattern=PLAN_ID)] = None,
    article: str = "",
    issue: str = "",
) -> Response:
    """Step one, for a browser that isn't signed in. `article`: where the reader goes on after the start; `issue`: the newsletter they
    come from. Raises NotOffered."""
    way.arrive(visit, article, issue)
    one = find.the_one(on_offer(visit), plan or None)
    (offer,) = offers_of(visit.services.site, visit.today, [one])
    if visit.reader is None:
        before = remembered(visit)  # by "Change" on the review
        return visit.page(SubscribePage(offer=offer, email=before.email if before else ""))
    with visit.read() as ctx:
        refusal = _why_not(visit, ctx, SetupPurpose.TRIAL)
    return _begin(visit, visit.reader.email, offer, refusal)


@router.post("/subscribe")
def take_address(
    visit: Guarded,
    email: Annotated[str, Form()] = "",
    plan: Annotated[str, Form(pattern=PLAN_ID)] = "",
    sure: Annotated[str, Form()] = "",
) -> Response:
    """On to the review with any address: only its owner learns whether it subscribes (6.3.8). Raises NotOffered, TooMany."""
    with visit.begin() as ctx:
        offer = offer_today(ctx, plan or None)
        try:
            email = clean_address(email)
        except BadAddress as error:
            return visit.page(SubscribePage(offer=offer, email=email[:254], error=words_of(error)), 422)
        suggested = None if sure else address_hints.suggestion(email)
        if suggested is not None:
            question = AddressQuestionPage(
                action="/subscribe", typed=email, suggested=suggested, plan_id=offer.plan.id
            )
            return visit.page(question, 422)
        rate.count_network(ctx, "start", visit.ip, limit=20, per=timedelta(minutes=10))
        refusal = _why_not(visit, ctx, SetupPurpose.TRIAL)
    return _begin(visit, email, offer, refusal)


def _begin(visit: Visit, email: str, offer: Offer, refusal: str | None) -> Response:
    remember(visit, StartChoice(email, SetupPurpose.TRIAL, offer.plan.id))
    return refused_page(visit, refusal, offer) if refusal else visit.go("/subscribe/review")


def _why_not(visit: Visit, ctx: TransactionContext, purpose: SetupPurpose) -> str | None:
    """Why the signed-in reader can't start this (see `RefusedPage`). None for a browser that isn't signed in: its address is
    looked at only when its card has been given (`cards/ownership_proof`)."""
    if visit.reader is None:
        return None
    allowed = open_to(ctx, email=visit.reader.email, reader_id=visit.reader.id)
    if allowed is Open.NOTHING:
        return "already_subscribed"
    if open_of(ctx.session, visit.reader.id) is not None:
        return "dispute_open"  # a start is charged, and nothing is charged until the bank has decided
    return "trial_used" if allowed is Open.PAID and purpose is SetupPurpose.TRIAL else None


@router.post("/subscribe/without-trial")
def without_trial(visit: Guarded) -> Response:
    """Go on without a trial, which was used before. Raises NotOffered."""
    with visit.begin() as ctx:
        start = start_of(visit, ctx)
    if start is None:
        return visit.go("/subscribe")
    remember(visit, StartChoice(start.email, SetupPurpose.PAID, start.offer.plan.id))
    return visit.go("/subscribe/review")


@router.get("/subscribe/review")
def review(visit: Visiting) -> Response:
    """Everything on one screen before the card: price, dates, how to cancel, consent (CARD-2, ECT-2). Raises NothingOnSale."""
    with visit.read() as ctx:
        start = start_of(visit, ctx)
        view = _review(visit, ctx, start, visit.services.publisher.house.documents) if start else None
    return visit.page(view) if view else visit.go("/subscribe")


def _review(
    visit: Visit,
    ctx: TransactionContext,
    start: Start,
    documents: Sequence[LegalDocument | LegalLink],
    earlier: EarlierStart | None = None,
) -> ReviewPage:
    rate = vat_rates.rate_on(ctx.session, start.first_charge_on(ctx.today))
    if earlier is None and start.purpose is SetupPurpose.PAID:
        earlier = earlier_of(visit, ctx, start.email)
    saved = earlier.card(ctx.session, start.purpose) if earlier else None
    vat, card = tax.split(start.offer.amount, rate).vat, card_of(saved) if saved else None
    tokens, shown = visit.services.site.tokens, legal.shown(documents)
    return ReviewPage(
        email=start.email,
        offer=start.offer,
        vat=vat,
        dates=start.dates,
        consent_text=start.terms.words,
        card=card,
        agreed=signed_review(tokens, start.shown(ctx.today, vat, card, shown), start.terms),
        changed=(PLAN_IS_GONE,) if start.instead else (),
    )


@router.post("/subscribe/review")
@may_call_gateway
def agree(
    visit: Guarded, consent: Annotated[str, Form()] = "", agreed: Annotated[str, Form()] = ""
) -> Response | GatewayCall:
    """Record the consent to what was shown, then on to the card page; or, with a card that was saved just before, straight to the
    start. Raises NothingOnSale."""
    with visit.begin() as ctx:
        start = start_of(visit, ctx)
        if start is None:
            return visit.go("/subscribe")
        earlier, documents = earlier_of(visit, ctx, start.email), legal.in_force(ctx.session)
        view = _review(visit, ctx, start, documents, earlier)
        language = language_shown(visit.services.site, agreed)
        changed = view.changed or differences(visit.services.site.tokens, agreed, view.agreed(language))
        if consent != "yes":
            words = say("Please tick the box to agree, or go back: nothing has started yet.")
            return visit.page(replace(view, changed=changed, error=words), 422)
        refusal = _why_not(visit, ctx, start.purpose)
        if changed and refusal is None:
            return visit.page(replace(view, changed=changed), 409)
        terms = replace(start.terms.in_language(language), beside=legal.agreed_words(documents))
        setup = _record(visit, ctx, start, terms, earlier) if refusal is None else None
    if setup is None:
        return refused_page(visit, str(refusal), start.offer)
    visit.give(cookies.SETUP, setup.id, START_LIFE)
    return GatewayCall(visit, lambda: _go_on(visit, setup, terms.shown))


def _go_on(visit: Visit, setup: CardSetup, words: str) -> Response:
    if setup.state is not SetupState.OPEN:
        charge_at_once(visit, setup)
        return arrive(visit, setup)
    services = visit.services
    page = card_setup.open_page(
        services.database, services.acquirers, services.site, setup.id, words=words, back="/subscribe/review"
    )
    return visit.go(page.url)


def _record(
    visit: Visit,
    ctx: TransactionContext,
    start: Start,
    terms: consents.Terms,
    earlier: EarlierStart,
) -> CardSetup:
    """The consent and the card setup; the setup is completed at once where this browser has just saved a card."""
    count_card_page(visit, ctx)
    email, reader_id = start.email, earlier.reader_id
    consent = consents.record(
        ctx,
        consents.GivenBy(email, visit.reader.id if visit.reader else None, visit.ip, visit.device),
        start.purpose.value,
        terms,
        start.offer.amount,
        start.first_charge_on(ctx.today),
    )
    setup = card_setup.begin(
        ctx,
        card_setup.SetupRequest(
            acquirer=visit.services.gateway.name,
            purpose=start.purpose,
            email=email,
            price=start.offer.price,
            browser_hash=visit.browser_hash,
            consent_id=consent.id,
            reader_id=reader_id,
            browser_known=reader_id is not None,
            came_from=way.origin(visit, ctx),
        ),
    )
    setup.new_reader = earlier.setup is not None and earlier.setup.new_reader
    saved = earlier.card(ctx.session, start.purpose)
    if saved is not None:
        card_setup.complete_with(ctx.acting_as(ReaderActor(saved.reader_id)), setup, saved)
    return setup
