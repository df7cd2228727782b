"""Every setting, with its unit and default. Read once, at start; an unsafe combination refuses to start."""

import os
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from billing.platform import live_checks
from billing.platform.errors import RefusesToStart
from billing.platform.setting_types import (
    NO_PROXY,
    OFFER,
    Crawlers,
    Keys,
    License,
    Listed,
    Origins,
    PaperAddress,
    ProxyCount,
    WebAddress,
    ZoneName,
)
from billing.rules.secret_strength import weakness

PREFIX = "BILLING_"
SAMPLE_PAPERS = (
    *(f"publisher_{part}" for part in ("name", "legal_name", "address", "vat_number")),
    *("mail_from", "newsletter_from"),
)
"""Settings whose defaults are the sample paper's."""
CONTACT = r"^(|mailto:[^\s@]+@[^\s@]+|https://\S+)$"


class Environment(StrEnum):
    """Where this installation stands. Only `live` touches real money."""

    DEMO = "demo"
    TEST = "test"
    LIVE = "live"


class ClockKind(StrEnum):
    """`system` follows the machine; `held` stands still until it is moved (demo and test only)."""

    SYSTEM = "system"
    HELD = "held"


class Settings(BaseModel):
    """The installation's settings; each comes from the environment variable BILLING_<NAME IN CAPITALS>."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field(
        repr=False,
        description="PostgreSQL address, `postgresql://…`. Direct: a proxy that pools transactions is refused.",
    )
    secret_key: SecretStr = Field(
        min_length=32,
        description="At least 32 random characters; signs links, hashes sessions, seals the database's own keys.",
    )
    previous_secret_keys: Keys = Field(
        (),
        description="Secret keys of before, the newest first, comma separated (a comma in one is written %2C): what they made"
        " is still read. See `billing keys rotate-secret`.",
    )
    environment: Environment = Field(Environment.TEST, description="`demo`, `test` or `live`.")
    installation: str = Field(
        "main",
        pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$",
        description="Name of this installation; the database keeps it, and one of another name is refused.",
    )
    clock: ClockKind = Field(ClockKind.SYSTEM, description="`system`, or `held` (demo and test only).")
    time_zone: ZoneName = Field(
        "Africa/Johannesburg", description="The publisher's zone; civil days are counted in it."
    )
    host: str = Field("127.0.0.1", description="Address the web process listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the web process listens on.")
    public_url: WebAddress = Field(
        "http://127.0.0.1:8000", description="Where readers reach the pages; links in mails begin with it."
    )
    proxy_count: ProxyCount = Field(
        0,
        description="Trusted proxies in front, 0 to 5; decides whose address X-Forwarded-For gives. `none` in live: nothing in front"
        " adds it.",
    )
    sites: Origins = Field(
        (),
        description="Origins of the publisher's other hosts whose pages may ask for their readers, comma separated.",
    )
    paper_url: PaperAddress = Field(
        "",
        description="Where the paper is read: an address, or a path on this host. Empty: the first of BILLING_SITES, or the offer.",
    )
    stripe_secret_key: SecretStr = Field(
        description="Stripe's secret or restricted key (`sk_test_…` for the sandbox)."
    )
    stripe_api_base: WebAddress = Field(
        "https://api.stripe.com", description="Stripe's address, or the sandbox's."
    )
    stripe_webhook_secrets: Annotated[tuple[str, ...], Listed] = Field(
        (),
        repr=False,
        description="Webhook signing secrets, comma separated; two while one is being replaced.",
    )
    smtp_url: str = Field(
        "smtp://127.0.0.1:2525",
        repr=False,
        description="Mail relay: `smtps://`, `smtp+starttls://`, or `smtp://` on loopback.",
    )
    mail_from: str = Field(
        "hello@swartbergpost.example", description="Sender of receipts and notices; replies are read."
    )
    mail_papers: bool = Field(
        True,
        description="A receipt carries its tax invoice as a PDF, and a refund's mail its credit note; without, a mail has a"
        " quarter of the size, and the PDF is had from the account page.",
    )
    newsletter_from: str = Field(
        "letters@news.swartbergpost.example",
        description="Sender of newsletters; a domain of its own keeps their reputation apart from that of receipts.",
    )
    bounce_domain: str = Field(
        "",
        description="Domain whose mail to `b+…` reaches `billing bounces take`; empty: the newsletters' own.",
    )
    newsletter_connections: int = Field(
        8, ge=1, le=100, description="Connections to the relay that one worker opens for newsletters."
    )
    journal_dir: str = Field(
        "",
        description="Folder on this machine, closed to others, where a worker notes what it sends, to be read after its death;"
        " empty, and not for live: one of the system's for temporary files.",
    )
    mailbox_dir: str = Field("", description="Folder of the demo's mailbox; empty: no mailbox page.")
    sandbox_url: str = Field("", description="Where the demo's Stripe sandbox page is; empty: no link.")
    publisher_name: str = Field("The Swartberg Post", description="The paper's name, as readers know it.")
    publisher_legal_name: str = Field(
        "Swartberg Post Media (Pty) Ltd", description="The supplier's legal name, for tax invoices."
    )
    publisher_address: str = Field(
        "14 Kerk Street, Kransrivier, 6999", description="The supplier's address, for tax invoices."
    )
    publisher_vat_number: str = Field(
        "4000000018", pattern=r"^4\d{9}$", description="VAT number: ten digits, the first a 4."
    )
    publisher_phone: str = Field("+27 49 000 0100", description="Where readers can call.")
    security_contact: str = Field("", pattern=CONTACT, description="Whom to tell of a weakness (RFC 9116).")
    meter_registered: int = Field(10, ge=0, description="Metered articles a month for a registered reader.")
    meter_anonymous: int = Field(
        3, ge=0, description="Metered articles a month for a visitor who isn't signed in."
    )
    gifts_a_month: int = Field(10, ge=0, description="Articles that a subscriber may give away in a month.")
    gift_days: int = Field(14, ge=1, le=90, description="Days for which a gift link opens its article.")
    gift_readers: int = Field(25, ge=1, description="How many people may open one gift link.")
    session_limit: int = Field(
        5,
        ge=0,
        description="Browsers in which a reader may be signed in at once; the newest stay. 0: any number.",
    )
    shared_seconds: int = Field(
        60,
        ge=0,
        le=300,
        description="Seconds for which caches between may keep a sample article that is the same for everybody; 0: none.",
    )
    crawlers: str = Field(
        "",
        description="Whether Googlebot reads whole sample articles. Empty: no; `dns`: when reverse and forward DNS prove it; else a"
        " file in the form of Google's common-crawlers.json.",
    )
    refused_crawlers: Crawlers = Field(
        ("training",),
        description="Classes of crawlers that robots.txt refuses everything, comma separated; empty: none.",
    )
    license: License = Field(
        "",
        description="Licence for machines (RSL 1.0) that robots.txt names. Empty: none; `own`: /license.xml, written from"
        " the policy of robots.txt; else the address of one elsewhere.",
    )
    standings_in_memory: int = Field(
        200_000,
        ge=0,
        le=10_000_000,
        description="Readers whose standing each web process keeps in memory; 0: the database is asked each time.",
    )
    support_refund_limit: int = Field(15000, ge=0, description="Cents support may give a reader a month.")
    support_refund_day_limit: int = Field(75000, ge=0, description="Cents a member of it may give a day.")
    second_person_limit: int = Field(100000, ge=0, description="Cents one of staff may give a reader a day.")
    second_person_day_limit: int = Field(500000, ge=0, description="Cents one of staff may give a day.")
    cooling_off_days: int = Field(
        14,
        ge=7,
        le=60,
        description="Civil days after the first charge in which a reader takes it back in full; the law asks for 7.",
    )
    withdrawals_a_year: int = Field(
        1,
        ge=1,
        le=100,
        description="Withdrawals in twelve months that a reader, or a card, may make unasked; staff decide about the next.",
    )
    pause_months: int = Field(
        3, ge=0, le=12, description="Months for which a reader may pause a subscription; 0: not at all."
    )
    term_notice_days: int = Field(
        20,
        ge=0,
        le=20,
        description="Business days of notice for leaving a paid year early; the law allows 20 at most.",
    )
    tick_seconds: float = Field(
        1.0, gt=0, le=300, description="Seconds between two looks of the worker at what is due."
    )
    charges_per_second: float = Field(
        20,
        ge=0,
        le=100,
        description="Charges a second, over all workers together; 0: no limit, not for live.",
    )
    pause_after_failures: int = Field(
        5, ge=1, le=1000, description="Failures of Stripe in a row that pause charging until it answers."
    )
    event_tries: int = Field(
        8, ge=1, le=100, description="Tries after which an event of Stripe's that breaks us is left to staff."
    )
    return_poll_seconds: int = Field(
        3, ge=0, le=60, description="Seconds between two questions to Stripe how a hosted page ended."
    )
    charge_concurrency: int = Field(8, ge=1, le=64, description="Charges under way at once in one worker.")

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        """Settings stand in subjects, headers and log lines, where a line break would begin another."""
        if isinstance(value, str) and any(
            unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") for each in value
        ):
            raise ValueError("holds a line break or control character")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The publisher's zone."""
        return ZoneInfo(self.time_zone)

    @property
    def paper(self) -> str:
        """Where pages send somebody to read."""
        return self.paper_url or next(iter(self.sites), OFFER)

    @property
    def secure(self) -> bool:
        """Whether readers come over https; decides on Secure cookies and HSTS."""
        return self.public_url.startswith("https://")

    @property
    def held(self) -> bool:
        """Whether the clock stands still until it is moved."""
        return self.clock is ClockKind.HELD

    def unsafe(self) -> list[str]:
        """What forbids a start with these settings, in words. Empty when all is well."""
        key = self.stripe_secret_key.get_secret_value()
        base = urlsplit(self.stripe_api_base)
        found = []
        if self.environment is not Environment.LIVE:
            if key.startswith(("sk_live", "rk_live")):
                found.append("BILLING_STRIPE_SECRET_KEY is a live key outside a live environment")
            return found
        found += self._weak_keys()
        if not key.startswith(("sk_live_", "rk_live_")):
            found.append("BILLING_STRIPE_SECRET_KEY isn't a live key")
        if live_checks.is_here(base.hostname or "") or base.scheme != "https":
            found.append("BILLING_STRIPE_API_BASE points at a sandbox")
        if not self.stripe_webhook_secrets:
            found.append("BILLING_STRIPE_WEBHOOK_SECRETS is empty, so no webhook could be believed")
        if self.charges_per_second == 0:
            found.append("BILLING_CHARGES_PER_SECOND is 0, which paces nothing")
        if self.held:
            found.append("BILLING_CLOCK is held")
        if not self.secure:
            found.append("BILLING_PUBLIC_URL isn't https")
        if any(not site.startswith("https://") for site in self.sites):
            found.append("BILLING_SITES names a site that isn't https")
        if self.proxy_count == 0 and self.proxy_count is not NO_PROXY:
            found.append(
                "BILLING_PROXY_COUNT is 0, so all readers would share the address of the proxy that ends TLS; say how many there"
                " are, or `none` where nothing in front adds X-Forwarded-For"
            )
        faults = {
            "DATABASE_URL": live_checks.database_fault(self.database_url),
            "SMTP_URL": live_checks.relay_fault(self.smtp_url),
            "JOURNAL_DIR": live_checks.journal_fault(self.journal_dir),
        }
        found += [f"{PREFIX}{name} {fault}" for name, fault in faults.items() if fault]
        found += [
            f"{PREFIX}{name.upper()} is still the sample paper's, and would stand on tax invoices"
            for name in SAMPLE_PAPERS
            if getattr(self, name) == Settings.model_fields[name].default
        ]
        return found

    def _weak_keys(self) -> list[str]:
        key = self.secret_key.get_secret_value()
        found = []
        if fault := weakness(key):
            found.append(f"BILLING_SECRET_KEY {fault}; make one with `openssl rand -base64 48`")
        if any(key == previous.get_secret_value() for previous in self.previous_secret_keys):
            found.append("BILLING_PREVIOUS_SECRET_KEYS holds the present key")
        others = {
            "STRIPE_SECRET_KEY": (self.stripe_secret_key.get_secret_value(),),
            "STRIPE_WEBHOOK_SECRETS": self.stripe_webhook_secrets,
            "DATABASE_URL": (self.database_url,),
            "SMTP_URL": (self.smtp_url,),
        }
        found += [f"BILLING_SECRET_KEY is in {PREFIX}{name} too" for name in live_checks.reused(key, others)]
        return found


SETTINGS: dict[str, str] = {
    PREFIX + name.upper(): field.description or "" for name, field in Settings.model_fields.items()
}


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings from the environment. Raises RefusesToStart, naming each variable that is missing, wrong or unsafe."""
    environ = os.environ if environ is None else environ
    given = {
        name: environ[PREFIX + name.upper()]
        for name in Settings.model_fields
        if PREFIX + name.upper() in environ
    }
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise RefusesToStart("; ".join(_in_words(line) for line in error.errors())) from None
    if unsafe := settings.unsafe():
        raise RefusesToStart("; ".join(unsafe))
    return settings


def _in_words(line: Any) -> str:
    name = PREFIX + str(line["loc"][0]).upper() if line["loc"] else PREFIX
    return f"{name} is missing" if line["type"] == "missing" else f"{name}: {line['msg']}"
