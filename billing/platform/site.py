"""What the domain must know of the installation: its zone, the addresses of its pages, its secrets."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from billing.platform.tokens import Tokens, place
from billing.rules.periods import civil_date, last_day_before

CANCEL = "cancel"
CARD = "card"
PAY = "pay"
REQUEST = "request"


@dataclass(frozen=True)
class Policy:
    """What the publisher grants its readers."""

    cooling_off_days: int = 14
    """Civil days after the first charge in which it goes back in full (INT-2; the law asks for 7, ECT-5)."""
    pause_months: int = 3
    """Months for which a reader may pause; 0: not at all."""
    term_notice_days: int = 20
    """Business days of notice for leaving a year early (CPA-2)."""
    session_limit: int = 0
    """Browsers in which a reader may be signed in at once; 0: any number."""
    withdrawals_a_year: int = 1
    """Withdrawals in twelve months for which nobody is asked; staff decide about the next."""


@dataclass(frozen=True)
class StaffLimits:
    """Cents that staff may give back: support to one reader in a month, and one member of it in a day; any member alone to one
    reader, and in all, in a day."""

    support_refund_limit: int = 15_000
    support_refund_day_limit: int = 75_000
    second_person_limit: int = 100_000
    second_person_day_limit: int = 500_000


@dataclass(frozen=True)
class Site:
    """Made once, at start, and passed to whoever counts days or writes to readers."""

    zone: ZoneInfo
    public_url: str
    tokens: Tokens
    installation: str = "main"
    """Its name, with which the names of its charges begin."""
    policy: Policy = Policy()
    staff_limits: StaffLimits = StaffLimits()

    def today(self, at: datetime) -> date:
        """The civil day at that instant, in the publisher's zone."""
        return civil_date(at, self.zone)

    def last_day(self, until: datetime) -> date:
        """The last civil day before an instant at which something ends: midnight ends the day before."""
        return last_day_before(until, self.zone)

    def moment(self, at: datetime) -> str:
        """An instant in words, in the publisher's zone."""
        return f"{at.astimezone(self.zone):%-d %B %Y, %H:%M}"

    def page(self, path: str) -> str:
        """The address of one of our pages."""
        return f"{self.public_url}{path}"

    @property
    def account_url(self) -> str:
        """Where a reader sees and changes everything."""
        return self.page("/account")

    @property
    def undo_url(self) -> str:
        """Where a reader undoes a cancellation, signed in."""
        return self.page("/account/cancelled")

    @property
    def offer_url(self) -> str:
        """Where a reader can begin."""
        return self.page("/")

    def cancel_url(self, subscription_id: str) -> str:
        """A link that cancels without signing in (CARD-7), and undoes nothing; for a stored mail, so the token is a place."""
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
