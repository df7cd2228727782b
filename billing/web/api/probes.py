"""Probes for operators. They are answered in the event loop, so a full thread pool doesn't delay them."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.http import shapes
from billing.platform.heartbeat import Heartbeat
from billing.reconcile import schedule
from billing.web.api.operator_facts import MeasuredFacts, OperatorFacts
from billing.web.api.operator_gauges import gauges
from billing.web.api.readiness import Readiness
from billing.web.kit.lanes import PROBES
from billing.web.kit.problems import problem

router = APIRouter(tags=["Operators"])


ALIVE = JSONResponse({"status": "ok"})


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return ALIVE


class ProbeMiddleware:
    """Answers `healthz` before the framework, whose dispatch takes longer than all else of it, and HEAD for every probe. Plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on. The framework describes the routes, and refuses other methods."""
        is_probe = scope["type"] == "http" and scope["path"] in PROBES
        if is_probe and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        is_alive = is_probe and scope["path"] == "/healthz" and scope["method"] == "GET"
        await (ALIVE if is_alive else self.app)(scope, receive, send)


def _without_body(send: Send) -> Send:
    """Sends the head of an answer, which has the length of the body that GET would get."""

    async def head(message: Message) -> None:
        await send(message if "body" not in message else {**message, "body": b""})

    return head


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """What this process answered, how fast, the state of its memory, what waits for a worker and since when, what stands still here,
    what is an alarm and how many cases are open, for Prometheus. Keep it to yourselves at the proxy."""
    measured: Readiness[MeasuredFacts] = request.app.state.measured
    text = generate_latest(request.app.state.registry) + generate_latest(gauges(await measured.found()))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """The process and its database answer; and whether charging goes on, which doesn't keep this process from serving."""
    readiness: Readiness[OperatorFacts] = request.app.state.readiness
    facts = await readiness.found()
    if facts is None:
        return problem(503, "not_ready", "The database doesn't answer.")
    held, pause = facts.held, facts.pause
    charging: dict[str, object] = {
        "state": "paused" if pause else "held" if held else "on",
        "waiting": facts.waiting,
    }
    if pause is not None:
        charging |= {"since": shapes.instant(pause.since), "asks_again_at": shapes.instant(pause.probe_at)}
    answer = {
        "status": "ready",
        "worker": _worker(facts.last_heartbeat),
        "billing_runs": _runs(facts),
        "charging": charging,
        "books": _books(facts.compared, facts.at),
        "doctor": _doctor(facts.unexamined),
        "events_set_aside": facts.set_aside,
        "listening": request.app.state.listener.is_fresh,  # without it, access checks query the database: slower, still right
        "money_and_mail": "stopped" if held else "moving",
        "stopped": list(facts.stopped.values()),
    }
    # still ready: readers read on while money is held
    return JSONResponse(answer | {"why": held.detail} if held else answer)


def _worker(heartbeat: Heartbeat | None) -> dict[str, object]:
    """Without a worker nothing is charged, mailed or settled; readers still read."""
    if heartbeat is None:
        return {"state": "never_seen"}
    return {"state": "silent" if heartbeat.silent else "seen", "seen_at": shapes.instant(heartbeat.at)}


def _books(compared: schedule.ComparisonProgress, at: datetime) -> dict[str, object]:
    """Whether our books are compared with the acquirer's each day."""
    is_late = compared.is_late(at)
    books: dict[str, object] = {"state": "late" if is_late else "compared"}
    if compared.through is not None:
        books |= {"through": compared.through.isoformat()}
    if is_late and compared.problem:
        books |= {"problem": compared.problem}
    return books


def _doctor(due_at: datetime | None) -> dict[str, object]:
    """Whether the doctor checks every promise each night."""
    return {"state": "late", "due_at": shapes.instant(due_at)} if due_at else {"state": "in_time"}


def _runs(facts: OperatorFacts) -> dict[str, object]:
    """Whether billing runs finish while workers are there. A run that hangs can't report itself, so it shows here."""
    heartbeat = facts.last_heartbeat
    if facts.overdue is not None:
        return {"state": "overdue", "finished_at": shapes.instant(facts.overdue)}
    if heartbeat is None or heartbeat.run_at is None:
        return {"state": "never_seen"}
    return {"state": "finishing", "finished_at": shapes.instant(heartbeat.run_at)}
