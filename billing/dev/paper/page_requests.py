"""Requests for the sample paper's pages: prefetches, crawlers, and pages that caches may share."""

from dataclasses import replace
from datetime import datetime

from fastapi.responses import HTMLResponse
from starlette.responses import Response

from billing.dev.paper.googlebot import Proof
from billing.dev.paper.googlebot_rules import address_of, claims
from billing.http import cookies
from billing.platform.settings import Environment
from billing.rules.readings import Reading, reading
from billing.web.kit.visit import Visit
from billing.web.views.frame import Page, no_token


def is_ahead(visit: Visit) -> bool:
    """Whether the request is a prefetch."""
    return reading(visit.request.method, visit.request.headers) is Reading.AHEAD


def is_proved_crawler(visit: Visit) -> bool:
    """Whether it is proved to be Google's search crawler. May block for some seconds."""
    address = address_of(visit.ip)
    if address is None or not claims(visit.device):
        return False
    proof: Proof = visit.request.app.state.googlebot
    return proof.proves(address, visit.at)


def shared_page(visit: Visit, view: Page, until: datetime | None = None) -> Response:
    """Answer with a page that caches may keep for a short time, but not beyond `until` (PW-5), if the request has no cookie of ours.
    Other requests get a private page.

    `Vary` limits the cached page to requests without cookies, in one language. A cache that ignores `Vary` must forward requests with our cookies."""
    settings = visit.services.settings
    seconds = settings.shared_seconds
    if until is not None:
        seconds = min(seconds, int((until - visit.at).total_seconds()))
    if seconds < 1 or not _may_be_any_reader(visit) or settings.environment is Environment.DEMO:
        return visit.page(view)
    here = visit.request.url.path  # without the query: caches leave parts of it out of their keys
    frame = replace(visit.frame(), csrf=no_token, path=here, again_at=here)
    headers = {"Cache-Control": f"public, max-age=0, s-maxage={seconds}", "Vary": "Cookie, Accept-Language"}
    return HTMLResponse(visit.look.page(view, frame), 200, headers)


def _may_be_any_reader(visit: Visit) -> bool:
    """Whether the browser sent no cookie or token of ours and is given none, so that its answer suits all such browsers."""
    sent = cookies.any_of_ours(visit.request) or "authorization" in visit.request.headers
    return not sent and not visit.gives and not visit.takes
