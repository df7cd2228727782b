"""The spans of requests that the framework answers. Probes and access checks have none.

A span names the route, and nothing of the address: a path may hold a token, and says what was read."""

from starlette.datastructures import Headers
from starlette.types import Scope

from billing.http.access_paths import is_check
from billing.platform.tracing import NO_SPAN, Span, Tracer
from billing.web.kit.http_metrics import UNMATCHED, route_of
from billing.web.kit.lanes import PROBES


def begin(tracer: Tracer, scope: Scope) -> Span:
    """The span of a request, in the trace of its caller if that names one."""
    path = scope["path"]
    return NO_SPAN if path in PROBES or is_check(path) else tracer.begin_request(Headers(scope=scope))


def end(span: Span, scope: Scope, status: int) -> None:
    """End it by the conventions of OpenTelemetry. `status`: 0 where the client left before the answer began."""
    method, route = scope["method"], route_of(scope)
    facts = {"http.request.method": method} | ({"http.route": route} if route != UNMATCHED else {})
    answered = {"http.response.status_code": status} if status else {}
    span.end(f"{method} {route}", facts | answered, error=str(status) if status >= 500 else "")
