"""What the pages of a start share: what the browser has chosen, today's offer for it, the friendly refusal."""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Literal

from sqlmodel import Session
from starlette.responses import Response

from billing.cards import ownership_proof
from billing.http import cookies
from billing.payments.models import CardSetup, SetupPurpose
from billing.readers import consents, rate
from billing.readers.models import Reader
from billing.rules.trial import TrialDates
from billing.subscriptions.offer import Offer, offer_today
from billing.web.kit.visit import Visit
from billing.web.views.start import RefusedPage

START_LIFE = timedelta(hours=12)
MOST_RETURNS = 600
"""Looks at a returning page in ten minutes from one network. A page that waits looks every three seconds: 200 times."""


def count_return(visit: Visit, session: Session) -> None:
    """Count a return from a hosted page, for the browser's network. Raises TooMany."""
    rate.count_network(
        visit.context(session), "return", visit.ip, limit=MOST_RETURNS, per=timedelta(minutes=10)
    )


def count_card_page(visit: Visit, session: Session) -> None:
    """Count an opening of the card page, for the browser's network. Raises TooMany."""
    rate.count_network(visit.context(session), "card page", visit.ip, limit=30, per=timedelta(hours=1))


Why = Literal["trial_used", "card_used", "already_subscribed", "dispute_open"]


def refused_page(visit: Visit, reason: Why, offer: Offer) -> Response:
    """Why nothing starts, and what can be taken instead."""
    view = RefusedPage(
        reason=reason,
        price=offer.amount,
        period=offer.plan.period_label,
        then=offer.then_amount,
        next_charge_on=offer.renews_on,
        cooling_off_days=visit.services.site.policy.cooling_off_days,
    )
    return visit.page(view, 409)


def lock_start(visit: Visit, session: Session) -> CardSetup | None:
    """The start of this browser, locked, for `after_sign_in`: to be held before its link (see `cards/ownership_proof`)."""
    return ownership_proof.hold(session, visit.cookie(cookies.SETUP), visit.browser_hashes)


def after_sign_in(visit: Visit, session: Session, held: CardSetup | None, reader: Reader) -> str | None:
    """The page of the start that waited for a sign-in in this browser, if one did."""
    waited = ownership_proof.hand_over(visit.context(session), held, reader)
    return f"/subscribe/back?setup={held.id}" if held is not None and waited else None


@dataclass(frozen=True, slots=True)
class StartChoice:
    """What was chosen in this browser before anything is agreed to."""

    email: str
    purpose: SetupPurpose
    plan_id: str | None
    """None for the first that everyone is offered."""


def remember(visit: Visit, choice: StartChoice) -> None:
    """Keep it in the reader's own browser, signed, until something is agreed to."""
    packed = base64.urlsafe_b64encode(json.dumps(asdict(choice)).encode()).decode()
    visit.give(cookies.START, visit.services.site.tokens.token("start", packed), START_LIFE)


def remembered(visit: Visit) -> StartChoice | None:
    """What this browser has chosen. A signed-in reader starts for their own address, whatever was typed, by default with a trial."""
    packed = visit.services.site.tokens.subject_of("start", visit.cookie(cookies.START))
    if packed is None:
        return StartChoice(visit.reader.email, SetupPurpose.TRIAL, None) if visit.reader else None
    said = json.loads(base64.urlsafe_b64decode(packed))
    email = visit.reader.email if visit.reader else said["email"]
    return StartChoice(email, SetupPurpose(said["purpose"]), said["plan_id"])


@dataclass(frozen=True, slots=True)
class Start:
    """One request of a start: for which address, with free days or without, and today's offer."""

    email: str
    purpose: SetupPurpose
    offer: Offer

    @property
    def dates(self) -> TrialDates | None:
        """The calendar of the trial, where there is one."""
        return self.offer.dates if self.purpose is SetupPurpose.TRIAL else None

    @property
    def next_charge_on(self) -> date:
        """The day of the first charge after today."""
        return self.dates.first_charge_on if self.dates else self.offer.renews_on

    @property
    def terms(self) -> consents.Terms:
        """What is agreed to, word for word."""
        amount, period, then = self.offer.amount, self.offer.plan.period_label, self.offer.then_amount
        if self.dates is None:
            return consents.for_paid(amount, period, then)
        return consents.for_trial(amount, period, self.dates.days, self.dates.first_charge_on, then)


def start_of(visit: Visit, session: Session) -> Start | None:
    """What this browser starts, if it has chosen anything. Raises NotOffered."""
    choice = remembered(visit)
    if choice is None:
        return None
    offer = offer_today(visit.context(session), choice.plan_id)
    return Start(choice.email, choice.purpose, offer)
