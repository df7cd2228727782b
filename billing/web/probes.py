"""For operators: is the process alive, is it ready."""

from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from billing import bell
from billing.installation import NotAdopted, is_home
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
    """What this process answered, how fast, and the state of its memory, for Prometheus. Keep it to yourselves at the proxy."""
    return Response(
        generate_latest(request.app.state.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """The process and its database answer; and whether charging goes on, which doesn't keep this process from serving."""
    try:
        at = parts_of(request).clock.now()
        home = is_home(parts_of(request).database)
        with parts_of(request).database.transaction() as session:
            pause, waiting = breaker.paused(session), charge.waiting(session)
            aside = inbox.count_set_aside(session)
            rung, overdue = bell.heard(session, at), overdue_since(session, at)
            compared = reckonings.standing(session)
    except sa.exc.SQLAlchemyError:
        return problem(503, "not_ready", "The database doesn't answer.")
    charging: dict[str, object] = {"state": "paused" if pause else "on", "waiting": waiting}
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
    if not home:  # readers still read; only money and mail stand still
        return JSONResponse(answer | {"money_and_mail": "stopped", "why": NotAdopted().detail})
    return JSONResponse(answer | {"money_and_mail": "moving"})


def _worker(rung: bell.Heard | None) -> dict[str, object]:
    """Whether anybody looks for what is due: without it nothing is charged, told or settled, and readers still read."""
    if rung is None:
        return {"state": "never_seen"}
    return {"state": "silent" if rung.silent else "seen", "seen_at": shapes.instant(rung.at)}


def _books(compared: reckonings.Standing, at: datetime) -> dict[str, object]:
    """Whether our books are compared with Stripe's each day. Where they aren't, nobody would see what differs."""
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
    if rung is None:
        return {"state": "never_seen"}
    return {"state": "finishing", "finished_at": shapes.instant(rung.run_at)}
