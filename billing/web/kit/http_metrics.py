"""Counts what the framework answers, by route. The access cache's own answers have metrics of their own."""

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Scope

from billing.platform.counters import LabelledCounter, LabelledHistogram
from billing.web.kit.lanes import PROBES
from billing.web.kit.route_table import FOUND

UNMATCHED = "unmatched"
"""The route of a request that reached none: an unknown path, or one refused or turned away before."""


class HttpMetrics:
    """The requests of one application. Probes aren't counted: there is one each few seconds, whatever readers do."""

    def __init__(self) -> None:
        self.requests = LabelledCounter(
            "masthead_http_requests",
            "Requests by route, method and class of status.",
            "route",
            "method",
            "status",
        )
        self.seconds = LabelledHistogram(
            "masthead_http_seconds", "From request to the end of the answer.", "route", "method"
        )

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request. `status`: 0 where its client left before the answer began."""
        if scope["path"] in PROBES:
            return
        route, method = route_of(scope), scope["method"]
        self.requests.add(route, method, f"{status // 100}xx" if status else "none")
        self.seconds.add(route, method, seconds=seconds)


def route_of(scope: Scope) -> str:
    """The template of the path, such as `/v1/readers/{reader_id}`: it holds nothing of a reader's."""
    route: BaseRoute | None = scope.get(FOUND)
    return route.path if isinstance(route, Route | Mount) else UNMATCHED
