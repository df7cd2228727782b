"""The pages from the offer to a running subscription. With `then`, `price` is that of a year, and a month after it costs `then`;
otherwise it is paid each `period`."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from billing.rules.money import Money
from billing.rules.trial import TrialDates
from billing.web.views.frame import Card
from billing.web.views.newsletters import NewsletterBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaser:
    """An article as lists show it; `access` is free, open, registered, metered or subscriber, as it is at this moment."""

    id: str
    url: str
    title: str
    section: str
    lead: str = ""
    access: str
    published_on: date
    minutes: int | None = None
    """How long it takes to read, where that is known."""
    audio: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOffer:
    """A plan that may be taken in place of the first. A fixed term is a year, and is paid by the month after it."""

    plan_id: str
    price: Money
    period: str
    trial_days: int
    is_fixed_term: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    template: ClassVar[str] = "offer.html"
    price: Money
    period: str = "month"
    dates: TrialDates
    others: tuple[PlanOffer, ...] = ()
    """The plans after the first."""
    articles: tuple[Teaser, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribePage:
    template: ClassVar[str] = "subscribe.html"
    price: Money
    period: str = "month"
    then: Money | None = None
    plan: str = ""
    dates: TrialDates
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """The last look before the card page. Without `dates` there is no trial: the price is charged today.

    `consent_text` is shown beside the box word for word, so that what is recorded is what was read (CARD-1).
    """

    template: ClassVar[str] = "review.html"
    email: str
    price: Money
    period: str = "month"
    vat: Money
    dates: TrialDates | None
    next_charge_on: date
    consent_text: str
    then: Money | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPage:
    """Why no trial can start. `already_subscribed` and `dispute_open` ask to sign in, the others offer a start without a trial."""

    template: ClassVar[str] = "refused.html"
    reason: Literal["trial_used", "card_used", "already_subscribed", "dispute_open"]
    price: Money
    period: str = "month"
    next_charge_on: date
    then: Money | None = None
    cooling_off_days: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedPage:
    """Without `dates` the first month has just been paid. The boxes of `newsletters` are never ticked for the reader."""

    template: ClassVar[str] = "started.html"
    email: str
    price: Money
    period: str = "month"
    dates: TrialDates | None
    next_charge_on: date
    card: Card
    then: Money | None = None
    newsletters: tuple[NewsletterBox, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPendingPage:
    """Asks again at `again_url` every `seconds` until that answers with another page."""

    template: ClassVar[str] = "start_pending.html"
    again_url: str = "/subscribe/back"
    seconds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDeclinedPage:
    """`advice` is for the reader; it never says lost, stolen or fraud. Without `bank_asked` the bank wasn't asked, because the
    card has refused too often."""

    template: ClassVar[str] = "card_declined.html"
    advice: str
    retry_url: str = "/subscribe/review"
    bank_asked: bool = True
