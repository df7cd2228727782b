"""From the offer to a running subscription: address, review, card page, back."""

import base64
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.responses import Response

from billing.access.articles import newest
from billing.newsletters.signups import Person
from billing.payments import charge
from billing.payments import setup as setups
from billing.payments.models import AttemptState, CardSetup, PaymentMethod, SetupPurpose, SetupState
from billing.readers import consents, rate, sessions
from billing.readers.register import BadAddress, by_address, by_id, clean_address
from billing.renewals.run import run_for
from billing.rules import notices, periods, tax, trial
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.find import on_sale, terms_of
from billing.subscriptions.models import Plan, Price, Subscription
from billing.subscriptions.start import AlreadySubscribed, Open, open_to
from billing.web import cookies, views
from billing.web.newsletters import boxes
from billing.web.show import card_of, teaser_of
from billing.web.visit import Guarded, Visit, Visiting

router = APIRouter(include_in_schema=False)
START_LIFE = timedelta(hours=12)
WAY_BACK = timedelta(hours=1)
TRIAL, PAID = "trial", "paid"


def dates_of(visit: Visit, plan: Plan, since: datetime | None = None) -> views.TrialDates:
    """The calendar of a trial that starts today, or that started at `since`."""
    today = visit.parts.office.today(since or visit.at)
    zone = visit.parts.office.zone
    charge_on = trial.first_charge_on(today, plan.trial_days)
    charge_at = trial.charge_at(charge_on, zone)
    first, second = (
        periods.civil_date(notices.window(which, charge_at).aim_at, zone)
        for which in (notices.Notice.FIRST, notices.Notice.SECOND)
    )
    return views.TrialDates(
        days=plan.trial_days,
        free_until=trial.last_free_day(today, plan.trial_days),
        first_notice_on=first,
        second_notice_on=second,
        first_charge_on=charge_on,
    )


def terms_today(visit: Visit, session: Session) -> tuple[Plan, Price, Money]:
    """What is on sale today."""
    plan, price = on_sale(session, visit.parts.office.today(visit.at))
    return plan, price, Money(price.amount, price.currency)


@router.get("/")
def offer(visit: Visiting) -> Response:
    """The promise, the price, the dates."""
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session)
        articles = tuple(teaser_of(visit.parts.office, article) for article in newest(session, 6))
    return visit.page(views.Offer(price=money, dates=dates_of(visit, plan), articles=articles))


@router.get("/subscribe")
def ask_address(visit: Visiting) -> Response:
    """Step one, for a browser that isn't signed in."""
    if visit.reader is None:
        return _address_page(visit, "", None)
    with visit.parts.database.transaction() as session:
        allowed = _open_to(visit, session, visit.reader.email)
    _remember(visit, visit.reader.email, TRIAL)
    return visit.go("/subscribe/review") if allowed is Open.TRIAL else _refused_page(visit, _WHY[allowed])


@router.post("/subscribe")
def take_address(visit: Guarded, email: Annotated[str, Form()] = "") -> Response:
    """The address decides what is offered: a trial, a start without one, or signing in.

    That tells whether an address is known here, which signing in never does; so it is counted by network address."""
    try:
        email = clean_address(email)
    except BadAddress as refusal:
        return _address_page(visit, email[:254], refusal.detail, 422)
    with visit.parts.database.transaction() as session:
        tokens = visit.parts.office.tokens
        rate.count(session, tokens, "start", visit.ip, limit=20, per=timedelta(minutes=10), at=visit.at)
        allowed = _open_to(visit, session, email)
    _remember(visit, email, TRIAL)
    return visit.go("/subscribe/review") if allowed is Open.TRIAL else _refused_page(visit, _WHY[allowed])


def _open_to(visit: Visit, session: Session, email: str) -> Open:
    reader = visit.reader or by_address(session, email)
    return open_to(session, visit.parts.office.tokens, email=email, reader_id=reader.id if reader else None)


Why = Literal["trial_used", "card_used", "already_subscribed"]
_WHY: dict[Open, Why] = {Open.PAID: "trial_used", Open.NOTHING: "already_subscribed"}


def _refused_page(visit: Visit, why: Why) -> Response:
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session)
    next_on = periods.nth(visit.parts.office.today(visit.at), 1, plan.months).end_on
    return visit.page(views.Refused(why=why, price=money, next_charge_on=next_on), 409)


def _address_page(visit: Visit, email: str, error: str | None, status: int = 200) -> Response:
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session)
    return visit.page(
        views.Subscribe(price=money, dates=dates_of(visit, plan), email=email, error=error), status
    )


def _remember(visit: Visit, email: str, mode: str) -> None:
    """The address stays in the reader's own browser, signed, until something is agreed to."""
    packed = base64.urlsafe_b64encode(f"{mode}:{email}".encode()).decode()
    visit.give(cookies.START, visit.parts.office.tokens.token("start", packed), START_LIFE)


def _remembered(visit: Visit) -> tuple[str, str] | None:
    packed = visit.parts.office.tokens.subject_of("start", visit.cookie(cookies.START))
    if packed is None:
        return (TRIAL, visit.reader.email) if visit.reader else None
    mode, _, email = base64.urlsafe_b64decode(packed).decode().partition(":")
    return mode, visit.reader.email if visit.reader else email


@router.post("/subscribe/without-trial")
def without_trial(visit: Guarded) -> Response:
    """The friendly way on for somebody whose trial is used."""
    remembered = _remembered(visit)
    if remembered is None:
        return visit.go("/subscribe")
    _remember(visit, remembered[1], PAID)
    return visit.go("/subscribe/review")


@router.get("/subscribe/review")
def review(visit: Visiting) -> Response:
    """Everything on one screen before the card: price, dates, how to cancel, consent (CARD-2, ECT-2)."""
    remembered = _remembered(visit)
    return _review_page(visit, *remembered, None) if remembered else visit.go("/subscribe")


def _review_page(visit: Visit, mode: str, email: str, error: str | None, status: int = 200) -> Response:
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session)
    today = visit.parts.office.today(visit.at)
    dates = dates_of(visit, plan) if mode == TRIAL else None
    split = tax.split(money, tax.rate_on(today))
    view = views.Review(
        email=email,
        price=money,
        vat=split.vat,
        dates=dates,
        next_charge_on=dates.first_charge_on if dates else periods.nth(today, 1, plan.months).end_on,
        consent_text=_words(money, dates),
        error=error,
    )
    return visit.page(view, status)


def _words(money: Money, dates: views.TrialDates | None) -> str:
    if dates is None:
        return consents.paid_words(money)
    return consents.trial_words(money, dates.days, dates.first_charge_on)


@router.post("/subscribe/review")
def agree(visit: Guarded, consent: Annotated[str, Form()] = "") -> Response:
    """Record the consent, then on to the card page; or, with a card that was saved just before, straight to the start."""
    remembered = _remembered(visit)
    if remembered is None:
        return visit.go("/subscribe")
    mode, email = remembered
    if consent != "yes":
        words = "Please tick the box to agree, or go back: nothing has started yet."
        return _review_page(visit, mode, email, words, 422)
    with visit.parts.database.transaction() as session:
        allowed = _open_to(visit, session, email)
        if allowed is Open.NOTHING or (allowed is Open.PAID and mode == TRIAL):
            return _refused_page(visit, _WHY[allowed])
        setup, words = _record(visit, session, mode, email)
    visit.give(cookies.SETUP, setup.id, START_LIFE)
    if setup.state is not SetupState.OPEN:
        return _arrive(visit, setup)
    parts = visit.parts
    page = setups.open_page(
        parts.database, parts.gateway, parts.office, setup.id, words=words, back="/subscribe/review"
    )
    return visit.go(page.url)


def _record(visit: Visit, session: Session, mode: str, email: str) -> tuple[CardSetup, str]:
    """The consent and the visit to the card page; finished at once where this browser has just saved a card."""
    office, at = visit.parts.office, visit.at
    rate.count(session, office.tokens, "card page", visit.ip, limit=30, per=timedelta(hours=1), at=at)
    plan, price, money = terms_today(visit, session)
    dates = dates_of(visit, plan) if mode == TRIAL else None
    words = _words(money, dates)
    reader = visit.reader or by_address(session, email)
    consent = consents.record(
        session,
        email=email,
        reader_id=visit.reader.id if visit.reader else None,
        kind=mode,
        text_version=consents.TRIAL_TERMS if dates else consents.PAID_TERMS,
        words=words,
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
        reader_id=reader.id if reader else None,
        at=at,
    )
    earlier = setups.earlier_visit(session, visit.cookie(cookies.SETUP), visit.browser_hash, email)
    setup.new_reader = earlier is not None and earlier.new_reader
    saved = setups.card_of_refused(session, earlier)
    if mode == PAID and saved is not None:
        setups.complete_with(session, office, setup, saved, at, by="reader")
    return setup, words


@router.get("/subscribe/back")
def back(visit: Visiting, setup: str = "") -> Response:
    """The reader returns from the card page: finish, if the webhook hasn't."""
    parts, setup_id = visit.parts, setup or visit.cookie(cookies.SETUP)
    with parts.database.transaction() as session:
        known = session.get(CardSetup, setup_id)
    if known is None or known.browser_hash != visit.browser_hash:
        raise setups.UnknownSetup
    found = setups.finish(parts.database, parts.gateway, parts.office, setup_id, visit.at, by="reader")
    return _arrive(visit, found)


def _arrive(visit: Visit, setup: CardSetup) -> Response:
    match setup.state:
        case SetupState.OPEN:
            return visit.page(views.StartPending(again_url=f"/subscribe/back?setup={setup.id}"))
        case SetupState.EXPIRED:
            return visit.go("/subscribe/review")
        case SetupState.REFUSED:
            return _refused_page(
                visit, "already_subscribed" if setup.refusal == AlreadySubscribed.code else "card_used"
            )
        case SetupState.DONE:
            return _welcome(visit, setup)


_CARD_FLASH = {AttemptState.CHARGED: "paid", AttemptState.DECLINED: "not-paid"}


def _welcome(visit: Visit, setup: CardSetup) -> Response:
    """Charge what is due at once, and sign the browser in where it has just made the account."""
    subscription_id = str(setup.subscription_id)
    if setup.purpose is not SetupPurpose.TRIAL:
        run_for(visit.parts.till, subscription_id, visit.at)
    with visit.parts.database.transaction() as session:
        subscription = session.get_one(Subscription, subscription_id)
        tried = charge.last_since(session, subscription_id, setup.created_at)
        if visit.reader is None and setup.new_reader:
            _sign_in_first_time(visit, session, subscription.reader_id, setup)
    if subscription.charging_since is not None:
        return visit.page(views.StartPending(again_url=f"/subscribe/back?setup={setup.id}"))
    if setup.purpose is SetupPurpose.CARD:
        if tried is None and subscription.state is State.PAST_DUE and subscription.retry_on is None:
            return visit.go("/account", "same-card")
        return visit.go("/account", _CARD_FLASH.get(tried, "card") if tried else "card")
    if subscription.state is State.ENDED:
        advice = "Nothing was charged and nothing has started. Please try another card, or ask your bank."
        return visit.page(views.CardDeclined(advice=advice), 402)
    return visit.go("/subscribe/started")


def _sign_in_first_time(visit: Visit, session: Session, reader_id: str, setup: CardSetup) -> None:
    """Only while nobody has proved the address by a mailed link: from then on a link is the way in.

    And only on the way back from the card page: later, or after signing out, this address in the history opens nothing."""
    reader = by_id(session, reader_id)
    late = setup.finished_at is None or visit.at - setup.finished_at > WAY_BACK
    if reader.address_proved_at is None and not late and not sessions.ever_ended(session, reader.id):
        secret = sessions.open_session(
            session,
            visit.parts.office.tokens,
            reader.id,
            at=visit.at,
            ip=visit.ip,
            device=visit.device,
            proved=False,
        )
        visit.give(cookies.SESSION, secret, sessions.ABSOLUTE)


@router.get("/subscribe/started")
def started(visit: Visiting) -> Response:
    """What happens now, and when; for the browser that started it."""
    with visit.parts.database.transaction() as session:
        setup = session.get(CardSetup, visit.cookie(cookies.SETUP))
        if setup is None or setup.browser_hash != visit.browser_hash or setup.state is not SetupState.DONE:
            return visit.go("/account")
        subscription = session.get_one(Subscription, setup.subscription_id)
        plan, price = terms_of(session, subscription)
        method = session.get_one(PaymentMethod, setup.payment_method_id)
        offered = _newsletters(visit, session)
    view = views.Started(
        email=setup.email,
        price=Money(price.amount, price.currency),
        dates=dates_of(visit, plan, since=setup.created_at) if setup.purpose is SetupPurpose.TRIAL else None,
        next_charge_on=subscription.period_end_on or subscription.charge_on,
        card=card_of(method),
        newsletters=offered,
    )
    return visit.page(view)


def _newsletters(visit: Visit, session: Session) -> tuple[views.Choice, ...]:
    """Those that a signed-in reader hasn't chosen yet."""
    if visit.reader is None:
        return ()
    found = boxes(session, Person.of(visit.reader))
    return tuple(each for each in found if not each.chosen and not each.pending)
