"""What the pages of a start share: the calendar and the price of today, what the browser remembers, the friendly refusal."""

import base64
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session
from starlette.responses import Response

from billing.cards import ownership_proof
from billing.http import cookies
from billing.payments.models import CardSetup
from billing.readers import rate
from billing.readers.models import Reader
from billing.rules import notices, periods, trial
from billing.rules.money import Money
from billing.subscriptions.find import MONTHLY, on_sale
from billing.subscriptions.models import Plan, Price
from billing.web import views
from billing.web.kit.visit import Visit
from billing.web.reader.choices import month_after

START_LIFE = timedelta(hours=12)
MOST_RETURNS = 600
"""Looks at a returning page in ten minutes from one network. A page that waits looks every three seconds: 200 times."""
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


def terms_today(visit: Visit, session: Session, plan_id: str = MONTHLY) -> tuple[Plan, Price, Money]:
    """What is on sale today."""
    plan, price = on_sale(session, visit.parts.office.today(visit.at), plan_id)
    return plan, price, Money(price.amount, price.currency)


def count_return(visit: Visit, session: Session) -> None:
    """Count a return from a hosted page, for the browser's network. Raises TooMany."""
    tokens, per = visit.parts.office.tokens, timedelta(minutes=10)
    rate.count_network(session, tokens, "return", visit.ip, limit=MOST_RETURNS, per=per, at=visit.at)


def count_card_page(visit: Visit, session: Session) -> None:
    """Count an opening of the card page, for the browser's network. Raises TooMany."""
    tokens, per = visit.parts.office.tokens, timedelta(hours=1)
    rate.count_network(session, tokens, "card page", visit.ip, limit=30, per=per, at=visit.at)


Why = Literal["trial_used", "card_used", "already_subscribed", "dispute_open"]


def refused_page(visit: Visit, why: Why, plan_id: str = MONTHLY) -> Response:
    with visit.parts.database.transaction() as session:
        plan, _, money = terms_today(visit, session, plan_id)
        then = month_after(visit, session, plan)
    next_on = periods.nth(visit.parts.office.today(visit.at), 1, plan.months).end_on
    view = views.Refused(
        why=why,
        price=money,
        then=then,
        next_charge_on=next_on,
        cooling_off_days=visit.parts.office.cooling_off_days,
    )
    return visit.page(view, 409)


def hold_start(visit: Visit, session: Session) -> CardSetup | None:
    """The start of this browser, locked, for `after_sign_in`: to be held before its link (see `cards/ownership_proof`)."""
    return ownership_proof.hold(session, visit.cookie(cookies.SETUP), visit.browser_hashes)


def after_sign_in(visit: Visit, session: Session, held: CardSetup | None, reader: Reader) -> str | None:
    """The page of the start that waited for a sign-in in this browser, if one did."""
    waited = ownership_proof.give(session, held, reader, visit.at)
    return f"/subscribe/back?setup={held.id}" if held is not None and waited else None


def remember(visit: Visit, email: str, mode: str, plan: str) -> None:
    """The address and the plan stay in the reader's own browser, signed, until something is agreed to."""
    packed = base64.urlsafe_b64encode(f"{mode}/{plan}:{email}".encode()).decode()
    visit.give(cookies.START, visit.parts.office.tokens.token("start", packed), START_LIFE)


def remembered(visit: Visit) -> tuple[str, str, str] | None:
    """Mode, plan and address."""
    packed = visit.parts.office.tokens.subject_of("start", visit.cookie(cookies.START))
    if packed is None:
        return (TRIAL, MONTHLY, visit.reader.email) if visit.reader else None
    wish, _, email = base64.urlsafe_b64decode(packed).decode().partition(":")
    mode, _, plan = wish.partition("/")
    return mode, plan or MONTHLY, visit.reader.email if visit.reader else email
