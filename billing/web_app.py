"""The web application: all routes, and the layers before them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Scope

from billing.access_cache.gate import Gate
from billing.container import Services
from billing.platform.exposition import Counted, process_registry
from billing.preflight.check_runner import CheckRunner
from billing.preflight.context import Preflight
from billing.reports.numbers.kept_figures import KeptFigures
from billing.web.api import (
    access,
    acts,
    articles,
    edges,
    evaluations,
    forecast,
    invoices,
    merge,
    openings,
    operator_facts,
    paywall,
    probes,
    reached,
    readers,
    refunds,
    sections,
    security_txt,
    shared_documents,
    standing,
    webhook_endpoint,
)
from billing.web.api import gifts as api_gifts
from billing.web.api.readiness import Readiness
from billing.web.kit.admission import AdmissionQueue
from billing.web.kit.brand_follower import BrandFollower
from billing.web.kit.bulkhead import Bulkheads
from billing.web.kit.compression import CompressionMiddleware
from billing.web.kit.kept_rows import KeptRows
from billing.web.kit.lanes import LOOP_THREADS, THREADS
from billing.web.kit.middleware import RequestMiddleware
from billing.web.kit.problems import answer_refusals
from billing.web.kit.rendering import PageRenderer
from billing.web.kit.route_table import RouteTable
from billing.web.kit.sites import Sites
from billing.web.kit.static_files import FOR_GOOD, STATIC
from billing.web.kit.visit import Extras
from billing.web.reader import (
    account,
    address,
    brand_files,
    card_return,
    charge_day,
    choices,
    confirm_request,
    consents,
    contact,
    data,
    erase,
    gifts,
    icons,
    invoice_details,
    language,
    legal,
    newsletters,
    own_requests,
    passkeys,
    pay,
    receipts,
    sign_in,
    signed_links,
    step_up,
    subscribe,
    undoing,
    way,
    who_charged_me,
)
from billing.web.reader.guard import answer_redirects
from billing.web.staff import PAGES as STAFF_PAGES
from billing.web.staff import step_up as staff_step_up
from billing.web.staff.guard import answer_strangers

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""The framework's own spans would hold paths, which may hold tokens, whatever provider its environment brings."""
READER_PAGES = (
    *(
        subscribe,
        card_return,
        sign_in,
        account,
        address,
        receipts,
        step_up,
        consents,
        choices,
        charge_day,
        confirm_request,
    ),
    *(signed_links, undoing, pay, gifts, contact, who_charged_me, newsletters, brand_files),
    *(way, language, legal, icons, passkeys, erase, own_requests, invoice_details, data),
)
ENDPOINTS = (
    *(access, evaluations, edges, readers, standing, forecast, acts, invoices, refunds, articles, sections),
    *(openings, api_gifts, merge, paywall, probes, reached, security_txt, shared_documents),
)


def assemble(
    services: Services, extend: Callable[[FastAPI], None], connect_preflight: Callable[[], Preflight]
) -> ASGIApp:
    """The web application of an installation. `extend` may add routes and whatever else the demo has; `connect_preflight` makes what
    the checks of the settings look at."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix=LOOP_THREADS))
        async with gate.running():
            yield
        readiness.close()
        measured.close()
        await to_thread.run_sync(services.tracer.close)

    app = FastAPI(
        title="Masthead",
        description="Subscriptions and paywall for a news publisher.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # `shared_documents` serves it; made at each request, it would block the event loop
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
        redirect_slashes=False,  # such a redirect would trust the Host header
    )
    # apart: a load balancer that asks each second whether we are ready must not count queues
    app.state.readiness = readiness = Readiness(services, operator_facts.operator_facts)
    app.state.measured = measured = Readiness(
        services, partial(operator_facts.measured_facts, kept=KeptFigures(services.site))
    )
    app.state.documents, app.state.sitemaps = {}, ()
    shared_documents.add_own(app, services)
    app.state.extras = Extras()
    app.state.services = services
    app.state.renderer = PageRenderer(services.settings.zone)
    app.state.bulkheads = Bulkheads()
    app.state.check_runner = CheckRunner(connect_preflight)
    answer_refusals(app)
    answer_strangers(app)
    answer_redirects(app)
    staff_step_up.answer_stale(app)
    # routes are tried in order: webhooks first, as they come in bursts
    app.router.routes.extend(webhook_endpoint.router(services).routes)
    add_routes(app, *READER_PAGES, *STAFF_PAGES, *ENDPOINTS)
    extend(app)
    app.mount("/static", Static(directory=STATIC))
    app.router.routes.insert(0, RouteTable(app.router.routes))
    queue = AdmissionQueue(probes.ProbeMiddleware(app), services)
    inner = CompressionMiddleware(queue) if services.settings.compress else queue
    requests = RequestMiddleware(inner, services)
    gate = Gate(requests, services)
    app.state.listener = gate.listener
    app.state.kept_rows = KeptRows(gate.listener, services.clock)
    gate.on_change.append(app.state.kept_rows.invalidate)
    follower = BrandFollower(services.publisher, services.database, services.throttle)
    gate.on_change.append(follower.invalidate)
    gate.listener.on_echo = follower.on_echo
    app.state.registry = registry = process_registry(services.database)
    registry.register(Counted((requests.metrics.requests,), (requests.metrics.seconds,)))
    registry.register(gate.metrics)
    registry.register(queue)
    return Sites(gate, services.settings.sites) if services.settings.sites else gate


class HasRouter(Protocol):
    """A module of pages or endpoints."""

    router: APIRouter


def add_routes(app: FastAPI, *modules: HasRouter) -> None:
    """Add the routes of modules. `include_router` would build each route again, which takes a sixth of a second."""
    for module in modules:
        app.router.routes.extend(module.router.routes)


class Static(StaticFiles):
    """Caches may keep a file for a year if its address holds a hash of its content."""

    def file_response(self, full_path: Path | str, stat_result: object, scope: Scope, status_code: int = 200):  # type: ignore[no-untyped-def, override]
        response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]
        if b"v=" in scope.get("query_string", b""):
            response.headers.update(FOR_GOOD)
        return response
