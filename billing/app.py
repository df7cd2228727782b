"""The only place that wires: settings in, parts out, and an application around them."""

import os
import tempfile
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Scope

import emails
from billing.access.crawlers import Proof, proof_of
from billing.access.dns_names import DnsNames
from billing.clock import Clock, HeldClock, SystemClock
from billing.db import Database
from billing.errors import RefusesToStart
from billing.gate.gate import Gate
from billing.installation import refuse_foreign
from billing.mail.deliver import Sender
from billing.mail.smtp import SmtpTransport
from billing.monotonic import Monotonic, SystemMonotonic
from billing.newsletters.press import Press
from billing.office import Office
from billing.parts import Parts
from billing.payments.pace import Pace
from billing.payments.stripe_gateway import StripeGateway
from billing.settings import Environment, Settings
from billing.tokens import Tokens
from billing.web import (
    account,
    arrived,
    articles,
    choices,
    consents,
    contact,
    crawled,
    demo_pages,
    demo_static,
    gifts,
    hooks,
    listening,
    mailed,
    newsletters,
    pay,
    paywall,
    probes,
    recognise,
    sign_in,
    subscribe,
)
from billing.web.api import access as api_access
from billing.web.api import acts as api_acts
from billing.web.api import articles as api_articles
from billing.web.api import clock as api_clock
from billing.web.api import edges as api_edges
from billing.web.api import evaluations as api_evaluations
from billing.web.api import forecast as api_forecast
from billing.web.api import gifts as api_gifts
from billing.web.api import money as api_money
from billing.web.api import openings as api_openings
from billing.web.api import readers as api_readers
from billing.web.api import standing as api_standing
from billing.web.front import Front
from billing.web.intake import Intake
from billing.web.look import STATIC, Look
from billing.web.one_host import OneHost
from billing.web.problems import answer_refusals
from billing.web.sites import Sites
from billing.web.staff import PAGES as STAFF_PAGES
from billing.web.staff import demo_sign_in
from billing.web.staff.guard import answer_strangers

YEAR_SECONDS = 31_536_000


def build(settings: Settings, *, connections: int = 20, monotonic: Monotonic | None = None) -> Parts:
    """One installation from its settings; it keeps so many connections to the database open. `monotonic` is the machine's,
    unless another is given. Raises RefusesToStart for a database that isn't this environment's."""
    monotonic = monotonic or SystemMonotonic()
    database = Database(settings.database_url, pool_size=connections, monotonic=monotonic)
    refuse_foreign(database, settings)
    tokens = Tokens(settings.secret_key.get_secret_value())
    clock: Clock = HeldClock(database) if settings.held else SystemClock()
    office = Office(
        settings.zone,
        settings.public_url,
        tokens,
        settings.cooling_off_days,
        settings.pause_months,
        settings.term_notice_days,
        settings.session_limit,
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
    gateway = StripeGateway(
        secret_key=settings.stripe_secret_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        webhook_secrets=settings.stripe_webhook_secrets,
        waits=not settings.held,
    )
    return Parts(
        settings=settings,
        database=database,
        clock=clock,
        monotonic=monotonic,
        gateway=gateway,
        books=gateway.books,
        office=office,
        sender=Sender(
            SmtpTransport(settings.smtp_url),
            house,
            settings.mail_from,
            tokens,
            settings.zone,
            papers=settings.mail_papers,
        ),
        press=Press(
            database=database,
            line=SmtpTransport(settings.smtp_url),
            office=office,
            house=house,
            sender=settings.newsletter_from,
            bounce_domain=settings.bounce_domain or settings.newsletter_from.rpartition("@")[2],
            journals=_journals(settings),
            connections=settings.newsletter_connections,
        ),
        pace=Pace(settings.charges_per_second, monotonic),
        crawlers=crawlers_of(settings),
    )


def crawlers_of(settings: Settings) -> Proof:
    """How crawlers prove themselves here. Raises RefusesToStart."""
    try:
        return proof_of(settings.crawlers, DnsNames)
    except (OSError, ValueError) as error:
        raise RefusesToStart(f"BILLING_CRAWLERS can't be used: {error}") from None


def _journals(settings: Settings) -> Path:
    """One folder a person of this machine, unless a setting names another."""
    if settings.journal_dir:
        return Path(settings.journal_dir)
    return Path(tempfile.gettempdir()) / f"masthead-journal-{os.getuid()}"


def create_app(parts: Parts) -> ASGIApp:
    """The web application around an installation's parts."""
    app = FastAPI(
        title="Masthead",
        description="Subscriptions and paywall for a news publisher.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lambda _: gate.living(),
        redirect_slashes=False,  # such a redirect would trust the Host header
    )
    gate: Gate
    app.state.parts = parts
    app.state.look = Look(parts.settings.zone)
    app.state.intake = Intake(parts.database, parts.gateway, parts.clock)
    answer_refusals(app)
    answer_strangers(app)
    pages = [
        subscribe,
        arrived,
        sign_in,
        account,
        consents,
        choices,
        mailed,
        pay,
        articles,
        listening,
        gifts,
        contact,
        recognise,
        crawled,
        newsletters,
        *STAFF_PAGES,
    ]
    programs = [
        api_access,
        api_evaluations,
        api_edges,
        api_readers,
        api_standing,
        api_forecast,
        api_acts,
        api_money,
        api_articles,
        api_openings,
        api_gifts,
    ]
    programs += [paywall, probes]
    if parts.settings.held:
        programs.append(api_clock)
    if parts.settings.environment is not Environment.LIVE and parts.settings.mailbox_dir:
        pages += [demo_pages, demo_static]
    if parts.settings.environment is Environment.DEMO:
        pages.append(demo_sign_in)
    for module in [hooks, *pages, *programs]:  # looked through in this order; Stripe comes in bursts
        # Not `include_router`, which has nothing to add here and builds each route anew, a sixth of a second an application.
        app.router.routes.extend(module.router.routes)
    app.mount("/static", _Static(directory=STATIC))
    gate = Gate(Front(app, parts.settings), parts)
    app.state.line = gate.line
    app.state.registry = CollectorRegistry()
    app.state.registry.register(gate.measures)
    demo = parts.settings.environment is Environment.DEMO
    front = Sites(gate, parts.settings.sites) if parts.settings.sites else gate
    return OneHost(front, parts.settings.public_url) if demo else front


class _Static(StaticFiles):
    """Files whose address holds a hash of their content never change, so they are cached for a year."""

    def file_response(self, full_path: Path | str, stat_result: object, scope: Scope, status_code: int = 200):  # type: ignore[no-untyped-def, override]
        response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]
        if b"v=" in scope.get("query_string", b""):
            response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        return response
