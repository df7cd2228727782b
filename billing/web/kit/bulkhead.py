"""Requests that call the acquirer run in a few threads of their own, so that pages, the access API and the probes keep theirs.

A bulkhead, as in Release It! and resilience4j: some calls run, some wait for a thread, and the next one is refused. Readers,
programs and staff have one each, so that none crowds out another. One network, API key or member gets at most half of the
threads and half of the places."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import signature
from typing import ParamSpec, Protocol

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from billing.http.shares import Places
from billing.platform.errors import Unavailable
from billing.web.kit.place import give_up_place


class GatewayBusy(Unavailable):
    """Many people are on their way to the card company, so we did not ask it. Nothing was charged and nothing is lost; please try again in a minute."""

    code = "gateway_busy"


class Side(StrEnum):
    """Who calls; each side has a bulkhead."""

    READERS = "readers"
    PROGRAMS = "programs"
    STAFF = "staff"


THREADS: Mapping[Side, int] = {Side.READERS: 12, Side.PROGRAMS: 12, Side.STAFF: 6}
PLACES_A_THREAD = 4
"""Calls inside a bulkhead for each thread: one runs, the others wait. The acquirer commonly answers within a second."""


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a call counts for: a network, an API key or a member of staff."""

    side: Side
    name: str


class GatewayCaller(Protocol):
    """A visit or an API call: a request, and the party that it counts for."""

    @property
    def request(self) -> Request: ...

    @property
    def party(self) -> Party: ...


@dataclass(frozen=True, slots=True)
class GatewayCall:
    """The rest of an answer, which may call the gateway. The handler has made the checks that need no call.

    `when_full` answers instead while there is no room; without it, `GatewayBusy` is raised."""

    caller: GatewayCaller
    work: Callable[[], Response]
    when_full: Callable[[], Response] | None = None


class Bulkheads:
    """The bulkheads of one process: threads and places for each side."""

    def __init__(self) -> None:
        self._limiters = {side: CapacityLimiter(threads) for side, threads in THREADS.items()}
        self._places = {
            side: Places(threads, threads * (PLACES_A_THREAD - 1)) for side, threads in THREADS.items()
        }

    async def run(self, waits: GatewayCall) -> Response:
        """Answer in a thread of the party's side, in its turn. Raises GatewayBusy."""
        give_up_place(waits.caller.request)
        party = waits.caller.party
        places = self._places[party.side]
        if await places.take(party.name):
            try:
                return await to_thread.run_sync(_marked, waits.work, limiter=self._limiters[party.side])
            finally:
                places.give_up(party.name)
        if waits.when_full is None:
            raise GatewayBusy
        return await run_in_threadpool(waits.when_full)


_inside: ContextVar[bool] = ContextVar("inside a bulkhead", default=False)


def is_inside() -> bool:
    """Whether this thread, or the thread that started it, belongs to a bulkhead."""
    return _inside.get()


def _marked(work: Callable[[], Response]) -> Response:
    _inside.set(True)  # in the copy of the context that the thread got
    return work()


Asked = ParamSpec("Asked")


def may_call_gateway(
    handler: Callable[Asked, Response | GatewayCall],
) -> Callable[Asked, Awaitable[Response]]:
    """Decorates a route's handler that may need the gateway: it answers, or returns `GatewayCall` with the work still to do.

    The handler itself runs in a thread for pages, and must not call the gateway."""

    @wraps(handler)
    async def answer(*args: Asked.args, **kwargs: Asked.kwargs) -> Response:
        found = await run_in_threadpool(handler, *args, **kwargs)
        if not isinstance(found, GatewayCall):
            return found
        bulkheads: Bulkheads = found.caller.request.app.state.bulkheads
        return await bulkheads.run(found)

    # FastAPI would make a response model of the annotation `GatewayCall`
    answer.__signature__ = signature(handler).replace(return_annotation=Response)  # type: ignore[attr-defined]
    return answer
