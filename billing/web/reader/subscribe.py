"""From the offer to the card page: address, review, consent."""

from datetime import timedelta
from typing import Annotated, Literal

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
from billing.rules import periods, tax
from billing.rules.money import Money
from billing.subscriptions.find import MONTHLY, YEARLY, plans_on_sale
from billing.subscriptions.start import Open, open_to
from billing.web import views
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.view_rows import teasers
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.card_return import arrive, charge_at_once
from billing.web.reader.choices import month_after
from billing.web.reader.start_shared import (
    PAID,
    START_LIFE,
    TRIAL,
    Why,
    count_card_page,
    dates_of,
    refused_page,
    remember,
    remembered,
    terms_today,
)

router = APIRouter(include_in_schema=False)
PlanId = Literal["monthly", "yearly"]
PlanAsked = Annotated[PlanId, Query()]


@router.get("/")
def offer(visit: Visiting) -> Response:
    """The promise, the prices, the dates."""
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session)
        year = next(
            (
                Money(price.amount, price.currency)
                for each, price in plans_on_sale(session, visit.parts.office.today(visit.at))
                if each.id == YEARLY
            ),
            None,
        )
        articles = teasers(visit, session, newest(session, 6))
    return visit.page(views.Offer(price=money, year=year, dates=dates_of(visit, plan), articles=articles))


@router.get("/subscribe")
def ask_address(visit: Visiting, plan: PlanAsked = MONTHLY) -> Response:
    """Step one, for a browser that isn't signed in."""
    if visit.reader is None:
        return _address_page(visit, "", None, plan=plan)
    with visit.parts.database.transaction() as session:
        why = _why_not(visit, session, visit.reader, TRIAL)
    remember(visit, visit.reader.email, TRIAL, plan)
    return refused_page(visit, why, plan) if why else visit.go("/subscribe/review")


@router.post("/subscribe")
def take_address(
    visit: Guarded, email: Annotated[str, Form()] = "", plan: Annotated[PlanId, Form()] = MONTHLY
) -> Response:
    """On to the review with any address: who subscribes isn't told before the address is proved (6.3.8)."""
    try:
        email = clean_address(email)
    except BadAddress as refusal:
        return _address_page(visit, email[:254], refusal.detail, 422, plan=plan)
    with visit.parts.database.transaction() as session:
        tokens = visit.parts.office.tokens
        ten = timedelta(minutes=10)
        rate.count_network(session, tokens, "start", visit.ip, limit=20, per=ten, at=visit.at)
        why = _why_not(visit, session, visit.reader, TRIAL)
    remember(visit, email, TRIAL, plan)
    return refused_page(visit, why, plan) if why else visit.go("/subscribe/review")


def _why_not(visit: Visit, session: Session, reader: Reader | None, mode: str) -> Why | None:
    """Why the reader who is signed in can't start this; None where nothing speaks against it, and for everybody else: what is
    known of an address is asked when its card has been given (`cards/ownership_proof`)."""
    if reader is None:
        return None
    allowed = open_to(session, visit.parts.office.tokens, email=reader.email, reader_id=reader.id)
    if allowed is Open.NOTHING:
        return "already_subscribed"
    if open_of(session, reader.id) is not None:
        return "dispute_open"  # a start is charged, and until the bank has decided we charge nothing
    return "trial_used" if allowed is Open.PAID and mode == TRIAL else None


def _address_page(
    visit: Visit, email: str, error: str | None, status: int = 200, *, plan: str = MONTHLY
) -> Response:
    with visit.parts.database.transaction() as session:
        asked, _, money = terms_today(visit, session, plan)
        then = month_after(visit, session, asked)
    view = views.Subscribe(
        price=money, then=then, plan=plan, dates=dates_of(visit, asked), email=email, error=error
    )
    return visit.page(view, status)


@router.post("/subscribe/without-trial")
def without_trial(visit: Guarded) -> Response:
    """The friendly way on for somebody whose trial is used."""
    found = remembered(visit)
    if found is None:
        return visit.go("/subscribe")
    remember(visit, found[2], PAID, found[1])
    return visit.go("/subscribe/review")


@router.get("/subscribe/review")
def review(visit: Visiting) -> Response:
    """Everything on one screen before the card: price, dates, how to cancel, consent (CARD-2, ECT-2)."""
    found = remembered(visit)
    return _review_page(visit, *found, None) if found else visit.go("/subscribe")


def _review_page(
    visit: Visit, mode: str, plan_id: str, email: str, error: str | None, status: int = 200
) -> Response:
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session, plan_id)
        then = month_after(visit, session, plan)
    today = visit.parts.office.today(visit.at)
    dates = dates_of(visit, plan) if mode == TRIAL else None
    split = tax.split(money, tax.rate_on(today))
    view = views.Review(
        email=email,
        price=money,
        vat=split.vat,
        dates=dates,
        next_charge_on=dates.first_charge_on if dates else periods.nth(today, 1, plan.months).end_on,
        then=then,
        consent_text=_terms(money, dates, then).words,
        error=error,
    )
    return visit.page(view, status)


def _terms(money: Money, dates: views.TrialDates | None, then: Money | None) -> consents.Terms:
    if dates is None:
        return consents.for_paid(money, then)
    return consents.for_trial(money, dates.days, dates.first_charge_on, then)


@router.post("/subscribe/review")
@may_wait
def agree(visit: Guarded, consent: Annotated[str, Form()] = "") -> Response | Waits:
    """Record the consent, then on to the card page; or, with a card that was saved just before, straight to the start."""
    found = remembered(visit)
    if found is None:
        return visit.go("/subscribe")
    mode, plan_id, email = found
    if consent != "yes":
        words = "Please tick the box to agree, or go back: nothing has started yet."
        return _review_page(visit, mode, plan_id, email, words, 422)
    with visit.parts.database.transaction() as session:
        why = _why_not(visit, session, visit.reader, mode)
        if why is not None:
            return refused_page(visit, why, plan_id)
        setup, words = _record(visit, session, mode, plan_id, email)
    visit.give(cookies.SETUP, setup.id, START_LIFE)
    return Waits(visit, lambda: _go_on(visit, setup, words))


def _go_on(visit: Visit, setup: CardSetup, words: str) -> Response:
    if setup.state is not SetupState.OPEN:
        charge_at_once(visit, setup)
        return arrive(visit, setup)
    parts = visit.parts
    page = setups.open_page(
        parts.database, parts.gateway, parts.office, setup.id, words=words, back="/subscribe/review"
    )
    return visit.go(page.url)


def _record(visit: Visit, session: Session, mode: str, plan_id: str, email: str) -> tuple[CardSetup, str]:
    """The consent and the visit to the card page; finished at once where this browser has just saved a card."""
    office, at = visit.parts.office, visit.at
    count_card_page(visit, session)
    plan, price, money = terms_today(visit, session, plan_id)
    dates = dates_of(visit, plan) if mode == TRIAL else None
    terms = _terms(money, dates, month_after(visit, session, plan))
    earlier = ownership_proof.earlier_visit(session, visit.cookie(cookies.SETUP), visit.owns, email)
    reader_id = visit.reader.id if visit.reader else ownership_proof.made_here(session, earlier)
    consent = consents.record(
        session,
        email=email,
        reader_id=visit.reader.id if visit.reader else None,
        kind=mode,
        text_version=terms.version,
        words=terms.words,
        price=money,
        first_charge_on=dates.first_charge_on if dates else office.today(at),
        at=at,
        ip=visit.ip,
        device=visit.device,
    )
    setup = setups.begin(
        session,
        purpose=SetupPurpose(mode),
        email=email,
        price=price,
        browser_hash=visit.browser_hash,
        consent_id=consent.id,
        reader_id=reader_id,
        browser_known=reader_id is not None,
        at=at,
    )
    setup.new_reader = earlier is not None and earlier.new_reader
    saved = setups.card_of_refused(session, earlier)
    if mode == PAID and saved is not None and saved.reader_id == reader_id:
        setups.complete_with(session, office, setup, saved, at, by=ReaderActor(saved.reader_id))
    return setup, terms.words
