"""The web application with the demo's additions: sample paper, mailbox, held clock, and staff sign-in without mail."""

from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp

from billing.app import create_app
from billing.container import Services
from billing.dev.demo import clock_api, clock_bar, mailbox_pages, staff_sign_in
from billing.dev.demo.canonical_host import CanonicalHost
from billing.dev.paper import articles, bundles, crawler_pages, gift_button, listening, static_page
from billing.dev.paper.dns_names import DnsNames
from billing.dev.paper.googlebot import Proof, proof_of
from billing.dev.paper.look import ADDRESS, STATIC, paper_look
from billing.dev.paper.sample_articles import with_sample
from billing.platform.errors import RefusesToStart
from billing.platform.settings import Environment, Settings
from billing.web.api import shared_documents
from billing.web.kit.visit import Extras
from billing.web_app import Static, add_routes


def create_demo_app(services: Services, googlebot: Proof | None = None) -> ASGIApp:
    """`create_app` with the demo's additions. `googlebot` replaces the crawler proof that the settings name. Raises RefusesToStart."""
    app = create_app(services, partial(_extend, services, googlebot or proof_for(services.settings)))
    return CanonicalHost(app, services.settings.public_url) if services.settings.mailbox_dir else app


def _extend(services: Services, googlebot: Proof, app: FastAPI) -> None:
    settings = services.settings
    add_routes(app, articles, bundles, gift_button, listening, crawler_pages)
    if settings.held:
        add_routes(app, clock_api)
    if settings.mailbox_dir:
        add_routes(app, mailbox_pages, clock_bar, static_page)
    if settings.environment is Environment.DEMO:
        add_routes(app, staff_sign_in)
    shared_documents.add(app, services, crawler_pages.written(services))
    app.state.sitemaps = crawler_pages.SITEMAPS
    app.state.renderer = paper_look(settings.zone)
    app.mount(ADDRESS, Static(directory=STATIC))
    app.state.googlebot = googlebot
    app.state.extras = Extras(banner=clock_bar.bar, teaser=with_sample)


def proof_for(settings: Settings) -> Proof:
    """The crawler proof that the settings name. Raises RefusesToStart."""
    try:
        return proof_of(settings.crawlers, DnsNames)
    except (OSError, ValueError) as error:
        raise RefusesToStart(f"BILLING_CRAWLERS can't be used: {error}") from None
