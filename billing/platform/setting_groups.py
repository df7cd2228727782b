"""The settings by subject, each with its unit and default. `settings.Settings` is all of them.

What the publisher decides of its house, not of its machines, is in `setting_house`."""

from pydantic import BaseModel, Field, SecretStr

from billing.platform.setting_types import (
    OFFER,
    CollectorAddress,
    Crawlers,
    Languages,
    License,
    LogFormat,
    LogLevel,
    MailAddress,
    Origins,
    PaperAddress,
    ProxyCount,
    SigningSecrets,
    WebAddress,
)

CONTACT = r"^(|mailto:[^\s@]+@[^\s@]+|https://\S+)$"


class WebSettings(BaseModel):
    """Addresses: where the pages are, and what is in front of them."""

    host: str = Field("127.0.0.1", description="Address the web process listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the web process listens on.")
    public_url: WebAddress = Field(
        "http://127.0.0.1:8000",
        description="Where readers reach the pages; links in mails begin with it, and passkeys are bound to its host.",
    )
    proxy_count: ProxyCount = Field(
        0,
        description="Trusted proxies in front, 0 to 5; decides whose address X-Forwarded-For gives. `none` in live: nothing in front"
        " adds it.",
    )
    queue_seconds: float = Field(
        10,
        gt=0,
        le=60,
        description="Seconds for which a request waits for a place before it is answered 503; less than your proxy waits.",
    )
    compress: bool = Field(
        False,
        description="Whether answers are compressed (gzip) that hold no secret: files, and pages of strangers. Where no proxy does it.",
    )
    web_connections: int = Field(
        20,
        ge=4,
        le=200,
        description="Database connections that a web process keeps for pages and the API; in a crowd it opens up to three times as many.",
    )
    access_connections: int = Field(
        8,
        ge=1,
        le=64,
        description="Database connections with which a web process looks up what its access cache lacks.",
    )
    sites: Origins = Field(
        (),
        description="Origins of the publisher's other hosts whose pages may ask for their readers, comma separated.",
    )
    paper_url: PaperAddress = Field(
        "",
        description="Where the paper is read: an address, or a path on this host. Empty: the first of BILLING_SITES, or the offer.",
    )

    @property
    def paper(self) -> str:
        """Where pages send a visitor to read."""
        return self.paper_url or next(iter(self.sites), OFFER)

    def webhooks_at(self, acquirer: str) -> str:
        """Where the acquirer of this name sends its webhooks."""
        return f"{self.public_url}/webhooks/{acquirer}"

    @property
    def secure(self) -> bool:
        """Whether readers come over https. Decides on Secure cookies and HSTS."""
        return self.public_url.startswith("https://")


class AcquirerSettings(BaseModel):
    """Stripe, or its sandbox."""

    stripe_secret_key: SecretStr = Field(
        description="Stripe's secret or restricted key (`sk_test_…` for the sandbox)."
    )
    stripe_api_base: WebAddress = Field(
        "https://api.stripe.com", description="Stripe's address, or the sandbox's."
    )
    stripe_webhook_secrets: SigningSecrets = Field(
        (),
        repr=False,
        description="Webhook signing secrets (`whsec_…`), comma separated; two while one is being replaced.",
    )
    sandbox_url: str = Field("", description="Where the demo's Stripe sandbox page is; empty: no link.")

    @property
    def has_live_key(self) -> bool:
        """Whether the key moves real money."""
        return self.stripe_secret_key.get_secret_value().startswith(("sk_live", "rk_live"))

    @property
    def acquirer_secrets(self) -> dict[str, str]:
        """What may be shown of the secrets, by setting."""
        return {"stripe_secret_key": f"given, for {'real money' if self.has_live_key else 'tests'}"}


class MailSettings(BaseModel):
    """Mail and newsletters."""

    smtp_url: str = Field(
        "smtp://127.0.0.1:2525",
        repr=False,
        description="Mail relay: `smtps://`, `smtp+starttls://`, or `smtp://` on loopback.",
    )
    mail_from: MailAddress = Field(
        "hello@swartbergpost.example", description="Sender of receipts and notices; replies are read."
    )
    mail_papers: bool = Field(
        True,
        description="A receipt carries its tax invoice as a PDF, and a refund's mail its credit note; without, a mail has a"
        " quarter of the size, and the PDF is had from the account page. Needs `masthead[pdf]`.",
    )
    newsletter_from: MailAddress = Field(
        "letters@news.swartbergpost.example",
        description="Sender of newsletters; a domain of its own keeps their reputation apart from that of receipts.",
    )
    bounce_domain: str = Field(
        "",
        description="Domain whose mail to `b+…` reaches `billing bounces take`; empty: the newsletters' own.",
    )
    reply_domain: str = Field(
        "",
        description="Domain whose mail to `r+…` reaches `billing bounces take`, so that a reader’s reply to a mail about their request"
        " joins its thread; empty: replies go to the sender of receipts.",
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


class PublisherSettings(BaseModel):
    """What pages, mails and tax invoices say of the publisher."""

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
    publisher_legal_form: str = Field(
        "Private company", description="The supplier's legal status (ECT Act, s43)."
    )
    publisher_registration_number: str = Field(
        "2011/000018/07", description="The company's registration number."
    )
    publisher_registration_place: str = Field(
        "Kransrivier, South Africa", description="Where it is registered."
    )
    publisher_directors: str = Field(
        "N. Daniels, T. Mokoena", description="Its directors or other office bearers, by name."
    )
    publisher_service_address: str = Field(
        "", description="Where it takes legal documents; empty: BILLING_PUBLISHER_ADDRESS."
    )
    publisher_memberships: str = Field(
        "",
        description="Bodies it belongs to and codes it keeps, such as a press council and a code for disputes; empty: none.",
    )
    publisher_complaints_url: str = Field(
        "",
        pattern=r"^(|https://\S+)$",
        description="Page of the body that decides readers' complaints, `https://…`; empty: none.",
    )
    languages: Languages = Field(
        ("en", "af", "zu"),
        description="Languages of pages and mails, comma separated; the first is for people whose browser asks for none of them.",
    )
    languages_folder: str = Field(
        "", description="Folder of catalogues of your own, such as `st.po`; they go before ours. Empty: none."
    )
    security_contact: str = Field("", pattern=CONTACT, description="Whom to tell of a weakness (RFC 9116).")


class PaywallSettings(BaseModel):
    """What readers, browsers and crawlers may read."""

    meter_registered: int = Field(10, ge=0, description="Metered articles a month for a registered reader.")
    meter_anonymous: int = Field(
        3, ge=0, description="Metered articles a month for a visitor who isn't signed in."
    )
    gifts_a_month: int = Field(10, ge=0, description="Articles that a subscriber may give away in a month.")
    gift_days: int = Field(14, ge=1, le=90, description="Days for which a gift link opens its article.")
    gift_readers: int = Field(25, ge=1, description="How many people may open one gift link.")
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
        description="Readers and visitors whose standing each web process keeps in memory; 0: the database is asked each time.",
    )


class WorkerSettings(BaseModel):
    """How fast, and how often, the worker works."""

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
    worker_metrics_host: str = Field(
        "127.0.0.1", description="Address on which a worker serves its `/metrics`; it asks for no password."
    )
    worker_metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port on which a worker serves its `/metrics`, another for each on a machine; 0: none.",
    )


class LogSettings(BaseModel):
    """What each process writes to standard error (see `docs/logs.md`), and where its traces go."""

    log_format: LogFormat = Field(LogFormat.TEXT, description="`text`, or `json`: one object a line.")
    log_level: LogLevel = Field(
        LogLevel.INFO,
        description="`info`, `warning` or `error`: the least that is logged. Events are `info`.",
    )
    access_log: bool = Field(
        False,
        description="A line for each request that the framework answers, with its route, never with what was read.",
    )
    take_request_id: bool = Field(
        False,
        description="Whether a request's X-Request-ID becomes its id; only where your proxy sets it for every request.",
    )
    traces_url: CollectorAddress = Field(
        "",
        description="Where spans go by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`; empty: nowhere. Needs"
        " `masthead[otel]`.",
    )
