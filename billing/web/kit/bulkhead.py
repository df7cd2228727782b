"""What waits for the acquirer has few threads of its own, so that pages, the access API and the probes keep theirs.

A bulkhead, as Release It! and resilience4j name it: so many calls run, so many wait for a thread, and the next one is refused.
Readers, programs and staff have one each, so that none of them crowds out another. In each, one network, API key or
member has half of the threads and half of the places at most."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import signature
from typing import ParamSpec, Protocol, cast

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from billing.http.shares import Turns
from billing.platform.errors import Unavailable


class GatewayBusy(Unavailable):
    """Many people are on their way to the card company, so we did not ask it. Nothing was charged and nothing is lost; please try again in a minute."""

    code = "gateway_busy"


class Side(StrEnum):
    """Who waits; each has a bulkhead."""

    READERS = "readers"
    PROGRAMS = "programs"
    STAFF = "staff"


THREADS: Mapping[Side, int] = {Side.READERS: 12, Side.PROGRAMS: 12, Side.STAFF: 6}
PLACES_A_THREAD = 4
"""Calls inside a bulkhead for each of its threads: one runs, the others wait. The acquirer commonly answers within a second."""


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a call counts for: a network, an API key, a member of staff."""

    side: Side
    name: str


class Guest(Protocol):
    """A request whose party is known."""

    @property
    def request(self) -> Request:
        """As the framework has it."""
        ...

    @property
    def party(self) -> Party:
        """Whom it counts for."""
        ...


@dataclass(frozen=True, slots=True)
class Waits:
    """The rest of an answer, which may call the gateway. The handler has refused by now what costs no call.

    `when_full` answers in its place while there is no room; without it, the refusal is `GatewayBusy`."""

    guest: Guest
    work: Callable[[], Response]
    when_full: Callable[[], Response] | None = None


class Bulkhead:
    """The threads and places of one side, in one process."""

    def __init__(self, threads: int) -> None:
        places = threads * PLACES_A_THREAD
        self._limiter = CapacityLimiter(threads)
        self._turns = Turns(places, each=places // 2, at_once=threads // 2)
        self.is_full = self._turns.is_full

    async def run(self, name: str, work: Callable[[], Response]) -> Response:
        """Do it in a thread of this bulkhead, in its turn. The caller has asked whether it is full, with no `await` since."""
        async with self._turns.turn(name):
            return await to_thread.run_sync(_marked, work, limiter=self._limiter)


class Bulkheads:
    """Those of one process."""

    def __init__(self) -> None:
        self._of = {side: Bulkhead(threads) for side, threads in THREADS.items()}

    async def run(self, waits: Waits) -> Response:
        """Answer. Raises GatewayBusy."""
        party = waits.guest.party
        bulkhead = self._of[party.side]
        if not bulkhead.is_full(party.name):
            return await bulkhead.run(party.name, waits.work)
        if waits.when_full is None:
            raise GatewayBusy
        return await run_in_threadpool(waits.when_full)


_inside: ContextVar[bool] = ContextVar("inside a bulkhead", default=False)


def is_inside() -> bool:
    """Whether this thread, or the one that started it, is a bulkhead's."""
    return _inside.get()


def _marked(work: Callable[[], Response]) -> Response:
    _inside.set(True)  # in the thread's own copy of the context
    return work()


Asked = ParamSpec("Asked")


def may_wait(handler: Callable[Asked, Response | Waits]) -> Callable[Asked, Awaitable[Response]]:
    """A route's handler that may call the gateway: it answers, or says with `Waits` what is still to be done for its answer.

    The handler itself runs in a page's thread, as any other, and must not call the gateway."""

    @wraps(handler)
    async def answer(*args: Asked.args, **kwargs: Asked.kwargs) -> Response:
        found = await run_in_threadpool(handler, *args, **kwargs)
        if not isinstance(found, Waits):
            return found
        bulkheads = cast("Bulkheads", found.guest.request.app.state.bulkheads)
        return await bulkheads.run(found)

    answer.__signature__ = signature(handler).replace(return_annotation=Response)  # type: ignore[attr-defined]
    return answer
