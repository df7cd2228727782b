"""From the offer to the card page: address, review, consent."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.responses import Response

from billing.access.articles import newest
from billing.cards import card_setup as setups
from billing.cards import ownership_proof
from billing.http import cookies
from billing.payments.dispute_limits import open_of
from billing.payments.models import CardSetup, SetupPurpose, SetupState
from billing.platform.actors import ReaderActor
from billing.readers import consents, rate
from billing.readers.models import Reader
from billing.readers.register import BadAddress, clean_address
from billing.rules import tax
from billing.subscriptions.offer import Offer, offer_today, offers_today
from billing.subscriptions.start import Open, open_to
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.view_rows import teasers
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.card_return import arrive, charge_at_once
from billing.web.reader.choices import PLAN_ID
from billing.web.reader.start_shared import (
    START_LIFE,
    Start,
    StartChoice,
    Why,
    count_card_page,
    refused_page,
    remember,
    start_of,
)
from billing.web.views.start import OfferPage, PlanOffer, ReviewPage, SubscribePage

router = APIRouter(include_in_schema=False)
PlanAsked = Annotated[str | None, Query(pattern=PLAN_ID)]


@router.get("/")
def offer(visit: Visiting) -> Response:
    """The promise, the prices, the dates."""
    site = visit.services.site
    with visit.services.database.begin(site, visit.at, visit.actor) as ctx:
        first, *others = offers_today(ctx)
        articles = teasers(visit, ctx.session, newest(ctx.session, 6))
    view = OfferPage(
        price=first.amount,
        period=first.plan.period_label,
        dates=first.dates,
        others=tuple(_other(one) for one in others),
        articles=articles,
    )
    return visit.page(view)


def _other(offer: Offer) -> PlanOffer:
    return PlanOffer(
        plan_id=offer.plan.id,
        price=offer.amount,
        period=offer.plan.period_label,
        trial_days=offer.plan.trial_days,
        is_fixed_term=offer.plan.then_plan_id is not None,
    )


@router.get("/subscribe")
def ask_address(visit: Visiting, plan: PlanAsked = None) -> Response:
    """Step one, for a browser that isn't signed in. Raises NotOffered."""
    with visit.begin() as ctx:
        offer = offer_today(ctx, plan or None)
        reason = _why_not(visit, ctx.session, visit.reader, SetupPurpose.TRIAL)
    if visit.reader is None:
        return _address_page(visit, offer)
    return _begin(visit, visit.reader.email, offer, reason)


@router.post("/subscribe")
def take_address(
    visit: Guarded,
    email: Annotated[str, Form()] = "",
    plan: Annotated[str, Form(pattern=PLAN_ID)] = "",
) -> Response:
    """On to the review with any address: who subscribes isn't told before the address is proved (6.3.8)."""
    with visit.begin() as ctx:
        offer = offer_today(ctx, plan or None)
        try:
            email = clean_address(email)
        except BadAddress as refusal:
            return _address_page(visit, offer, email[:254], refusal.detail)
        ten = timedelta(minutes=10)
        rate.count_network(ctx, "start", visit.ip, limit=20, per=ten)
        reason = _why_not(visit, ctx.session, visit.reader, SetupPurpose.TRIAL)
    return _begin(visit, email, offer, reason)


def _begin(visit: Visit, email: str, offer: Offer, reason: Why | None) -> Response:
    remember(visit, StartChoice(email, SetupPurpose.TRIAL, offer.plan.id))
    return refused_page(visit, reason, offer) if reason else visit.go("/subscribe/review")


def _why_not(visit: Visit, session: Session, reader: Reader | None, purpose: SetupPurpose) -> Why | None:
    """Why the reader who is signed in can't start this; None where nothing speaks against it, and for everybody else: what is
    known of an address is asked when its card has been given (`cards/ownership_proof`)."""
    if reader is None:
        return None
    allowed = open_to(visit.context(session), email=reader.email, reader_id=reader.id)
    if allowed is Open.NOTHING:
        return "already_subscribed"
    if open_of(session, reader.id) is not None:
        return "dispute_open"  # a start is charged, and until the bank has decided we charge nothing
    return "trial_used" if allowed is Open.PAID and purpose is SetupPurpose.TRIAL else None


def _address_page(visit: Visit, offer: Offer, email: str = "", error: str | None = None) -> Response:
    view = SubscribePage(
        price=offer.amount,
        period=offer.plan.period_label,
        then=offer.then_amount,
        plan=offer.plan.id,
        dates=offer.dates,
        email=email,
        error=error,
    )
    return visit.page(view, 422 if error else 200)


@router.post("/subscribe/without-trial")
def without_trial(visit: Guarded) -> Response:
    """The friendly way on for somebody whose trial is used."""
    with visit.services.database.transaction() as session:
        start = start_of(visit, session)
    if start is None:
        return visit.go("/subscribe")
    remember(visit, StartChoice(start.email, SetupPurpose.PAID, start.offer.plan.id))
    return visit.go("/subscribe/review")


@router.get("/subscribe/review")
def review(visit: Visiting) -> Response:
    """Everything on one screen before the card: price, dates, how to cancel, consent (CARD-2, ECT-2)."""
    with visit.services.database.transaction() as session:
        start = start_of(visit, session)
    return _review_page(visit, start) if start else visit.go("/subscribe")


def _review_page(visit: Visit, start: Start, error: str | None = None) -> Response:
    offer = start.offer
    split = tax.split(offer.amount, tax.rate_on(visit.services.site.today(visit.at)))
    view = ReviewPage(
        email=start.email,
        price=offer.amount,
        period=offer.plan.period_label,
        vat=split.vat,
        dates=start.dates,
        next_charge_on=start.next_charge_on,
        then=offer.then_amount,
        consent_text=start.terms.words,
        error=error,
    )
    return visit.page(view, 422 if error else 200)


@router.post("/subscribe/review")
@may_wait
def agree(visit: Guarded, consent: Annotated[str, Form()] = "") -> Response | Waits:
    """Record the consent, then on to the card page; or, with a card that was saved just before, straight to the start."""
    with visit.services.database.transaction() as session:
        start = start_of(visit, session)
        if start is None:
            return visit.go("/subscribe")
        if consent != "yes":
            words = "Please tick the box to agree, or go back: nothing has started yet."
            return _review_page(visit, start, words)
        reason = _why_not(visit, session, visit.reader, start.purpose)
        if reason is not None:
            return refused_page(visit, reason, start.offer)
        setup = _record(visit, session, start)
    visit.give(cookies.SETUP, setup.id, START_LIFE)
    return Waits(visit, lambda: _go_on(visit, setup, start.terms.words))


def _go_on(visit: Visit, setup: CardSetup, words: str) -> Response:
    if setup.state is not SetupState.OPEN:
        charge_at_once(visit, setup)
        return arrive(visit, setup)
    services = visit.services
    page = setups.open_page(
        services.database, services.acquirers, services.site, setup.id, words=words, back="/subscribe/review"
    )
    return visit.go(page.url)


def _record(visit: Visit, session: Session, start: Start) -> CardSetup:
    """The consent and the visit to the card page; finished at once where this browser has just saved a card."""
    site, at = visit.services.site, visit.at
    count_card_page(visit, session)
    email, offer, dates = start.email, start.offer, start.dates
    earlier = ownership_proof.earlier_visit(session, visit.cookie(cookies.SETUP), visit.owns, email)
    reader_id = visit.reader.id if visit.reader else ownership_proof.made_here(session, earlier)
    consent = consents.record(
        visit.context(session),
        consents.GivenBy(email, visit.reader.id if visit.reader else None, visit.ip, visit.device),
        start.purpose.value,
        start.terms,
        offer.amount,
        dates.first_charge_on if dates else site.today(at),
    )
    setup = setups.begin(
        visit.context(session),
        setups.SetupRequest(
            acquirer=visit.services.gateway.name,
            purpose=start.purpose,
            email=email,
            price=offer.price,
            browser_hash=visit.browser_hash,
            consent_id=consent.id,
            reader_id=reader_id,
            browser_known=reader_id is not None,
        ),
    )
    setup.new_reader = earlier is not None and earlier.new_reader
    saved = setups.card_of_refused(session, earlier)
    if start.purpose is SetupPurpose.PAID and saved is not None and saved.reader_id == reader_id:
        setups.complete_with(visit.context(session).acting_as(ReaderActor(saved.reader_id)), setup, saved)
    return setup
