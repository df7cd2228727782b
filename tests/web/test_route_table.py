"""The table of routes finds what trying all routes in order finds."""

import pytest
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from billing.web.kit.route_table import FOUND, RouteTable
from tests.support.routes import fastapi_of, routes
from tests.support.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


def in_order(listed: list[BaseRoute], method: str, path: str) -> tuple[Match, BaseRoute | None]:
    """The first full match, else the first partial one."""
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    found = [(route.matches(dict(scope))[0], route) for route in listed]
    for wanted in (Match.FULL, Match.PARTIAL):
        first = next((route for match, route in found if match is wanted), None)
        if first is not None:
            return wanted, first
    return Match.NONE, None


def test_each_address_has_the_same_route_as_without_the_table(world: World) -> None:
    table, *listed = fastapi_of(world.app).router.routes
    assert isinstance(table, RouteTable)
    paths = {route.at() for route in routes(world)}
    paths |= {f"{path}/more" for path in paths} | {
        "/static/site.css",
        "/static/paper/paper.css",
        "/nowhere",
        "",
    }
    for path in sorted(paths):
        for method in METHODS:
            match, more = table.matches({"type": "http", "method": method, "path": path, "root_path": ""})
            assert (match, more.get(FOUND)) == in_order(listed, method, path), f"{method} {path}"


def test_a_route_that_begins_with_a_parameter_has_no_place_in_it() -> None:
    with pytest.raises(ValueError, match="anything"):
        RouteTable([Route("/{anything}/more", Response())])
