"""Values shared by the previews: a fictitious publisher, a price, dates, a visitor and a reader."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from billing.brand.legal import DocumentKind
from billing.changes.situation import STRANGER, Situation
from billing.dev.demo.clock_bar import TEMPLATE, DemoBar
from billing.dev.paper.look import paper_look
from billing.payments.invoice_recipients import Particulars
from billing.payments.invoices import described
from billing.readers import consents
from billing.rules.money import Money
from billing.rules.reader_state import ReaderState
from billing.rules.trial import TrialDates
from billing.subscriptions.models import Plan, Price
from billing.subscriptions.offer import Offer
from billing.web.reader.next_step import next_step
from billing.web.views.account import (
    AccountPage,
    NextChargeRow,
    ReceiptRow,
    SessionRow,
    WithdrawalTerms,
)
from billing.web.views.choices import PlanOption
from billing.web.views.frame import Card, Frame, ReadOn
from billing.web.views.receipt import ReceiptPage
from emails import House, LegalLink
from emails.languages import say

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
CONSENT = consents.for_trial(PRICE, "month", DATES.days, DATES.first_charge_on, None).words
YEAR_CONSENT = consents.for_trial(Money(75000), "year", DATES.days, DATES.first_charge_on, PRICE).words
LONG_ADDRESS = "nomfundo.van-der-westhuizen@correspondence.kransrivier.example"
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


HOUSE = House(
    name="The Swartberg Post",
    legal_name="Swartberg Post Media (Pty) Ltd",
    address="14 Kerk Street, Kransrivier, 6999",
    vat_number="4000000018",
    contact_email="readers@swartberg-post.example",
    phone="+27 23 000 0142",
    url="https://swartberg-post.example",
    legal_form="Private company",
    registration_number="2011/000018/07",
    registration_place="Kransrivier, South Africa",
    directors="N. Daniels, T. Mokoena",
    documents=tuple(
        LegalLink(kind.value, 1, kind.label, f"https://swartberg-post.example/{kind}")
        for kind in DocumentKind
    ),
)
LOOK = paper_look(ZoneInfo("Africa/Johannesburg"))
DEMO = DemoBar(
    now=NOW,
    sandbox_url="/_sandbox",
    next_at=datetime(2026, 11, 30, 7, 0, tzinfo=UTC),
    next_what="the first trial notice to thandi@example.org, and 1 more like it",
)
BAR = Markup(LOOK.render(TEMPLATE, demo=DEMO, csrf=lambda: "sample-token", path="/"))  # noqa: S704 - a template's, which escapes
VISITOR = Frame(
    house=HOUSE,
    csrf=lambda: "sample-token",
    path="/",
    today=date(2026, 11, 23),
    paper_url="/articles",
    banner=BAR,
)
READER = replace(VISITOR, signed_in=True)
WITHDRAWAL = WithdrawalTerms(amount=PRICE, last_day=date(2026, 12, 22), action="/account/withdraw")
MONTHLY_PRICE = Price(id="monthly-7500", plan_id="monthly", amount=7500, valid_from=date(2026, 1, 1))
OFFER = Offer(
    plan=Plan(id="monthly", name="Monthly", months=1, period_label="month", trial_days=14, features=[]),
    price=MONTHLY_PRICE,
    then_price=None,
    dates=DATES,
    renews_on=date(2026, 12, 23),
)
YEAR_OFFER = replace(
    OFFER,
    plan=Plan(
        id="yearly",
        name="Yearly",
        months=12,
        period_label="year",
        trial_days=14,
        then_plan_id="monthly",
        features=[],
    ),
    price=Price(id="yearly-75000", plan_id="yearly", amount=75000, valid_from=date(2026, 1, 1)),
    then_price=MONTHLY_PRICE,
)
YEAR = PlanOption(
    plan_id="yearly",
    every="year",
    amount=Money(75000),
    on=date(2027, 1, 8),
    undo_until=date(2027, 1, 8),
    is_fixed_term=True,
)
PAID_ACCOUNT = AccountPage(
    email="thandi@example.org",
    status=say("Your subscription is paid through %(day)s.", day=date(2027, 1, 7)),
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
        SessionRow(
            session_id="ses_2",
            device=say("%(browser)s on %(system)s", browser="Firefox", system="Linux"),
            last_seen_at=NOW,
            is_this=True,
        ),
        SessionRow(
            session_id="ses_1",
            device=say("%(browser)s on %(system)s", browser="Samsung Internet", system="Android"),
            last_seen_at=datetime(2026, 11, 20, 18, 4, tzinfo=UTC),
        ),
    ),
)


BUYER = Particulars("Karoo Wool (Pty) Ltd", "1 Church Street\nCradock\n5880", "4123456789")
RECEIPT = ReceiptPage(
    number="INV-000148",
    issued_on=date(2026, 12, 8),
    reader_email="thandi@example.org",
    description=described("Digital subscription, one month"),
    period_from=date(2026, 12, 8),
    period_to=date(2027, 1, 7),
    net=Money(6522),
    vat=VAT,
    gross=PRICE,
    vat_percent="15",
    card=CARD,
    file="/account/receipts/inv_1.pdf",
    action="/account/receipts/inv_1",
    paid_on=date(2026, 12, 8),
)
ARTICLE = ReadOn(title="The water nobody counted", url="/articles/the-water-nobody-counted")
_ENDED = say("Your subscription ended on %(day)s.", day=date(2026, 12, 22))
_SITUATIONS = (
    STRANGER,
    Situation(ReaderState.REGISTERED),
    Situation(ReaderState.TRIAL_USED),
    Situation(ReaderState.IN_TRIAL, say("Your free trial runs through %(day)s.", day=DATES.free_until)),
    Situation(ReaderState.PAUSED, price=PRICE, paused_until=date(2027, 3, 20)),
    Situation(
        ReaderState.PAYMENT_OPEN,
        say("Your last payment did not go through; you can read through %(day)s.", day=date(2026, 12, 29)),
        PRICE,
    ),
    Situation(ReaderState.DISPUTED),
    Situation(ReaderState.ENDED, _ENDED),
    Situation(ReaderState.WITHDRAWN, _ENDED),
)
STEPS = {found.state.value: next_step(found, OFFER.plan, OFFER.price, ARTICLE) for found in _SITUATIONS}
"""What readers in each state can do next."""
