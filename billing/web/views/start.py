"""The pages from the offer to a running subscription."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.rules.decline_causes import DeclineCause
from billing.rules.money import Money
from billing.rules.trial import TrialDates
from billing.subscriptions.offer import Offer
from billing.web.views.frame import Card, NextStep, ReadOn, nothing_agreed
from billing.web.views.newsletters import NewsletterBox
from emails.languages import Language, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaser:
    """An article as lists show it. `access` is free, open, registered, metered or subscriber, as of now."""

    id: str
    url: str
    title: str
    section: str
    lead: str = ""
    access: str
    published_on: date
    minutes: int | None = None
    """Reading time, where it is known."""
    audio: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    template: ClassVar[str] = "offer.html"
    offer: Offer
    others: tuple[Offer, ...] = ()
    """The offers after the first."""
    articles: tuple[Teaser, ...]
    step: NextStep


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribePage:
    template: ClassVar[str] = "subscribe.html"
    offer: Offer
    email: str = ""
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """The review before the card page. Without `dates` there is no trial: the price is charged today, to `card` if this browser has
    just saved one. `consent_text` stands beside the box word for word, and is recorded as it stands (CARD-1), with the versions of
    the legal documents that are shown. `agreed` makes the signed copy of what is shown in a language; `changed` is what has changed
    since the reader agreed to it (`reader.agreement`)."""

    template: ClassVar[str] = "review.html"
    email: str
    offer: Offer
    vat: Money
    dates: TrialDates | None
    consent_text: Text
    card: Card | None = None
    agreed: Callable[[Language], str] = nothing_agreed
    changed: tuple[Text, ...] = ()
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPage:
    """Why nothing can start. `reason` is `already_subscribed` or `dispute_open`, which ask to sign in, or `trial_used` or
    `card_used`, which offer a start without a trial."""

    template: ClassVar[str] = "refused.html"
    reason: str
    offer: Offer
    cooling_off_days: int = 14
    step: NextStep | None = None
    """What a signed-in reader who has a subscription can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedPage:
    """Without `dates` the first period has just been paid. The boxes of `newsletters` are never ticked for the reader."""

    template: ClassVar[str] = "started.html"
    email: str
    offer: Offer
    dates: TrialDates | None
    next_charge_on: date
    card: Card
    newsletters: tuple[NewsletterBox, ...] = ()
    read_on: ReadOn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnPage:
    """On from our pages to an article on the publisher's own host."""

    template: ClassVar[str] = "read_on.html"
    article: ReadOn


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPendingPage:
    """Polls `again_url` every `seconds` until it answers with another page."""

    template: ClassVar[str] = "start_pending.html"
    again_url: str
    seconds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDeclinedPage:
    """`advice` never says lost, stolen or fraud. Without `bank_asked` the bank wasn't asked, as it refused the card too often."""

    template: ClassVar[str] = "card_declined.html"
    advice: Text
    bank_asked: bool = True
    cause: DeclineCause | None = None
