"""The bar above each page of the demo: the held clock, the next event, and the buttons that move the clock."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from markupsafe import Markup
from starlette.responses import Response

from billing.dev.time_travel import advance
from billing.platform.clock import CannotTurnBack
from billing.platform.errors import Invalid
from billing.platform.settings import Environment
from billing.timetable import upcoming
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.kit.visit import Guarded, Visit

router = APIRouter(include_in_schema=False)
TEMPLATE = "demo_bar.html"
STEPS = {"1d": timedelta(days=1), "7d": timedelta(days=7)}


class NoSuchStep(Invalid):
    """The clock moves by `1d`, by `7d`, or to the `next` thing that happens."""

    code = "bad_step"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBar:
    """The held clock and the next event (None: none is planned)."""

    now: datetime
    sandbox_url: str
    next_at: datetime | None = None
    next_what: str | None = None


def bar(visit: Visit) -> Markup | None:
    """The bar for this page; None outside the demo."""
    if visit.services.settings.environment is not Environment.DEMO:
        return None
    visit.need_database()
    due = upcoming(visit.services)
    shown = DemoBar(
        now=visit.at,
        sandbox_url=visit.services.settings.sandbox_url,
        next_at=due[0] if due else None,
        next_what=due[1] if due else None,
    )
    return Markup(visit.look.render(TEMPLATE, demo=shown, csrf=lambda: visit.csrf, path=visit.path))  # noqa: S704 - a template's, which escapes


@router.post("/demo/clock")
@may_call_gateway
def move_clock(
    visit: Guarded, to: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/"
) -> GatewayCall:
    """Move the clock and return to the page `back`."""
    return GatewayCall(visit, lambda: _move(visit, to, back))


def _move(visit: Visit, to: str, back: str) -> Response:
    if to == "next":
        due = upcoming(visit.services)
        # Another request may have moved the clock past this event, which is what was wanted.
        with suppress(CannotTurnBack):
            advance(visit.services, due[0] if due else timedelta())
    elif to in STEPS:
        advance(visit.services, STEPS[to])
    else:
        raise NoSuchStep
    return visit.go(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
