"""Probes for operators. They are answered in the event loop, so a full thread pool doesn't delay them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlmodel import Session
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.acquirer import breaker
from billing.billing_run.overdue import overdue_since
from billing.cases import find
from billing.http import shapes
from billing.payments import charge
from billing.platform.errors import Unavailable
from billing.platform.heartbeat import Heartbeat, last_heartbeat
from billing.platform.installation import NotAdopted, held_by, held_too_long
from billing.reconcile import schedule
from billing.reports import doctor
from billing.web.api.readiness import Readiness
from billing.web.kit.problems import problem
from billing.webhooks import inbox

router = APIRouter(tags=["Operators"])


ALIVE = JSONResponse({"status": "ok"})


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return ALIVE


class Liveness:
    """Answers `healthz` before the framework, whose dispatch takes longer than all else of it. Plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on. The framework describes the route, and refuses other methods."""
        is_probe = scope["type"] == "http" and scope["path"] == "/healthz" and scope["method"] == "GET"
        await (ALIVE if is_probe else self.app)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """What operators learn from the database, at an instant. The moments are None where there is no alarm."""

    at: datetime
    held: Unavailable | None
    """Why money and mail are stopped."""
    pause: breaker.ChargingPaused | None
    waiting: int
    set_aside: int
    last_heartbeat: Heartbeat | None
    overdue: datetime | None
    """When a billing run last finished."""
    compared: schedule.ComparisonProgress
    unexamined: datetime | None
    """When the doctor was due."""
    held_since: datetime | None
    cases: dict[str, int]
    """Open cases by kind."""

    def alarms(self) -> dict[str, bool]:
        """Each alarm by its name in the metrics."""
        return {
            "workers_silent": self.last_heartbeat is not None and self.last_heartbeat.silent,
            "billing_runs_overdue": self.overdue is not None,
            "books_late": self.compared.is_late(self.at),
            "doctor_late": self.unexamined is not None,
            "money_held": self.held_since is not None,
            "charging_paused": self.pause is not None,
        }


def operator_facts(session: Session, at: datetime) -> OperatorFacts:
    """All of it, from the database."""
    return OperatorFacts(
        at,
        held_by(session),
        breaker.paused(session),
        charge.waiting(session),
        inbox.count_set_aside(session),
        last_heartbeat(session, at),
        overdue_since(session, at),
        schedule.comparison_progress(session),
        doctor.overdue_since(session, at),
        held_too_long(session, at),
        find.count_by_kind(session),
    )


async def _facts(request: Request) -> OperatorFacts | None:
    """None where the database doesn't answer."""
    readiness: Readiness[OperatorFacts] = request.app.state.readiness
    return await readiness.found()


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """What this process answered, how fast, the state of its memory, what stands still here, what is an alarm and how many cases
    are open, for Prometheus. Keep it to yourselves at the proxy."""
    text = generate_latest(request.app.state.registry)
    facts = await _facts(request)
    if facts is not None:
        text += generate_latest(_as_gauges(facts))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


WITH_MONEY = {"charges": "charges", "refunds": "refunds", "mail": "mail except sign-in links"}
WITH_COPIES = {"newsletters": "newsletters"}
"""What is stopped while money is held, and what else in a copy of an installation; each in words."""


def _stopped(held: Unavailable | None) -> dict[str, str]:
    if held is None:
        return {}
    return WITH_MONEY | WITH_COPIES if isinstance(held, NotAdopted) else WITH_MONEY


def _as_gauges(facts: OperatorFacts) -> CollectorRegistry:
    registry = CollectorRegistry()

    def add(name: str, words: str, label: str, values: Mapping[str, float]) -> None:
        gauge = Gauge(name, words, [label], registry=registry)
        for which, value in values.items():
            gauge.labels(which).set(value)

    stopped = _stopped(facts.held)
    may_stop = {what: what in stopped for what in WITH_MONEY | WITH_COPIES}
    add("masthead_stopped", "1 for what stands still here.", "what", may_stop)
    add("masthead_alarm", "1 for what an operator is called for.", "what", facts.alarms())
    add("masthead_open_cases", "Cases that wait for a person.", "kind", facts.cases)
    return registry


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """The process and its database answer; and whether charging goes on, which doesn't keep this process from serving."""
    facts = await _facts(request)
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
        "stopped": list(_stopped(held).values()),
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
