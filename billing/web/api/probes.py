"""For operators: is the process alive, is it ready. Answered in the event loop, so no crowd of requests keeps a probe waiting."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlmodel import Session
from starlette.responses import Response

from billing.acquirer import breaker
from billing.billing_run.overdue import overdue_since
from billing.cases import find
from billing.http import shapes
from billing.payments import charge
from billing.platform import heartbeat
from billing.platform.errors import Unavailable
from billing.platform.installation import NotAdopted, held_by, held_too_long
from billing.reconcile import schedule
from billing.reports import doctor
from billing.web.api.readiness import Readiness
from billing.web.kit.problems import problem
from billing.webhooks import inbox

router = APIRouter(tags=["Operators"])


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """What operators are told, at an instant."""

    at: datetime
    held: Unavailable | None
    pause: breaker.ChargingPaused | None
    waiting: int
    set_aside: int
    last_heartbeat: heartbeat.Heartbeat | None
    overdue: datetime | None
    compared: schedule.Standing
    unexamined: datetime | None
    held_since: datetime | None
    """Only where that is an alarm."""
    cases: dict[str, int]
    """How many are open, by kind."""

    def alarms(self) -> dict[str, bool]:
        """Each alarm, by its name as a metric."""
        return {
            "workers_silent": self.last_heartbeat is not None and self.last_heartbeat.silent,
            "billing_runs_overdue": self.overdue is not None,
            "books_late": self.compared.is_late(self.at),
            "doctor_late": self.unexamined is not None,
            "money_held": self.held_since is not None,
            "charging_paused": self.pause is not None,
        }


def look(session: Session, at: datetime) -> OperatorFacts:
    """All of it, from the database."""
    return OperatorFacts(
        at,
        held_by(session),
        breaker.paused(session),
        charge.waiting(session),
        inbox.count_set_aside(session),
        heartbeat.last_heartbeat(session, at),
        overdue_since(session, at),
        schedule.standing(session),
        doctor.overdue_since(session, at),
        held_too_long(session, at),
        find.count_by_kind(session),
    )


def _readiness(request: Request) -> Readiness[OperatorFacts]:
    found: Readiness[OperatorFacts] = request.app.state.readiness
    return found


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """What this process answered, how fast, the state of its memory, what stands still here, what is an alarm and how many cases
    are open, for Prometheus. Keep it to yourselves at the proxy."""
    text = generate_latest(request.app.state.registry)
    found = await _readiness(request).found()
    if found is not None:  # without a database the rest is still told
        text += generate_latest(_as_gauges(found))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


WITH_MONEY = {"charges": "charges", "refunds": "refunds", "mail": "mail except sign-in links"}
WITH_COPIES = {"newsletters": "newsletters"}
"""What stands still while money is held, and what besides in a copy, each in words."""


def _stopped(held: Unavailable | None) -> dict[str, str]:
    if held is None:
        return {}
    return WITH_MONEY | WITH_COPIES if isinstance(held, NotAdopted) else WITH_MONEY


def _as_gauges(found: OperatorFacts) -> CollectorRegistry:
    registry = CollectorRegistry()
    stopped, words = _stopped(found.held), "1 for what stands still here."
    _gauge(
        registry, "masthead_stopped", words, "what", {it: it in stopped for it in WITH_MONEY | WITH_COPIES}
    )
    _gauge(registry, "masthead_alarm", "1 for what an operator is called for.", "what", found.alarms())
    _gauge(registry, "masthead_open_cases", "Cases that wait for a person.", "kind", found.cases)
    return registry


def _gauge(
    registry: CollectorRegistry, name: str, words: str, label: str, values: Mapping[str, float]
) -> None:
    gauge = Gauge(name, words, [label], registry=registry)
    for which, value in values.items():
        gauge.labels(which).set(value)


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """The process and its database answer; and whether charging goes on, which doesn't keep this process from serving."""
    found = await _readiness(request).found()
    if found is None:
        return problem(503, "not_ready", "The database doesn't answer.")
    held, pause = found.held, found.pause
    charging: dict[str, object] = {
        "state": "paused" if pause else "held" if held else "on",
        "waiting": found.waiting,
    }
    if pause is not None:
        charging |= {"since": shapes.instant(pause.since), "asks_again_at": shapes.instant(pause.probe_at)}
    answer = {
        "status": "ready",
        "worker": _worker(found.last_heartbeat),
        "billing_runs": _runs(found.last_heartbeat, found.overdue),
        "charging": charging,
        "books": _books(found.compared, found.at),
        "doctor": _doctor(found.unexamined),
        "events_set_aside": found.set_aside,
        "listening": request.app.state.listener.is_fresh,  # down: access is asked of the database each time, and slower
    }
    if held is not None:  # readers still read, so it is ready for them
        stopped = list(_stopped(held).values())
        return JSONResponse(answer | {"money_and_mail": "stopped", "stopped": stopped, "why": held.detail})
    return JSONResponse(answer | {"money_and_mail": "moving", "stopped": []})


def _worker(last_heartbeat: heartbeat.Heartbeat | None) -> dict[str, object]:
    """Whether anybody looks for what is due: without it nothing is charged, told or settled, and readers still read."""
    if last_heartbeat is None:
        return {"state": "never_seen"}
    return {
        "state": "silent" if last_heartbeat.silent else "seen",
        "seen_at": shapes.instant(last_heartbeat.at),
    }


def _books(compared: schedule.Standing, at: datetime) -> dict[str, object]:
    """Whether our books are compared with the acquirer's each day. Where they aren't, what differs isn't seen."""
    said: dict[str, object] = {"state": "late" if compared.is_late(at) else "compared"}
    if compared.through is not None:
        said |= {"through": compared.through.isoformat()}
    if compared.is_late(at) and compared.problem:
        said |= {"problem": compared.problem}
    return said


def _doctor(unexamined: datetime | None) -> dict[str, object]:
    """Whether every promise is asked each night. Where it isn't, what is broken isn't seen."""
    if unexamined is not None:
        return {"state": "late", "due_at": shapes.instant(unexamined)}
    return {"state": "in_time"}


def _runs(last_heartbeat: heartbeat.Heartbeat | None, overdue: datetime | None) -> dict[str, object]:
    """Whether billing runs finish while workers are there; a run that hangs is told here, since it can't tell itself."""
    if overdue is not None:
        return {"state": "overdue", "finished_at": shapes.instant(overdue)}
    if last_heartbeat is None or last_heartbeat.run_at is None:
        return {"state": "never_seen"}
    return {"state": "finishing", "finished_at": shapes.instant(last_heartbeat.run_at)}
