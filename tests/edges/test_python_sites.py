"""The Python client and its two middlewares in front of a publisher's pages, also while Masthead is away."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest

from billing.edges import asgi, wsgi
from billing.edges.masthead import AWAY, Masthead, Who
from tests.support.cancel_helpers import cancel
from tests.support.faulty_proxy import FaultyProxy
from tests.support.meter import used_by
from tests.support.publisher import LOCKED, sentinels, whole_text
from tests.support.signed_in import session_secret
from tests.support.starting_points import Subscriber
from tests.support.world import World

METERED, FREE, REGISTERED = "the-bridge-that-waited", "market-day-comes-back", "the-school-on-platform-two"
LEAD = "the beginning"
SECRETS = [piece.encode() for article in (LOCKED, METERED, REGISTERED) for piece in sentinels(article)]
GAMES = [
    {},
    {"x-masthead-access": "subscription", "x-masthead": "1", "X_Masthead_Access": "allowed"},
    {"x-access-reason": "subscription", "x-entitled": "true", "masthead": "allowed"},
    {"cookie": "masthead-session=forged; __Host-masthead-session=x; masthead-gift=gft_1.x; admin=1"},
    {"authorization": "Bearer a.b.c"},
    {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZHJfMSIsImZlYXR1cmVzIjpbInJlYWQiXX0."},
    {"authorization": "Bearer mk_wrong"},
    {"range": "bytes=0-9999"},
    {"user-agent": "Googlebot/2.1"},
    {"sec-purpose": "prefetch"},
]


def article_of(path: str) -> str | None:
    return path.removeprefix("/articles/") if path.startswith("/articles/") else None


def page(answer: Any, path: str) -> bytes:
    """The publisher's own page: whole where Masthead says so."""
    article = article_of(path)
    if article is None:
        return b"something else"
    assert answer is not None
    return (whole_text(article) if answer.allowed else f"<p>{LEAD}</p><p>{answer.reason}</p>").encode()


def wsgi_site(masthead: Masthead, **more: Any) -> httpx.Client:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        assert not [name for name in environ if name.startswith("HTTP_X_MASTHEAD")]
        body = page(environ.get("masthead"), environ["PATH_INFO"])
        start("200 OK", [("Content-Type", "text/html"), ("Cache-Control", "public, max-age=60")])
        return [body]

    transport = httpx.WSGITransport(app=wsgi.Paywall(app, masthead, article_of, **more))
    return httpx.Client(transport=transport, base_url="http://www.paper.example")


class AsgiSite:
    """The same, asynchronous."""

    def __init__(self, masthead: Masthead) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            assert not [name for name, _ in scope["headers"] if name.startswith(b"x-masthead")]
            body = page(scope.get("masthead"), scope["path"])
            headers = [(b"content-type", b"text/html"), (b"cache-control", b"public, max-age=60")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        self.app = asgi.Paywall(app, masthead, article_of)

    def request(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://www.paper.example") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())

    def get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        return self.request("GET", path, headers)


Site = httpx.Client | AsgiSite


@pytest.fixture(params=["wsgi", "asgi"])
def site(request: pytest.FixtureRequest, world: World) -> Site:
    masthead = Masthead(world.url, timeout=30)
    return wsgi_site(masthead) if request.param == "wsgi" else AsgiSite(masthead)


@pytest.fixture
def payer(world: World, in_trial: Subscriber) -> dict[str, str]:
    """The headers of a reader in a trial."""
    return {"cookie": f"theme=dark; masthead-session={session_secret(world, in_trial.email)}"}


def test_a_payer_reads_and_no_byte_reaches_anybody_else(
    world: World, payer: dict[str, str], site: Site
) -> None:
    whole = site.get(f"/articles/{LOCKED}", headers=payer)
    assert all(piece in whole.text for piece in sentinels())
    assert whole.headers["cache-control"] == "private, no-store"
    for game in GAMES:
        for article in (LOCKED, REGISTERED):
            answer = site.get(f"/articles/{article}", headers=game)
            assert LEAD in answer.text, game
            assert not [piece for piece in SECRETS if piece in answer.content], game
            assert answer.headers["cache-control"] == "private, no-store"
    other = site.get("/about", headers={"x-masthead-access": "1"})
    assert (other.text, other.headers["cache-control"]) == ("something else", "public, max-age=60")
    assert "unknown_article" in site.get("/articles/x.css", headers=payer).text


def test_the_meter_counts_a_browser_by_the_cookie_it_is_given(world: World, site: Site) -> None:
    ahead = site.get(f"/articles/{METERED}", headers={"sec-purpose": "prefetch"})
    head = site.request("HEAD", f"/articles/{METERED}", headers={})
    assert "set-cookie" not in head.headers
    assert "prefetch" in ahead.text
    assert world.rows("SELECT * FROM meter_month") == [], (
        "what fetches ahead, or looks at the head, reads nothing"
    )
    first = site.get(f"/articles/{METERED}", headers={})
    assert sentinels(METERED)[0] in first.text
    given = first.headers["set-cookie"].partition(";")[0]
    assert given.startswith("masthead-visitor=")
    site.get(f"/articles/{METERED}", headers={"cookie": given})
    assert used_by(world, given) == 1
    assert world.rows("SELECT 1 FROM meter_month") == []


@pytest.mark.parametrize("state", ["cut", "slow", "broken"])
def test_when_masthead_is_away_who_was_known_reads_on(
    payer: dict[str, str], proxy: FaultyProxy, state: str
) -> None:
    masthead = Masthead(proxy.url, timeout=30)  # the machine may be busy; these answers are wanted
    known = Who.of("GET", payer)
    assert masthead.ask(LOCKED, known).allowed
    assert masthead.ask(FREE, Who()).reason == "free"
    masthead._http.timeout = 0.05
    proxy.state = state
    for article in (LOCKED, REGISTERED, METERED, LOCKED):
        answer = masthead.ask(article, known)
        assert (answer.allowed, answer.reason, answer.remembered) == (True, "trial", True), article
    assert masthead.ask(FREE, Who()).allowed, "what was open to everybody stays so"
    for stranger in (Who(), Who(token="a.b.c"), Who.of("GET", {"cookie": "masthead-session=forged"})):
        assert masthead.ask(LOCKED, stranger) == AWAY
    assert len(proxy.asked) < 8, "after three failures it rests for a second"


def test_no_readers_cookie_is_sent_with_anothers_question(world: World) -> None:
    """With a client that keeps cookies, all readers would share one meter."""
    masthead = Masthead(world.url, timeout=30)
    given = [masthead.ask(METERED, Who()).cookies for _ in range(2)]
    assert all(len(lines) == 1 and lines[0].startswith("masthead-visitor=") for lines in given)
    assert given[0] != given[1]


def test_what_ended_is_not_remembered(
    world: World, in_trial: Subscriber, payer: dict[str, str], proxy: FaultyProxy
) -> None:
    masthead, known = Masthead(proxy.url, timeout=30), Who.of("GET", payer)
    assert masthead.ask(LOCKED, known).allowed
    cancel(world, in_trial.subscription_id, when="now", reason="other")
    assert not masthead.ask(LOCKED, known).allowed
    proxy.state = "broken"
    assert masthead.ask(LOCKED, known) == AWAY


def test_a_site_with_its_own_sign_in_names_the_reader(world: World) -> None:
    world.start_trial("nomsa@example.com", external_id="42")
    masthead = Masthead(world.url, world.api_key, timeout=30)
    site = wsgi_site(masthead, who=lambda environ: Who(external_id=environ.get("HTTP_X_TEST_LOGIN", "")))
    assert sentinels()[0] in site.get(f"/articles/{LOCKED}", headers={"x-test-login": "42"}).text
    assert LEAD in site.get(f"/articles/{LOCKED}", headers={"x-test-login": "43"}).text
    assert LEAD in site.get(f"/articles/{LOCKED}").text
    unknown_reader = site.get(f"/articles/{METERED}")
    assert "masthead-visitor=vis_" in unknown_reader.headers["set-cookie"]


def test_on_two_hosts_a_reader_is_known_by_the_token_in_a_cookie_of_the_site(
    world: World, in_trial: Subscriber, site: Site
) -> None:
    token = world.api.get("/v1/access-token", params={"reader_id": in_trial.reader_id}).json()["token"]
    for name in ("masthead-token", "__Host-masthead-token"):
        whole = site.get(f"/articles/{LOCKED}", headers={"cookie": f"theme=dark; {name}={token}"})
        assert sentinels()[0] in whole.text
    world.advance(minutes=6)
    assert LEAD in site.get(f"/articles/{LOCKED}", headers={"cookie": f"masthead-token={token}"}).text


def test_a_gift_opens_its_article_by_the_query_of_its_address(
    world: World, in_trial: Subscriber, site: Site
) -> None:
    body = {"reader_id": in_trial.reader_id}
    gift = world.api.post(f"/v1/articles/{LOCKED}/gifts", json=body).raise_for_status().json()["token"]
    queries = {"gift=gft_1.x": False, "gift=%0d%0a": False, f"a=b&gift={gift}&c": True, f"gift={gift}": True}
    for query, opens in queries.items():
        answer = site.get(f"/articles/{LOCKED}?{query}", headers={})
        assert (sentinels()[0] in answer.text) is opens, query
    known = Who.of("GET", {}, f"gift={gift}")
    assert Masthead(world.url, world.api_key, timeout=30).ask(LOCKED, known).reason == "gift"
