"""The bounded queue in front of the framework: each request that the access cache passes on waits here for a place in its lane.

Without a free place a request waits for some seconds; behind a full queue, or after that time, it is answered with 503 and
Retry-After. Access checks of programs with a valid API key and of signed-in readers have lanes of their own, once the access
cache has verified them: what a request claims is no proof. All others count by their network."""

from collections.abc import Iterator
from contextlib import AsyncExitStack

from anyio import Semaphore, move_on_after
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.container import Services
from billing.http.asker import ASKER, TOO_MANY, Asker, AskerKind
from billing.http.bodies import read_ahead
from billing.http.client_ip import client_ip
from billing.http.shares import Turns
from billing.platform.errors import Unavailable
from billing.rules import networks
from billing.web.kit.lanes import LANES, PROBES, Lane, lane_of
from billing.web.kit.place import keep_place
from billing.web.kit.problems import answer_plainly


class Busy(Unavailable):
    """More people ask at this moment than we can answer. Nothing was lost; please try again in a few seconds."""

    code = "busy"
    title = "One moment, please"
    retry_after = 2


class Places:
    """The places of one lane."""

    def __init__(self, lane: Lane) -> None:
        most, part = lane.at_once + lane.waiting, 2 if lane.shares else 1
        self.name = lane.name
        self.turned_away = 0
        self._at_once = lane.at_once
        self._free = Semaphore(lane.at_once, fast_acquire=True)
        self._turns = Turns(most, each=most // part, at_once=lane.at_once // part)

    @property
    def running(self) -> int:
        """The number of requests inside the framework."""
        return self._at_once - self._free.value

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a place."""
        return self._turns.inside - self.running

    async def take(self, party: str, seconds: float) -> AsyncExitStack | None:
        """A place for one request of this party, to be closed; None if the queue is full, or no place comes free in time."""
        if self._turns.is_full(party):
            self.turned_away += 1
            return None
        async with AsyncExitStack() as place:
            with move_on_after(seconds):
                await place.enter_async_context(self._turns.turn(party))
                await place.enter_async_context(self._free)
                return place.pop_all()
        self.turned_away += 1
        return None


class AdmissionQueue(Collector):
    """Plain ASGI, in front of the framework. A place is held neither while a body arrives nor while an answer is sent: a slow
    client, real or pretended, holds nothing."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        self.places = {lane: Places(lane) for lane in LANES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when a place is free."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        asker = scope["state"].get(ASKER) or self._stranger(request)
        if asker == TOO_MANY:
            await answer_plainly(request, Busy())(scope, receive, send)
            return
        places = self.places[lane_of(scope["path"], asker.kind)]
        _, again = await read_ahead(receive)
        place = await places.take(asker.name, self.services.settings.queue_seconds)
        if place is None:
            await answer_plainly(request, Busy())(scope, again, send)
            return
        keep_place(scope, place)

        async def answer(message: Message) -> None:
            await place.aclose()  # the work is done when its answer begins
            await send(message)

        async with place:
            await self.app(scope, again, answer)

    def collect(self) -> Iterator[Metric]:
        """What runs, waits and was turned away, by lane, for Prometheus."""
        running = GaugeMetricFamily(
            "masthead_requests_running", "Requests in the framework.", labels=["lane"]
        )
        waiting = GaugeMetricFamily("masthead_requests_waiting", "Requests without a place.", labels=["lane"])
        words = "Requests answered 503, as no place came free."
        away = CounterMetricFamily("masthead_requests_turned_away", words, labels=["lane"])
        for places in self.places.values():
            running.add_metric([places.name], places.running)
            waiting.add_metric([places.name], places.waiting)
            away.add_metric([places.name], places.turned_away)
        yield from (running, waiting, away)

    def _stranger(self, request: Request) -> Asker:
        """The widest network of the address: one customer's many IPv6 networks share its places."""
        return Asker(AskerKind.STRANGER, networks.buckets(client_ip(request, self.services))[-1].name)
