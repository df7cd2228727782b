"""The only place that wires: settings in, parts out, and an application around them."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

import emails
from billing.clock import Clock, HeldClock, SystemClock
from billing.db import Database
from billing.installation import refuse_foreign
from billing.mail.deliver import Sender
from billing.mail.smtp import SmtpTransport
from billing.office import Office
from billing.parts import Parts
from billing.payments.stripe_gateway import StripeGateway
from billing.settings import Environment, Settings
from billing.tokens import Tokens
from billing.web import account, articles, demo_pages, hooks, mailed, probes, sign_in, subscribe
from billing.web.api import access as api_access
from billing.web.api import articles as api_articles
from billing.web.api import clock as api_clock
from billing.web.api import money as api_money
from billing.web.api import readers as api_readers
from billing.web.front import Front
from billing.web.look import STATIC, Look
from billing.web.problems import answer_refusals

YEAR_SECONDS = 31_536_000


def build(settings: Settings) -> Parts:
    """One installation from its settings. Raises RefusesToStart for a database that isn't this environment's."""
    database = Database(settings.database_url, pool_size=20)
    refuse_foreign(database, settings)
    tokens = Tokens(settings.secret_key.get_secret_value())
    clock: Clock = HeldClock(database) if settings.held else SystemClock()
    house = emails.House(
        name=settings.publisher_name,
        legal_name=settings.publisher_legal_name,
        address=settings.publisher_address,
        vat_number=settings.publisher_vat_number,
        contact_email=settings.mail_from,
        phone=settings.publisher_phone,
        url=settings.public_url,
    )
    return Parts(
        settings=settings,
        database=database,
        clock=clock,
        gateway=StripeGateway(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            api_base=settings.stripe_api_base,
            webhook_secrets=settings.stripe_webhook_secrets,
        ),
        office=Office(settings.zone, settings.public_url, tokens),
        sender=Sender(SmtpTransport(settings.smtp_url), house, settings.mail_from, tokens, settings.zone),
    )


def create_app(parts: Parts) -> ASGIApp:
    """The web application around an installation's parts."""
    app = FastAPI(
        title="Masthead",
        description="Subscriptions and paywall for a news publisher.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect would trust the Host header
    )
    app.state.parts = parts
    app.state.look = Look(parts.settings.zone)
    answer_refusals(app)
    pages = [subscribe, sign_in, account, mailed, articles]
    programs = [api_access, api_readers, api_money, api_articles, hooks, probes]
    if parts.settings.held:
        programs.append(api_clock)
    if parts.settings.environment is not Environment.LIVE and parts.settings.mailbox_dir:
        pages.append(demo_pages)
    for module in [*pages, *programs]:
        app.include_router(module.router)
    app.mount("/static", _Static(directory=STATIC))
    return Front(app, parts.settings)


class _Static(StaticFiles):
    """Files whose address holds a hash of their content never change, so they are cached for a year."""

    def file_response(self, full_path: Path | str, stat_result: object, scope: Scope, status_code: int = 200):  # type: ignore[no-untyped-def, override]
        response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]
        if b"v=" in scope.get("query_string", b""):
            response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        return response
