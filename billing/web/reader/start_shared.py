"""What the pages of a start share: the choice kept in this browser, today's offer for it, the page that refuses."""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from sqlmodel import Session
from starlette.responses import Response

from billing.cards import card_setup, ownership_proof
from billing.changes.situation import situation_of
from billing.http import cookies
from billing.payments.models import CardSetup, PaymentMethod, SetupPurpose
from billing.platform.context import TransactionContext
from billing.readers import consents, rate
from billing.rules.money import Money
from billing.rules.trial import TrialDates
from billing.subscriptions.find import NotOffered
from billing.subscriptions.offer import Offer, offer_today
from billing.web.kit.visit import Visit
from billing.web.reader import way
from billing.web.reader.agreement import Shown, shown_charge, words_of_card, words_of_day, words_of_money
from billing.web.reader.next_step import next_step
from billing.web.views.frame import Card
from billing.web.views.start import RefusedPage
from emails.languages import amount, say

START_LIFE = timedelta(hours=12)
PLAN_IS_GONE = say("The plan that you chose is not offered any more. This page shows the one that is.")
MOST_RETURNS = 600
"""Returns from hosted pages in ten minutes from one network. A page that waits polls every three seconds: 200 times."""


def count_return(visit: Visit, ctx: TransactionContext) -> None:
    """Count a return from a hosted page, for the browser's network. Raises TooMany."""
    rate.count_network(ctx, "return", visit.ip, limit=MOST_RETURNS, per=timedelta(minutes=10))


def count_card_page(visit: Visit, ctx: TransactionContext) -> None:
    """Count an opening of the card page, for the browser's network. Raises TooMany."""
    rate.count_network(ctx, "card page", visit.ip, limit=30, per=timedelta(hours=1))


def refused_page(visit: Visit, reason: str, offer: Offer) -> Response:
    """Why nothing starts (see `RefusedPage`), and what can be taken instead. Call it with no transaction open."""
    step = None
    if reason == "already_subscribed" and visit.reader is not None:
        with visit.read() as ctx:
            found, article = situation_of(ctx, visit.reader), way.read_on(visit, ctx)
            step = next_step(found, offer.plan, offer.price, article)
    cooling_off_days = visit.services.site.policy.cooling_off_days
    view = RefusedPage(reason=reason, offer=offer, cooling_off_days=cooling_off_days, step=step)
    return visit.page(view, 409)


@dataclass(frozen=True, slots=True)
class StartChoice:
    """What was chosen in this browser before any consent. Without `plan_id` it is the first plan that everyone is offered."""

    email: str
    purpose: SetupPurpose
    plan_id: str | None


def remember(visit: Visit, choice: StartChoice) -> None:
    """Keep the choice in a signed cookie: before a consent the server stores nothing about an address."""
    packed = base64.urlsafe_b64encode(json.dumps(asdict(choice)).encode()).decode()
    visit.give(cookies.START, visit.services.site.tokens.token("start", packed), START_LIFE)


def remembered(visit: Visit) -> StartChoice | None:
    """The choice of this browser. A signed-in reader starts for their own address, whatever was typed, by default with a trial."""
    packed = visit.services.site.tokens.subject_of("start", visit.cookie(cookies.START))
    if packed is None:
        return StartChoice(visit.reader.email, SetupPurpose.TRIAL, None) if visit.reader else None
    choice = json.loads(base64.urlsafe_b64decode(packed))
    email = visit.reader.email if visit.reader else choice["email"]
    return StartChoice(email, SetupPurpose(choice["purpose"]), choice["plan_id"])


@dataclass(frozen=True, slots=True)
class Start:
    """The choice with today's offer for it. `instead`: the chosen plan isn't offered any more, and this is the first that is."""

    email: str
    purpose: SetupPurpose
    offer: Offer
    instead: bool = False

    @property
    def dates(self) -> TrialDates | None:
        """The days of the trial; None for a start without one."""
        return self.offer.dates if self.purpose is SetupPurpose.TRIAL else None

    def first_charge_on(self, today: date) -> date:
        """The day of the first charge: after the trial, or today without one."""
        return self.dates.first_charge_on if self.dates else today

    @property
    def terms(self) -> consents.Terms:
        """What is agreed to, word for word."""
        price, period, then = self.offer.amount, self.offer.plan.period_label, self.offer.then_amount
        if self.dates is None:
            return consents.for_paid(price, period, then)
        return consents.for_trial(price, period, self.dates.days, self.dates.first_charge_on, then)

    def shown(self, today: date, vat: Money, card: Card | None, documents: str) -> Shown:
        """What the review shows, but for the sentence beside its box. `documents`: the versions of the legal documents beside the box."""
        offer, dates = self.offer, self.dates
        other_days = (
            (dates.free_until, dates.first_notice_on, dates.second_notice_on) if dates else (offer.renews_on,)
        )
        return shown_charge(
            "trial" if dates else "paid",
            self.email,
            offer.plan,
            offer.amount,
            self.first_charge_on(today),
            vat=amount(str(vat)),
            then=words_of_money(offer.then_amount),
            free=say("%(days)s days", days=dates.days) if dates else "",
            days=", ".join(words_of_day(day) for day in other_days),
            card=words_of_card(card),
            documents=documents,
        )


def start_of(visit: Visit, ctx: TransactionContext) -> Start | None:
    """The start chosen in this browser, if any. Raises NothingOnSale."""
    choice = remembered(visit)
    if choice is None:
        return None
    try:
        return Start(choice.email, choice.purpose, offer_today(ctx, choice.plan_id))
    except NotOffered:
        first = offer_today(ctx)
        remember(visit, StartChoice(choice.email, choice.purpose, first.plan.id))
        return Start(choice.email, choice.purpose, first, instead=True)


@dataclass(frozen=True, slots=True)
class EarlierStart:
    """This browser's last visit to the card page for the same address, and the reader that the browser is known to be."""

    setup: CardSetup | None
    reader_id: str | None

    def card(self, session: Session, purpose: SetupPurpose) -> PaymentMethod | None:
        """The card that it saved, where a start without a trial can be charged to it at once."""
        if purpose is not SetupPurpose.PAID:
            return None
        saved = card_setup.card_of_refused(session, self.setup)
        return saved if saved is not None and saved.reader_id == self.reader_id else None


def earlier_of(visit: Visit, ctx: TransactionContext, email: str) -> EarlierStart:
    """What this browser did before, for this address."""
    setup = ownership_proof.earlier_visit(ctx.session, visit.cookie(cookies.SETUP), visit.owns, email)
    reader_id = visit.reader.id if visit.reader else ownership_proof.made_here(ctx.session, setup)
    return EarlierStart(setup, reader_id)
