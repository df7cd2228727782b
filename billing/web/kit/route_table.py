"""Finds the route of a request by the first segment of its path, so that few of the two hundred are matched against it."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import Receive, Scope, Send

MACHINES = ("/v1/", "/access/v1/", "/webhooks/")
"""Answers to programs, which know HEAD where it means something: it reads no article."""
FOUND = "masthead.route"
"""Key in a request's scope: the route that matched."""


class RouteTable(BaseRoute):
    """Routes in their order, by the first segment. Put it before the routes themselves: it passes on what none of its routes matches."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._by_segment: dict[str, list[BaseRoute]] = {}
        for route in routes:
            self._by_segment.setdefault(_segment(route), []).append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first route that takes path and method; else the first that takes the path, and answers 405."""
        if scope["type"] != "http":
            return Match.NONE, {}
        partial: tuple[Match, Scope] = Match.NONE, {}
        for route in self._by_segment.get(_first_of(scope["path"]), ()):
            match, more = route.matches(scope)
            if match is Match.FULL:
                return match, {**more, FOUND: route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**more, FOUND: route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that `matches` found. A page that doesn't know HEAD answers it as GET: the server leaves out the body."""
        route = scope[FOUND]
        if scope["method"] == "HEAD" and _is_page(route):
            scope = {**scope, "method": "GET"}  # a copy: the server goes by its own
        await route.handle(scope, receive, send)


def _is_page(route: BaseRoute) -> bool:
    """Whether it is a page, or a file beside pages, that takes GET and not HEAD."""
    return (
        isinstance(route, Route)
        and not route.path.startswith(MACHINES)
        and route.methods is not None
        and "GET" in route.methods
        and "HEAD" not in route.methods
    )


def _segment(route: BaseRoute) -> str:
    """The first segment of the route's path. Raises ValueError for a parameter: the table couldn't keep its place in the order."""
    assert isinstance(route, Route | Mount)
    segment = _first_of(route.path)
    if "{" in segment:
        raise ValueError(f"The path {route.path} must not begin with a parameter.")
    return segment


def _first_of(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
