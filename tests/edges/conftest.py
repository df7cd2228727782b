"""Fixtures for edges: a proxy that fails on demand, and a browser that reaches the test's host names.

A SOCKS proxy leads Chromium from `www.paper.example` and `accounts.paper.example` to loopback ports."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext

from tests.edges.named_hosts import named_hosts
from tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from tests.support.shared_chromium import Chromium
from tests.support.world import World

PORTS = {"http": 80, "https": 443}


@pytest.fixture
def proxy(world: World) -> Iterator[FaultyProxy]:
    """A proxy between an edge and this world. The edge is configured with `proxy.url`."""
    with faulty_proxy(world) as found:
        yield found


@pytest.fixture
def visit(chromium: Chromium) -> Iterator[Callable[..., BrowserContext]]:
    """`visit({ACCOUNTS: port, WWW: port}, session="…")`: a fresh Chromium context that reaches these hosts on loopback, signed in at
    the first."""
    with ExitStack() as ends:

        def begin(hosts: dict[str, int], session: str = "", **options: Any) -> BrowserContext:
            names = {
                f"{httpx.URL(url).host}:{PORTS[httpx.URL(url).scheme]}": port for url, port in hosts.items()
            }
            proxy = {"server": ends.enter_context(named_hosts(names))}
            size = {"width": 360, "height": 740}
            context = ends.enter_context(chromium.context(viewport=size, proxy=proxy, **options))
            if session:
                home = next(iter(hosts))
                name = "__Host-masthead-session" if home.startswith("https:") else "masthead-session"
                cookie = {"name": name, "value": session, "url": home, "secure": home.startswith("https:")}
                context.add_cookies([cookie | {"httpOnly": True, "sameSite": "Lax"}])  # type: ignore[list-item]
            return context

        yield begin
