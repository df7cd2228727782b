"""The composition root: builds the services from the settings, and the web application around them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import emails
from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.acquirer.stripe.connect import connect as stripe
from billing.brand.publisher import Publisher
from billing.container import Services
from billing.mail.deliver import Sender
from billing.mail.smtp import SmtpTransport
from billing.newsletters import send_log
from billing.newsletters.sender import NewsletterSender
from billing.platform import logs, tracing
from billing.platform.clock import Clock, HeldClock, SystemClock
from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.platform.installation import refuse_foreign
from billing.platform.list_key import load_tokens
from billing.platform.monotonic import Monotonic, SystemMonotonic
from billing.platform.pooling import refuse_transaction_pooling
from billing.platform.setting_house import Policy, StaffLimits
from billing.platform.settings import Settings
from billing.platform.site import Site
from billing.platform.time_limits import Work
from billing.platform.tokens import Tokens
from emails.languages import BadCatalogue, Languages, UnknownLanguage, offered

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from billing.preflight.context import Preflight

ACQUIRERS: tuple[Callable[[Settings], Gateway], ...] = (stripe,)
"""The acquirers; new charges and cards go to the first."""


def build(
    settings: Settings,
    *,
    connections: int = 20,
    monotonic: Monotonic | None = None,
    work: Work = Work.LONG,
) -> Services:
    """One installation from its settings, with a pool of so many database connections.

    `work` is what the process does: it sets the time limits of statements. Raises RefusesToStart for a database of another
    environment, one that lacks migrations, and one behind a proxy that
    pools transactions; for PDFs in mails without the printer, traces without OpenTelemetry, and a language without a catalogue."""
    monotonic = monotonic or SystemMonotonic()
    if settings.mail_papers and not emails.can_print():
        raise RefusesToStart(
            "BILLING_MAIL_PAPERS is true, and the printer of PDFs isn't installed. Install masthead[pdf], or set it to false."
        )
    tracer = tracing.connect(settings)
    database = Database(settings.database_url, pool_size=connections, monotonic=monotonic, work=work)
    refuse_transaction_pooling(database)
    refuse_foreign(database, settings)
    with database.transaction() as session:
        tokens = load_tokens(session, settings)
        publisher = Publisher(_house(settings))
        publisher.refresh(session)
    logs.set_naming_keys(tokens)
    clock: Clock = HeldClock(database) if settings.held else SystemClock()
    site = _site(settings, tokens)
    gateways = [connect(settings) for connect in ACQUIRERS]
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        monotonic=monotonic,
        acquirers=Acquirers(gateways, settings.charges_per_second, monotonic),
        site=site,
        sender=Sender(
            SmtpTransport(settings.smtp_url),
            publisher,
            settings.mail_from,
            tokens,
            settings.zone,
            site.languages,
            attach_documents=settings.mail_papers,
            reply_domain=settings.reply_domain,
        ),
        newsletter_sender=_newsletter_sender(settings, database, site, publisher),
        tracer=tracer,
        reports_standby=reports_standby(settings),
        publisher=publisher,
    )


def reports_standby(settings: Settings) -> Database | None:
    """The standby that answers reports, where one is set. Raises RefusesToStart for a malformed address."""
    if not settings.reports_database_url:
        return None
    try:
        return Database(settings.reports_database_url, pool_size=1)
    except RefusesToStart:
        raise RefusesToStart(
            "BILLING_REPORTS_DATABASE_URL is not an address of PostgreSQL like postgresql://name@host/database."
        ) from None


def _site(settings: Settings, tokens: Tokens) -> Site:
    return Site(
        settings.zone,
        settings.public_url,
        tokens,
        settings.installation,
        # taken out: `settings` itself is a Policy too, and holds secrets that rules have no use for
        Policy.model_validate(settings.model_dump(include=set(Policy.model_fields))),
        StaffLimits.model_validate(settings.model_dump(include=set(StaffLimits.model_fields))),
        languages_of(settings),
    )


def languages_of(settings: Settings) -> Languages:
    """The languages on offer. Raises RefusesToStart for one without a catalogue that can be used."""
    folder = Path(settings.languages_folder) if settings.languages_folder else None
    try:
        return offered(settings.languages, folder)
    except UnknownLanguage as error:
        raise RefusesToStart(f"BILLING_LANGUAGES names a language without a catalogue: {error}.") from None
    except BadCatalogue as error:
        raise RefusesToStart(f"A catalogue of BILLING_LANGUAGES can't be used: {error}.") from None


def _house(settings: Settings) -> emails.House:
    return emails.House(
        name=settings.publisher_name,
        legal_name=settings.publisher_legal_name,
        address=settings.publisher_address,
        vat_number=settings.publisher_vat_number,
        contact_email=settings.mail_from,
        phone=settings.publisher_phone,
        url=settings.public_url,
        legal_form=settings.publisher_legal_form,
        registration_number=settings.publisher_registration_number,
        registration_place=settings.publisher_registration_place,
        directors=settings.publisher_directors,
        service_address=settings.publisher_service_address or settings.publisher_address,
        memberships=settings.publisher_memberships,
        complaints_url=settings.publisher_complaints_url,
    )


def _newsletter_sender(
    settings: Settings, database: Database, site: Site, publisher: Publisher
) -> NewsletterSender:
    return NewsletterSender(
        database=database,
        relay=SmtpTransport(settings.smtp_url),
        site=site,
        publisher=publisher,
        address=settings.newsletter_from,
        bounce_domain=settings.bounce_domain or settings.newsletter_from.rpartition("@")[2],
        send_logs=send_log.folder_of(settings),
        connections=settings.newsletter_connections,
    )


def preflight(settings: Settings) -> "Preflight":
    """What `billing check` looks at. Nothing is connected yet. Raises RefusesToStart where an address can't be read."""
    # imported here: no other process needs it
    import ssl

    from billing.preflight.context import Preflight
    from billing.preflight.dns_records import DnsRecords

    return Preflight(
        settings,
        Database(settings.database_url, pool_size=1, work=Work.REQUEST),
        reports_standby(settings),
        [connect(settings) for connect in ACQUIRERS],
        SmtpTransport(settings.smtp_url),
        DnsRecords(),
        ssl.create_default_context(),
        SystemClock(),
        SystemMonotonic(),
    )


def create_app(services: Services, extend: "Callable[[FastAPI], None]" = lambda _: None) -> "ASGIApp":
    """The web application of an installation; `extend` may add to it before the outer layers close around it."""
    # imported here: the worker and most commands never load the web's code
    from billing.web_app import assemble

    return assemble(services, extend, lambda: preflight(services.settings))
