"""All routes, read from the application itself, so that tests cover new ones too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from billing.access_cache.gate import Gate
from billing.dev.demo.canonical_host import CanonicalHost
from billing.web.api.probes import ProbeMiddleware
from billing.web.kit.admission import AdmissionQueue
from billing.web.kit.middleware import RequestMiddleware
from tests.support.world import World

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


class _Named(dict[str, str]):
    """Values for the parameters of a path; a missing one is `none`."""

    def __missing__(self, _: str) -> str:
        return "none"


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    has_body: bool

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people, in a browser."""
        return not self.path.startswith(
            ("/v1/", "/access/", "/.well-known/", "/webhooks/", "/healthz", "/readyz", "/metrics")
        )

    @property
    def is_form(self) -> bool:
        """Whether it is a form of our pages and needs their CSRF token. The pages of the
        unsubscribe link aren't: mail programs send it too, and they set no cookie. Nor is the choice of a language, on pages
        of strangers, which have no token (`tests/languages/test_choosing_a_language`)."""
        return self.is_page and self.method != "GET" and not self.path.startswith(("/u/{token}", "/language"))

    def at(self, **names: str) -> str:
        """The path with its parameters filled in."""
        return self.path.format_map(_Named(names))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes(world: World) -> list[Route]:
    """Every route of the installation, including the demo's."""
    return routes_of(world.app)


def routes_of(app: ASGIApp) -> list[Route]:
    """Every route of an application."""
    found = [
        Route(method, route.path, route.body_field is not None)
        for route in api_routes(app)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    assert len(found) > 40, "the application's routes weren't found"
    return found


def api_routes(app: ASGIApp) -> Iterator[APIRoute]:
    """Every route of an application as FastAPI's object."""
    yield from _within(fastapi_of(app).routes)


def fastapi_of(app: ASGIApp) -> FastAPI:
    """Unwrap the FastAPI application from its middleware."""
    gate = app.app if isinstance(app, CanonicalHost) else app
    assert isinstance(gate, Gate)
    front = gate.app
    assert isinstance(front, RequestMiddleware)
    queue = front.app
    assert isinstance(queue, AdmissionQueue)
    assert isinstance(queue.app, ProbeMiddleware)
    assert isinstance(queue.app.app, FastAPI)
    return queue.app.app


def _within(listed: list[Any]) -> Iterator[APIRoute]:
    for route in listed:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _within(route.original_router.routes)


def is_named_refusal(answer: httpx.Response) -> bool:
    """Whether it is a proper 4xx answer: a problem with a code, or a page; with a request id and without a traceback."""
    if (
        not 400 <= answer.status_code < 500
        or "Traceback" in answer.text
        or "x-request-id" not in answer.headers
    ):
        return False
    if answer.content == b"" and answer.request.url.path.startswith("/v1/gate/"):
        return bool(answer.headers["x-access-reason"])
    if answer.headers["content-type"] == "application/problem+json":
        body = answer.json()
        return body["status"] == answer.status_code and bool(body["code"]) and bool(body["detail"])
    return answer.headers["content-type"].startswith("text/html") and "<h1" in answer.text
