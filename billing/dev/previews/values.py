"""The values the preview's pages share: an invented publisher, a price, a calendar, a visitor and a reader."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from billing.dev.demo.clock_bar import TEMPLATE, DemoBar
from billing.dev.paper.look import paper_look
from billing.rules.money import Money
from billing.rules.trial import TrialDates
from billing.web.views.account import (
    AccountPage,
    NextChargeRow,
    ReceiptPage,
    ReceiptRow,
    SessionRow,
    WithdrawalTerms,
)
from billing.web.views.choices import PlanOption
from billing.web.views.frame import Card, Frame
from billing.web.views.start import PlanOffer

PRICE = Money(7500)
VAT = Money(978)
CARD = Card(brand="Visa", last4="4242", exp_month=8, exp_year=2029)
DATES = TrialDates(
    days=14,
    free_until=date(2026, 12, 7),
    first_notice_on=date(2026, 11, 30),
    second_notice_on=date(2026, 12, 4),
    first_charge_on=date(2026, 12, 8),
)
CONSENT = (
    "I agree: free through 7 December 2026, then R75.00 a month incl. VAT from 8 December 2026, "
    "charged to my card until I cancel."
)
YEAR_CONSENT = (
    "Yes, start my 14 days free. On 8 December 2026 charge my card R750.00 incl. VAT for a year. It never becomes another "
    "year by itself: it goes on at R75.00 incl. VAT every month until I cancel. If I cancel before the first charge, I pay nothing."
)
LONG_ADDRESS = "nomfundo.van-der-westhuizen@correspondence.kransrivier.example"
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleHouse:
    """An invented publisher; the running service takes its own from the settings."""

    name: str = "The Swartberg Post"
    legal_name: str = "Swartberg Post Media (Pty) Ltd"
    address: str = "14 Kerk Street, Kransrivier, 6999"
    vat_number: str = "4000000018"
    contact_email: str = "readers@swartberg-post.example"
    phone: str = "+27 23 000 0142"
    url: str = "https://swartberg-post.example"


LOOK = paper_look(ZoneInfo("Africa/Johannesburg"))
DEMO = DemoBar(
    now=NOW,
    sandbox_url="/_sandbox",
    next_at=datetime(2026, 11, 30, 7, 0, tzinfo=UTC),
    next_what="the first trial notice to thandi@example.org, and 1 more like it",
)
BAR = Markup(LOOK.render(TEMPLATE, demo=DEMO, csrf="sample-token", path="/"))  # noqa: S704 - a template's, which escapes
VISITOR = Frame(
    house=SampleHouse(),
    csrf="sample-token",
    path="/",
    today=date(2026, 11, 23),
    paper_url="/articles",
    banner=BAR,
)
READER = replace(VISITOR, signed_in=True)
WITHDRAWAL = WithdrawalTerms(amount=PRICE, last_day=date(2026, 12, 22), action="/account/withdraw")
BY_THE_YEAR = PlanOffer(
    plan_id="yearly", price=Money(75000), period="year", trial_days=14, is_fixed_term=True
)
YEAR = PlanOption(
    plan_id="yearly", every="year", amount=Money(75000), on=date(2027, 1, 8), is_fixed_term=True
)
PAID_ACCOUNT = AccountPage(
    email="thandi@example.org",
    status="You subscribe, and everything is open to you.",
    next_charge=NextChargeRow(on=date(2027, 1, 8), amount=PRICE),
    card=CARD,
    past_due=None,
    can_cancel=True,
    can_resume=False,
    can_subscribe=False,
    receipts=(
        ReceiptRow(invoice_id="inv_2", number="INV-000148", issued_on=date(2026, 12, 8), gross=PRICE),
        ReceiptRow(
            invoice_id="inv_1",
            number="INV-000017",
            issued_on=date(2026, 11, 8),
            gross=PRICE,
            refunded=PRICE,
        ),
    ),
    sessions=(
        SessionRow(session_id="ses_2", device="Firefox on Linux", last_seen_at=NOW, is_this=True),
        SessionRow(
            session_id="ses_1",
            device="Samsung Internet on Android",
            last_seen_at=datetime(2026, 11, 20, 18, 4, tzinfo=UTC),
        ),
    ),
)


RECEIPT = ReceiptPage(
    number="INV-000148",
    issued_on=date(2026, 12, 8),
    reader_email="thandi@example.org",
    description="Digital subscription, one month",
    period_from=date(2026, 12, 8),
    period_to=date(2027, 1, 7),
    net=Money(6522),
    vat=VAT,
    gross=PRICE,
    vat_percent="15",
    card=CARD,
    is_copy=False,
    file="/account/receipts/inv_1.pdf",
    action="/account/receipts/inv_1",
)
