"""Staff pages for operators, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from billing.brand.rules import FIELDS, LOGOS
from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import NOW
from billing.platform.settings import Settings
from billing.platform.typed import NotRand
from billing.preflight.check_result import Verdict
from billing.preflight.shown_settings import setting_groups
from billing.rules.key_secrets import spelled
from billing.rules.money import Money
from billing.rules.scopes import SCOPES
from billing.web.views.brand import BrandFieldRow, BrandLogoRow, StaffBrandPage
from billing.web.views.frame import Frame, Page
from billing.web.views.keys import CeilingRow, KeyRow, StaffKeyMadePage, StaffKeysPage
from billing.web.views.legal_texts import LegalTextForm, LegalVersionRow, StaffLegalPage
from billing.web.views.operators import EventRow, PausedNote, StaffEventsPage
from billing.web.views.plans import (
    PlanPriceRow,
    PlanRow,
    PriceForEveryone,
    StaffPlansPage,
    VatRateRow,
)
from billing.web.views.reads import ReadRow, StaffReadsPage
from billing.web.views.staff_settings import CheckRow, StaffSettingsPage
from billing.web.views.typed_form import TypedForm

CEILINGS = (
    CeilingRow(field="rand", words="Rand given back, incl. VAT", most=100_000, used=7_500, shown="1000.00"),
    CeilingRow(field="days", words="Days given to readers", most=310, used=14, shown="310"),
    CeilingRow(field="starts", words="Subscriptions started", most=1_000, used=41, shown="1000"),
    CeilingRow(field="readers", words="Different readers read of", most=5_000, used=212, shown="5000"),
)
KEY = KeyRow(
    key_id="key_01mg01mz009pp03dk8s78fthzt",
    name="The app of the paper",
    scopes=("access", "readers:cancel", "readers:read", "readers:start"),
    made_at=NOW - timedelta(days=90),
    last_used_at=NOW - timedelta(minutes=4),
    expires_at=NOW + timedelta(days=275),
    revoked_at=None,
    previous_until=NOW + timedelta(hours=20),
    works=True,
    ceilings=CEILINGS,
)
PAUSED = PausedNote(
    since=NOW - timedelta(minutes=40),
    probe_at=NOW + timedelta(minutes=15),
    waiting=41,
    reason="APIConnectionError: Unexpected error communicating with Stripe.",
)
BROKEN = EventRow(
    event_id="hook_1",
    event_ref="evt_1PqVtZ2eZvKYlo2C1mXj7rNa",
    kind="payment_method.automatically_updated",
    object_ref="pm_1PqVtZ2eZvKYlo2C1mXj7rNa",
    received_at=NOW,
    became="set aside after 8 failures: KeyError: 'exp_month'",
    broken=True,
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    at = replace(STAFF, path="/staff/webhooks")
    settled = replace(BROKEN, event_ref="evt_2", became="settled: charged", broken=False)
    yield "staff-events", StaffEventsPage(broken=(BROKEN,), latest=(BROKEN, settled)), at
    keys = replace(STAFF, path="/staff/keys")
    gone = replace(KEY, key_id="key_2", name="site", works=False, revoked_at=NOW, last_used_at=None)
    listed = StaffKeysPage(
        rows=(KEY, gone), scopes=tuple(SCOPES.items()), ceilings=CEILINGS, alone=Money(500000)
    )
    yield "staff-keys", listed, keys
    whole = "Days, hours, and numbers of subscriptions and readers are whole numbers."
    unmade = TypedForm(of="", name="make", values={"name": "x", "expires": "soon"}, error=whole)
    yield "staff-keys-problem", replace(listed, rows=(), typed=unmade), keys
    cents = TypedForm(of=KEY.key_id, name="limit", values={"rand": "R1000.-"}, error=NotRand.__doc__)
    yield "staff-keys-limit", replace(listed, typed=cents), keys
    made = StaffKeyMadePage(name="The app of the paper", secret=spelled(7), previous_until=NOW)
    yield "staff-key-made", made, keys
    read = ReadRow(hour=NOW, by="api:The app of the paper", what="GET /v1/readers", calls=41, readers=4100)
    at_audit = replace(STAFF, path="/staff/audit")
    yield "staff-reads", StaffReadsPage(rows=(read,), who="app"), at_audit
    yield "staff-reads-none", StaffReadsPage(rows=()), at_audit
    yield from _brand()
    yield from _plans()
    yield "staff-events-none", StaffEventsPage(broken=(), latest=()), at
    yield from _settings()


def _settings() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(STAFF, path="/staff/settings")
    given = {
        "database_url": "postgresql://masthead:secret@db.internal/masthead",
        "secret_key": "a sample of a secret key 0123456789",
        "stripe_secret_key": "sk_test_sample",
        "smtp_url": "smtp+starttls://masthead:secret@relay.example",
    }
    verdicts = tuple((verdict.value, verdict.words) for verdict in Verdict)
    page = StaffSettingsPage(groups=setting_groups(Settings.model_validate(given)), verdicts=verdicts)
    yield "staff-settings", page, at
    found = (
        CheckRow(name="settings", verdict="WARN", words="BILLING_ENVIRONMENT is test: no real money moves"),
        CheckRow(name="schema", verdict="ok", words="at migration 0001, as this code needs"),
        CheckRow(
            name="webhooks",
            verdict="NO",
            words=f"the acquirer has no endpoint for {at.house.url}/webhooks: say `billing webhooks register`",
        ),
    )
    checked = replace(page, results=found, unfinished=("clock", "disk"), checked=True)
    yield "staff-settings-checked", checked, at
    yield "staff-settings-refused", replace(page, error="The checks are running already."), at
    unformed = "There is no newsletter yet, whose form the mail would have."
    yield "staff-settings-newsletter", replace(page, error=unformed, needs_newsletter=True), at


def _brand() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(STAFF, path="/staff/brand")
    page = StaffBrandPage(
        fields=tuple(BrandFieldRow.of(field, "") for field in FIELDS),
        logos=tuple(BrandLogoRow(name=logo.name, label=logo.label, hint=logo.hint) for logo in LOGOS),
        settings=(("BILLING_PUBLISHER_NAME", at.house.name),),
        samples=(),
        version=3,
    )
    yield "staff-brand", page, at
    terms = LegalVersionRow(
        label="Terms", number=2, published_at=NOW, address="/terms/2", is_own_page=False, text_hash="9f" * 32
    )
    kinds = (("terms", "Terms"), ("privacy", "Privacy notice"), ("refunds", "Refund policy"))
    legal = StaffLegalPage(
        rows=(terms, replace(terms, label="Privacy notice", is_own_page=True)),
        kinds=kinds,
        typed=LegalTextForm(),
    )
    yield "staff-legal", legal, replace(at, path="/staff/brand/legal")
    unwritten = LegalTextForm(kind="refunds", reason="the first")
    lacking = replace(
        legal, typed=unwritten, missing=("Refund policy",), error="Give a text, or the address of a page."
    )
    yield "staff-legal-problem", lacking, replace(at, path="/staff/brand/legal")
    wrong = replace(page.fields[0], value="green", problem="Accent is no colour.")
    typed = replace(
        page, fields=(wrong, *page.fields[1:]), error="Nothing is saved yet.", reason="new design"
    )
    yield "staff-brand-problem", replace(typed, is_draft=True, logo_error="Choose a file."), at


def _plans() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(STAFF, path="/staff/plans")
    today = at.today
    month = PlanRow(
        plan_id="monthly",
        name="Full access",
        months=1,
        period="month",
        offered_to="everyone",
        position=1,
        trial_days=14,
        then="",
        opens=("listen",),
        holders=4_120,
        price=PlanPriceRow(amount=Money(7500), first_day=today - timedelta(days=400)),
        coming=(PlanPriceRow(amount=Money(8500), first_day=today + timedelta(days=60), for_everyone=True),),
        past=(PlanPriceRow(amount=Money(6500), first_day=today - timedelta(days=900)),),
    )
    quarter = replace(
        month,
        plan_id="quarterly",
        months=3,
        period="quarter",
        offered_to="nobody",
        price=None,
        coming=(),
        past=(),
        holders=0,
    )
    vat = (VatRateRow("15", date(2018, 4, 1)), VatRateRow("15.5", date(2027, 4, 1), to_come=True))
    features = (
        ("listen", "listening to articles"),
        ("comment", "commenting on articles"),
        ("newsletter:the-ledger", "the newsletter The Ledger"),
    )
    page = StaffPlansPage(
        rows=(month, quarter), vat=vat, features=features, tomorrow=today + timedelta(days=1)
    )
    yield "staff-plans", page, at
    typed = {"rand": "85.00", "first_day": "2027-07-01", "whom": "everyone", "reason": "costs of paper"}
    asked = PriceForEveryone(
        plan=month, amount=Money(8500), first_day=today, pays_from=today + timedelta(days=31), values=typed
    )
    yield "staff-plans-sure", replace(page, confirm=asked), at
    form = TypedForm(of="monthly", name="price", values=typed, error="A price can begin today or later.")
    yield "staff-plans-problem", replace(page, typed=form), at
