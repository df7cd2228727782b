"""What domain code needs of the installation: its zone, its pages' addresses, its secrets, its policy, its languages."""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from billing.platform.setting_house import Policy, StaffLimits
from billing.platform.tokens import Tokens, place
from billing.rules.periods import civil_date, last_day_before
from emails.languages import Languages, Text, date_and_time, english_alone

CANCEL = "cancel"
CARD = "card"
PAY = "pay"
REQUEST = "request"


@dataclass(frozen=True)
class Site:
    """Made once, at start, and passed to functions that count days or write to readers."""

    zone: ZoneInfo
    public_url: str
    tokens: Tokens
    installation: str = "main"
    """Its name, with which the keys of its charges begin."""
    policy: Policy = field(default_factory=lambda: Policy.model_validate({}))
    staff_limits: StaffLimits = field(default_factory=lambda: StaffLimits.model_validate({}))
    languages: Languages = field(default_factory=english_alone)
    """The languages of pages and mails."""

    def today(self, at: datetime) -> date:
        """The civil day at that instant, in the publisher's zone."""
        return civil_date(at, self.zone)

    def last_day(self, until: datetime) -> date:
        """The last civil day before an instant at which something ends: midnight ends the day before."""
        return last_day_before(until, self.zone)

    def moment(self, at: datetime) -> Text:
        """An instant in words, in the publisher's zone: "16 March 2026, 09:00"."""
        return date_and_time(at.astimezone(self.zone))

    def page(self, path: str) -> str:
        """The address of one of our pages."""
        return f"{self.public_url}{path}"

    @property
    def account_url(self) -> str:
        """Where a reader sees and changes everything."""
        return self.page("/account")

    @property
    def undo_url(self) -> str:
        """Where a signed-in reader undoes a cancellation."""
        return self.page("/account/cancelled")

    @property
    def offer_url(self) -> str:
        """The page with the offer."""
        return self.page("/")

    def offer_for(self, article_id: str) -> str:
        """The same for a reader who wanted this article, by its id in letters that an address takes: all pages lead back to it."""
        return f"{self.public_url}/?article={article_id}"

    def cancel_url(self, subscription_id: str) -> str:
        """A link that cancels without signing in (CARD-7), for a stored mail. It can't undo a cancellation."""
        return self.page(f"/cancel/{place(CANCEL, subscription_id)}")

    def confirm_url(self, request_id: str) -> str:
        """A link by which a reader confirms a request that came by form; for a stored mail."""
        return self.page(f"/request/{place(REQUEST, request_id)}")

    def card_url(self, subscription_id: str) -> str:
        """A link to give another card, without signing in; for a stored mail."""
        return self.page(f"/card/{place(CARD, subscription_id)}")

    def pay_url(self, invoice_id: str) -> str:
        """A link to pay one open invoice, without signing in; for a stored mail."""
        return self.page(f"/pay/{place(PAY, invoice_id)}")
