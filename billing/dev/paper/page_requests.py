"""How a page of the sample paper is asked for, and which of its pages caches may share."""

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
from billing.web.views.frame import Page


def is_ahead(visit: Visit) -> bool:
    """Whether the browser only fetches ahead."""
    return reading(visit.request.method, visit.request.headers) is Reading.AHEAD


def is_proved_crawler(visit: Visit) -> bool:
    """Whether it is Google's search crawler, beyond what it says of itself. May wait for some seconds, in its thread."""
    address = address_of(visit.ip)
    if address is None or not claims(visit.device):
        return False
    proof: Proof = visit.request.app.state.googlebot
    return proof.proves(address, visit.at)


def shared_page(visit: Visit, view: Page, until: datetime | None = None) -> Response:
    """Answer with a page that stands in for everybody's: to just anybody without a cookie, and for caches between to keep
    for a short while, no longer than it is true (PW-5). To others it is their own.

    A cache keeps it for requests without cookies, by `Vary`; one that ignores that must pass requests with ours on."""
    settings = visit.services.settings
    seconds = settings.shared_seconds
    if until is not None:
        seconds = min(seconds, int((until - visit.at).total_seconds()))
    if seconds < 1 or not _is_anybody(visit) or settings.environment is Environment.DEMO:
        return visit.page(view)
    frame = replace(visit.frame(), csrf="", path=visit.request.url.path)
    headers = {"Cache-Control": f"public, max-age=0, s-maxage={seconds}", "Vary": "Cookie"}
    return HTMLResponse(visit.look.page(view, frame), 200, headers)


def _is_anybody(visit: Visit) -> bool:
    """Whether the browser sent nothing of ours, and is given nothing: it is answered as any other would be."""
    sent = cookies.any_of_ours(visit.request) or "authorization" in visit.request.headers
    return not sent and not visit.gives and not visit.takes
