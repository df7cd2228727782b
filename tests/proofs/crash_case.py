"""What can be cut short by a kill: each crash case, what comes before it, and what people do when they saw it fail.

A crash case is one request, or everything that is due at a moment. No news of Stripe's may come to its help, unless the crash case is
about news."""

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
    """`before` brings the story up to it, from a starting point. `again` is what a person does, the first time and after a death;
    None for the worker, whose restart does it. Ends are compared a day later. `late`: after a death it is done some
    minutes later, so instants aren't compared."""

    name: str
    starting_point: str
    before: Before
    again: Again | None = None
    late: bool = False


CRASH_CASES: list[CrashCase] = []


def crash_case(
    starting_point: str, again: Again | None = None, *, late: bool = False
) -> Callable[[Before], Before]:
    """Enter a crash case in the list."""

    def enter(before: Before) -> Before:
        CRASH_CASES.append(CrashCase(before.__name__.replace("_", " "), starting_point, before, again, late))
        return before

    return enter


def silence(world: World, *kinds: str) -> None:
    """No more news, of these kinds or at all."""
    world.sandbox.trouble(*({"effect": "drop", "type": kind} for kind in kinds or ("*",)))


def at(world: World, moment: datetime) -> None:
    """All is done up to the moment; what is due at it lies there, and no news comes."""
    world.advance_to(moment - timedelta(seconds=1))
    silence(world)
    world.skip_to(moment)


def one(world: World, query: str, **values: object) -> Any:
    """The only value."""
    (row,) = world.rows(query, **values)
    (value,) = row.values()
    return value


def program(world: World, path: str, body: dict[str, Any], **headers: str) -> WireRequest:
    """A program's call."""
    return on_the_wire(world.api.build_request("POST", path, json=body, headers=headers))


def repeat(before: Before) -> Again:
    """A program, or a browser, sends the very same again."""

    def again(world: World) -> None:
        asked = before(world)
        assert asked is not None
        answer = httpx.request(
            asked.method, asked.url, headers=asked.headers, content=asked.body, trust_env=False, timeout=60
        )
        assert answer.status_code < 400, answer.text

    return again


@contextmanager
def stay(browser: Browser) -> Iterator[Browser]:
    """Redirects are looked at, not followed."""
    browser.http.follow_redirects = False
    yield browser
    browser.http.follow_redirects = True


def follow(world: World, link: str) -> Browser:
    """From a mail."""
    browser = world.browser()
    browser.get(world.mailed_link(MONTH_END.email, link))
    return browser


def give_back(world: World) -> WireRequest:
    silence(world)
    payment = one(world, "SELECT id FROM payment ORDER BY id LIMIT 1")
    body = {"amount": 2500, "reason": "A kindness."}
    return program(world, f"/v1/payments/{payment}/refunds", body, **{"Idempotency-Key": "kind-1"})


def dispute(world: World) -> None:
    """Its event has come, and nobody has read it."""
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"])
    world.sandbox.settle()
    silence(world)
