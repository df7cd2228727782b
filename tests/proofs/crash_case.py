"""Crash cases: work that a kill can interrupt, what leads up to it, and what people do after they saw it fail.

A crash case is one request, or all work due at a moment. Webhooks are silenced, so that they can't repair it, unless the case is
about a webhook."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.support.browser import Browser
from tests.support.fork_server import WireRequest, on_the_wire
from tests.support.starting_points import MONTH_END
from tests.support.world import World

Before = Callable[[World], WireRequest | None]
Again = Callable[[World], None]


@dataclass(frozen=True)
class CrashCase:
    """`before` leads from the starting point to the crash. `again` is a person's act, the first time and after a death; None for the
    worker, whose restart repeats it. End states are compared a day later. `late`: the repeat comes minutes later, so instants
    aren't compared. `always` are points at which it dies though earlier cases died there too, as they are passed for the first
    time, and the second."""

    name: str
    starting_point: str
    before: Before
    again: Again | None = None
    late: bool = False
    always: tuple[str, ...] = ()


CRASH_CASES: list[CrashCase] = []


def crash_case(
    starting_point: str, again: Again | None = None, *, late: bool = False, always: tuple[str, ...] = ()
) -> Callable[[Before], Before]:
    """Add the decorated function to CRASH_CASES."""

    def enter(before: Before) -> Before:
        name = before.__name__.replace("_", " ")
        CRASH_CASES.append(CrashCase(name, starting_point, before, again, late, always))
        return before

    return enter


def silence(world: World, *kinds: str) -> None:
    """Drop all webhooks from now on, or those of these kinds."""
    world.sandbox.trouble(*({"effect": "drop", "type": kind} for kind in kinds or ("*",)))


def at(world: World, moment: datetime) -> None:
    """Go to the moment with all earlier work done, the work due then undone, and webhooks silenced."""
    world.advance_to(moment - timedelta(seconds=1))
    silence(world)
    world.skip_to(moment)


def one(world: World, query: str, **values: object) -> Any:
    """The single value that a query returns."""
    (row,) = world.rows(query, **values)
    (value,) = row.values()
    return value


def program(world: World, path: str, body: dict[str, Any], **headers: str) -> WireRequest:
    """An API call as a WireRequest."""
    return on_the_wire(world.api.build_request("POST", path, json=body, headers=headers))


def repeat(before: Before) -> Again:
    """Send the same request again, as a program or a browser does."""

    def again(world: World) -> None:
        request = before(world)
        assert request is not None
        answer = httpx.request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body,
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code < 400, answer.text

    return again


@contextmanager
def stay(browser: Browser) -> Iterator[Browser]:
    """Don't follow redirects during the block."""
    browser.http.follow_redirects = False
    yield browser
    browser.http.follow_redirects = True


def follow(world: World, link: str) -> Browser:
    """Follow a mailed link in a fresh browser."""
    browser = world.browser()
    browser.get(world.mailed_link(MONTH_END.email, link))
    return browser


def give_back(world: World) -> WireRequest:
    silence(world)
    payment = one(world, "SELECT id FROM payment ORDER BY id LIMIT 1")
    body = {"amount": 2500, "reason": "A kindness."}
    return program(world, f"/v1/payments/{payment}/refunds", body, **{"Idempotency-Key": "kind-1"})


def dispute(world: World) -> None:
    """The bank disputes the last charge; the event has arrived and isn't settled."""
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"])
    world.sandbox.settle()
    silence(world)
