"""The bounded queue in front of the framework: each request that the access cache passes on waits here for a place in its lane.

Without a free place a request waits for some seconds; behind a full queue, or after that time, it is answered with 503 and
Retry-After. Access checks of programs with a valid API key and of signed-in readers have lanes of their own, once the access
cache has verified them: what a request claims is no proof. All others count by their network."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.container import Services
from billing.http.asker import ASKER, TOO_MANY, Asker, AskerKind
from billing.http.bodies import read_ahead
from billing.http.client_ip import client_network
from billing.http.shares import Places, TakenPlace
from billing.platform.errors import Unavailable
from billing.web.kit import page_language
from billing.web.kit.lanes import LANES, PROBES, lane_of
from billing.web.kit.place import keep_place
from billing.web.kit.problems import answer_plainly


class Busy(Unavailable):
    """More people ask at this moment than we can answer. Nothing was lost; please try again in a few seconds."""

    code = "busy"
    title = "One moment, please"
    retry_after = 2


class AdmissionQueue(Collector):
    """Plain ASGI, in front of the framework. A place is held neither while a body arrives nor while an answer is sent: a slow
    client, real or pretended, holds nothing."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        self.places = {lane: Places(lane.at_once, lane.waiting, shares=lane.shares) for lane in LANES}
        self.turned_away: Counter[str] = Counter()
        """By lane."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when a place is free."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        asker = scope["state"].get(ASKER) or self._stranger(request)
        if asker == TOO_MANY:
            await self._busy(request)(scope, receive, send)
            return
        lane = lane_of(scope["path"], asker.kind)
        _, again = await read_ahead(receive)
        if not await self.places[lane].take(asker.name, self.services.settings.queue_seconds):
            self.turned_away[lane.name] += 1
            await self._busy(request)(scope, again, send)
            return
        place = TakenPlace(self.places[lane], asker.name)
        keep_place(scope, place)

        async def answer(message: Message) -> None:
            place.give_up()  # the work is done when its answer begins
            await send(message)

        try:
            await self.app(scope, again, answer)
        finally:
            place.give_up()

    def collect(self) -> Iterator[Metric]:
        """What runs, waits and was turned away, by lane, for Prometheus."""
        running = GaugeMetricFamily(
            "masthead_requests_running", "Requests in the framework.", labels=["lane"]
        )
        waiting = GaugeMetricFamily("masthead_requests_waiting", "Requests without a place.", labels=["lane"])
        words = "Requests answered 503, as no place came free."
        away = CounterMetricFamily("masthead_requests_turned_away", words, labels=["lane"])
        for lane, places in self.places.items():
            running.add_metric([lane.name], places.running)
            waiting.add_metric([lane.name], places.waiting)
            away.add_metric([lane.name], self.turned_away[lane.name])
        yield from (running, waiting, away)

    def _busy(self, request: Request) -> Response:
        return answer_plainly(request, Busy(), page_language.of_browser(request, self.services))

    def _stranger(self, request: Request) -> Asker:
        return Asker(AskerKind.STRANGER, client_network(request, self.services))
