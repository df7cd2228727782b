"""Answers are compressed where they hold no secret, and as they are elsewhere (BREACH)."""

import gzip
from collections.abc import Callable

import httpx
import pytest

from billing.web.kit.compression import is_harmless
from tests.support.browser import Browser
from tests.support.world import World

ASKS = {"accept-encoding": "gzip, br"}
SHEET = "/static/site.css"


@pytest.fixture
def packed(make_world: Callable[..., World]) -> World:
    return make_world(compress=True)


def raw(world: World, path: str, **headers: str) -> httpx.Response:
    """The answer with its bytes as they came."""
    with (
        httpx.Client(base_url=world.url, trust_env=False, headers=ASKS | headers) as http,
        http.stream("GET", path) as answer,
    ):
        answer._content = b"".join(answer.iter_raw())  # not unpacked
        return answer


def is_packed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("content-encoding") == "gzip")


def test_by_default_nothing_is(world: World) -> None:
    for path in (SHEET, "/"):
        assert "content-encoding" not in raw(world, path).headers


def test_files_and_strangers_pages_are_and_hold_the_same(packed: World) -> None:
    for path in (SHEET, "/", "/manifest.webmanifest", "/about"):
        answer, plain = raw(packed, path), raw(packed, path, **{"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        if len(plain._content) < 1000:
            assert not is_packed(answer)
            continue
        assert is_packed(answer), path
        assert "Accept-Encoding" in answer.headers["vary"]
        assert len(answer._content) < len(plain._content) / 2
        assert gzip.decompress(answer._content)[:200] == plain._content[:200]
        assert answer.headers["x-content-type-options"] == "nosniff"
    etag = raw(packed, SHEET).headers["etag"]
    assert etag.startswith('W/"')


def test_a_page_with_a_secret_that_returns_is_not(packed: World) -> None:
    """A browser's second page has the token of its first, beside what was typed."""
    browser: Browser = packed.browser()
    browser.http.headers.update(ASKS)
    assert browser.get("/sign-in").response.headers.get("content-encoding") == "gzip"
    assert browser.http.cookies
    assert "content-encoding" not in browser.get("/sign-in").response.headers
    assert browser.get(SHEET).response.headers["content-encoding"] == "gzip", "it is everybody's"


@pytest.mark.parametrize(
    ("path", "headers", "may"),
    [
        ("/", {"accept-encoding": "gzip"}, True),
        ("/", {"accept-encoding": "br, GZIP;q=0.5"}, True),
        ("/", {"accept-encoding": "gzip; q=0"}, False),
        ("/", {"accept-encoding": "identity"}, False),
        ("/", {}, False),
        ("/", {"accept-encoding": "gzip", "cookie": "a=b"}, False),
        ("/", {"accept-encoding": "gzip", "authorization": "Bearer x"}, False),
        (SHEET, {"accept-encoding": "gzip", "cookie": "a=b"}, True),
        (SHEET, {"accept-encoding": "gzip", "range": "bytes=0-9"}, False),
        ("/v1/prices", {"accept-encoding": "gzip"}, False),
    ],
)
def test_what_may_be_compressed(path: str, headers: dict[str, str], may: bool) -> None:
    raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert is_harmless({"type": "http", "path": path, "headers": raw_headers}) is may


def test_head_says_what_get_does(packed: World) -> None:
    with httpx.Client(base_url=packed.url, trust_env=False, headers=ASKS) as http:
        got = http.get("/about")
        http.cookies.clear()
        asked = http.head("/about")
    assert asked.content == b""
    assert {*asked.headers} == {*got.headers}
    assert asked.headers["content-encoding"] == "gzip"
