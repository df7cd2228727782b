"""HEAD answers what GET does on every page, without a body (RFC 9110, 9.3.2)."""

import httpx

from tests.support.routes import routes
from tests.support.world import World

DIFFERS = {"content-length", "date", "x-request-id", "set-cookie"}
"""Each answer has its own; a new browser gets another secret, and a page of it another length."""


def test_every_page_answers_head_as_get(world: World) -> None:
    pages = [route for route in routes(world) if route.method == "GET" and route.is_page]
    assert len(pages) > 60
    with httpx.Client(base_url=world.url, trust_env=False) as http:
        for route in pages:
            path = route.at()
            http.cookies.clear()
            got = http.get(path)
            http.cookies.clear()
            asked = http.head(path)
            assert asked.status_code == got.status_code, path
            assert asked.content == b"", path
            assert {*asked.headers} - DIFFERS == {*got.headers} - DIFFERS, path
            for name in {*got.headers} - DIFFERS:
                assert asked.headers[name] == got.headers[name], f"{path}: {name}"


def test_what_takes_no_get_takes_no_head(world: World) -> None:
    with httpx.Client(base_url=world.url, trust_env=False) as http:
        for path in ("/sign-out", "/subscribe/without-trial"):
            assert http.get(path).status_code == http.head(path).status_code == 405
