"""Masthead fails just after a reader's token was renewed on one of two hosts. No edge knows the new token, yet no
payer is locked out (SEC-5). A stored answer belongs to a secret of the session, so nobody else can use it.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from billing.edges.masthead import Masthead
from tests.edges.edge import NOMSA, PIETER, start_trials
from tests.edges.nginx_front import NGINX, nginx_front
from tests.edges.paper import METERED, secrets
from tests.edges.php_site import PHP, php_site
from tests.edges.test_python_sites import wsgi_site
from tests.support.cancel_helpers import cancel
from tests.support.faulty_proxy import FaultyProxy
from tests.support.http_client import http_client
from tests.support.publisher import LOCKED
from tests.support.signed_in import session_secret, signed_in
from tests.support.world import World

Get = Callable[[str, dict[str, str]], httpx.Response]


@dataclass
class Reader:
    """Browsers before an edge. `settles` and `forgets` wait for an edge's work in the background."""

    get: Get
    settles: Callable[[], bool] = lambda: True
    forgets: Callable[[], bool] = lambda: True

    def reads(self, token: str, article: str = LOCKED) -> bool:
        """Whether the edge gives the whole text to a browser with this token in the site's cookie."""
        cookie = {"cookie": f"theme=dark; __Host-masthead-token={token}"}
        return secrets(article)[0] in self.get(f"/articles/{article}", cookie).content


def at_nginx(proxy: FaultyProxy, folder: Path, ends: ExitStack) -> Reader:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    edge = ends.enter_context(nginx_front(proxy.world, proxy, folder))
    return Reader(
        lambda path, headers: edge.get(path, **headers), lambda: edge.caches(2), lambda: edge.forgets()
    )


def at_php(proxy: FaultyProxy, folder: Path, ends: ExitStack) -> Reader:
    if PHP is None:
        pytest.skip("PHP is not installed")
    http = ends.enter_context(php_site(proxy, folder))()
    return Reader(lambda path, headers: http.get(path, headers=headers))


def at_python(proxy: FaultyProxy, folder: Path, ends: ExitStack) -> Reader:
    http = ends.enter_context(wsgi_site(Masthead(proxy.url, timeout=30)))
    return Reader(lambda path, headers: http.get(path, headers=headers))


@pytest.fixture(params=[at_nginx, at_php, at_python])
def reader(
    request: pytest.FixtureRequest, world: World, proxy: FaultyProxy, tmp_path: Path
) -> Iterator[Reader]:
    start_trials(world)
    with ExitStack() as ends:
        yield request.param(proxy, tmp_path, ends)


def token_of(world: World, session: str) -> str:
    """Another one, as `paywall.js` fetches it."""
    with http_client(world.url) as http:
        found = http.get("/v1/access-token", headers={"cookie": f"masthead-session={session}"})
    return str(found.raise_for_status().json()["token"])


def first_part(claims: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).rstrip(b"=").decode()


def test_a_payer_whose_token_was_just_renewed_reads_on(
    world: World, proxy: FaultyProxy, reader: Reader
) -> None:
    session, other = (session_secret(world, email) for email in (NOMSA, PIETER))
    first, stranger = token_of(world, session), token_of(world, other)
    world.advance(minutes=4)
    second = token_of(world, session)
    assert first != second
    assert reader.reads(first)
    assert reader.settles()
    proxy.state = "broken"
    assert [reader.reads(second), reader.reads(second, METERED), reader.reads(first)] == [True] * 3
    header = json.loads(base64.urlsafe_b64decode(first.partition(".")[0] + "=="))
    _, _, rest = second.partition(".")
    nameless = {name: value for name, value in header.items() if name != "known_by"}
    for part in (nameless, header | {"known_by": "0" * 32}, header | {"known_by": ""}):
        assert not reader.reads(f"{first_part(part)}.{rest}"), "a guess"
    assert not reader.reads(stranger), "who was never heard of"


def test_a_token_that_is_too_old_says_nothing_against_its_reader(
    world: World, proxy: FaultyProxy, reader: Reader
) -> None:
    session = session_secret(world, NOMSA)
    token = token_of(world, session)
    assert reader.reads(token)
    assert reader.settles()
    world.advance(minutes=6)
    assert not reader.reads(token), "Masthead refuses it"
    renewed = token_of(world, session)
    proxy.state = "broken"
    assert reader.reads(renewed)


def test_a_refusal_ends_what_each_token_of_the_session_held(
    world: World, proxy: FaultyProxy, reader: Reader
) -> None:
    session = session_secret(world, NOMSA)
    first = token_of(world, session)
    world.advance(minutes=1)
    second = token_of(world, session)
    assert reader.reads(first)
    assert reader.settles()
    (row,) = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = :email",
        email=NOMSA,
    )
    cancel(world, str(row["id"]), when="now", reason="other")
    assert not reader.reads(second)
    assert reader.forgets()
    proxy.state = "broken"
    assert [reader.reads(first), reader.reads(second)] == [False, False]


def test_a_session_that_ended_opens_nothing(world: World, proxy: FaultyProxy, reader: Reader) -> None:
    browser = signed_in(world, NOMSA)
    first = str(browser.http.get("/v1/access-token").raise_for_status().json()["token"])
    world.advance(minutes=1)
    second = str(browser.http.get("/v1/access-token").raise_for_status().json()["token"])
    assert reader.reads(first)
    assert reader.settles()
    browser.get("/account")
    browser.post("/sign-out")
    assert not reader.reads(second)
    assert reader.forgets()
    proxy.state = "broken"
    assert [reader.reads(first), reader.reads(second)] == [False, False]
