"""For operators: is the process alive, is it ready."""

from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.responses import Response

from billing import bell
from billing.errors import Unavailable
from billing.installation import NotAdopted, held_by
from billing.payments import breaker, charge
from billing.renewals.overdue import overdue_since
from billing.reports import reckonings
from billing.web.api import shapes
from billing.web.problems import problem
from billing.web.visit import parts_of
from billing.webhooks import inbox

router = APIRouter(tags=["Operators"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """What this process answered, how fast, the state of its memory, and what stands still here, for Prometheus. Keep it to
    yourselves at the proxy."""
    text = generate_latest(request.app.state.registry)
    with suppress(sa.exc.SQLAlchemyError):  # without a database the rest is still told
        with parts_of(request).database.transaction() as session:
            stopped = _stopped(held_by(session))
        text += generate_latest(_as_gauge(stopped))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


WITH_MONEY = {"charges": "charges", "refunds": "refunds", "mail": "mail except sign-in links"}
WITH_COPIES = {"newsletters": "newsletters"}
"""What stands still while money is held, and what besides in a copy, each in words."""


def _stopped(held: Unavailable | None) -> dict[str, str]:
    if held is None:
        return {}
    return WITH_MONEY | WITH_COPIES if isinstance(held, NotAdopted) else WITH_MONEY


def _as_gauge(stopped: dict[str, str]) -> CollectorRegistry:
    registry = CollectorRegistry()
    gauge = Gauge("masthead_stopped", "1 for what stands still here.", ["what"], registry=registry)
    for what in WITH_MONEY | WITH_COPIES:
        gauge.labels(what).set(what in stopped)
    return registry


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """The process and its database answer; and whether charging goes on, which doesn't keep this process from serving."""
    try:
        at = parts_of(request).clock.now()
        with parts_of(request).database.transaction() as session:
            held = held_by(session)
            pause, waiting = breaker.paused(session), charge.waiting(session)
            aside = inbox.count_set_aside(session)
            rung, overdue = bell.heard(session, at), overdue_since(session, at)
            compared = reckonings.standing(session)
    except sa.exc.SQLAlchemyError:
        return problem(503, "not_ready", "The database doesn't answer.")
    charging: dict[str, object] = {
        "state": "paused" if pause else "held" if held else "on",
        "waiting": waiting,
    }
    if pause is not None:
        charging |= {"since": shapes.instant(pause.since), "asks_again_at": shapes.instant(pause.probe_at)}
    answer = {
        "status": "ready",
        "worker": _worker(rung),
        "billing_runs": _runs(rung, overdue),
        "charging": charging,
        "books": _books(compared, at),
        "events_set_aside": aside,
        "listening": request.app.state.line.is_up,  # down: access is asked of the database each time, and slower
    }
    if held is not None:  # readers still read, so it is ready for them
        stopped = list(_stopped(held).values())
        return JSONResponse(answer | {"money_and_mail": "stopped", "stopped": stopped, "why": held.detail})
    return JSONResponse(answer | {"money_and_mail": "moving", "stopped": []})


def _worker(rung: bell.Heard | None) -> dict[str, object]:
    """Whether anybody looks for what is due: without it nothing is charged, told or settled, and readers still read."""
    if rung is None:
        return {"state": "never_seen"}
    return {"state": "silent" if rung.silent else "seen", "seen_at": shapes.instant(rung.at)}


def _books(compared: reckonings.Standing, at: datetime) -> dict[str, object]:
    """Whether our books are compared with Stripe's each day. Where they aren't, what differs isn't seen."""
    said: dict[str, object] = {"state": "late" if compared.is_late(at) else "compared"}
    if compared.through is not None:
        said |= {"through": compared.through.isoformat()}
    if compared.is_late(at) and compared.problem:
        said |= {"problem": compared.problem}
    return said


def _runs(rung: bell.Heard | None, overdue: datetime | None) -> dict[str, object]:
    """Whether billing runs finish while workers are there; a run that hangs is told here, since it can't tell itself."""
    if overdue is not None:
        return {"state": "overdue", "finished_at": shapes.instant(overdue)}
    if rung is None or rung.run_at is None:
        return {"state": "never_seen"}
    return {"state": "finishing", "finished_at": shapes.instant(rung.run_at)}
