"""The only place that wires: settings in, parts out, and an application around them."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import emails
from billing.acquirer.port import Gateway
from billing.acquirer.registry import Acquirers
from billing.acquirer.stripe.connect import connect as stripe
from billing.container import Services
from billing.mail.deliver import Sender
from billing.mail.smtp import SmtpTransport
from billing.newsletters.sender import NewsletterSender
from billing.platform import logs
from billing.platform.clock import Clock, HeldClock, SystemClock
from billing.platform.db import Database
from billing.platform.installation import refuse_foreign
from billing.platform.list_key import opened
from billing.platform.monotonic import Monotonic, SystemMonotonic
from billing.platform.pooling import refuse_transaction_pooling
from billing.platform.setting_groups import Policy, StaffLimits
from billing.platform.settings import Settings
from billing.platform.site import Site
from billing.platform.time_limits import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.types import ASGIApp


ACQUIRERS: tuple[Callable[[Settings], Gateway], ...] = (stripe,)
"""Who takes our money; new rows are made at the first."""


def build(
    settings: Settings,
    *,
    connections: int = 20,
    monotonic: Monotonic | None = None,
    work: Work = Work.LONG,
) -> Services:
    """One installation from its settings; it keeps so many connections to the database open. `monotonic` is the machine's,
    unless another is given; `work` is what the process does. Raises RefusesToStart for a database that
    isn't this environment's, lacks migrations, or lies behind a proxy that pools transactions."""
    monotonic = monotonic or SystemMonotonic()
    database = Database(settings.database_url, pool_size=connections, monotonic=monotonic, work=work)
    refuse_transaction_pooling(database)
    refuse_foreign(database, settings)
    with database.transaction() as session:
        tokens = opened(session, settings)
    logs.named_by(tokens)
    clock: Clock = HeldClock(database) if settings.held else SystemClock()
    site = Site(
        settings.zone,
        settings.public_url,
        tokens,
        settings.installation,
        Policy.model_validate(settings, from_attributes=True),
        StaffLimits.model_validate(settings, from_attributes=True),
    )
    house = emails.House(
        name=settings.publisher_name,
        legal_name=settings.publisher_legal_name,
        address=settings.publisher_address,
        vat_number=settings.publisher_vat_number,
        contact_email=settings.mail_from,
        phone=settings.publisher_phone,
        url=settings.public_url,
    )
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        monotonic=monotonic,
        acquirers=Acquirers(
            [connect(settings) for connect in ACQUIRERS], settings.charges_per_second, monotonic
        ),
        site=site,
        sender=Sender(
            SmtpTransport(settings.smtp_url),
            house,
            settings.mail_from,
            tokens,
            settings.zone,
            attach_documents=settings.mail_papers,
        ),
        newsletter_sender=NewsletterSender(
            database=database,
            relay=SmtpTransport(settings.smtp_url),
            site=site,
            house=house,
            address=settings.newsletter_from,
            bounce_domain=settings.bounce_domain or settings.newsletter_from.rpartition("@")[2],
            send_logs=_send_logs(settings),
            connections=settings.newsletter_connections,
        ),
    )


def _send_logs(settings: Settings) -> Path:
    """One folder a person of this machine, unless a setting names another."""
    if settings.journal_dir:
        return Path(settings.journal_dir)
    return Path(tempfile.gettempdir()) / f"masthead-journal-{os.getuid()}"


def create_app(services: Services, extend: "Callable[[FastAPI], None]" = lambda _: None) -> "ASGIApp":
    """The web application around an installation's parts; `extend` may add to it before it is closed in.

    The worker and most commands never read its code."""
    from billing.web_app import assemble

    return assemble(services, extend)
