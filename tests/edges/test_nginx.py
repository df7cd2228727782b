"""Debian's nginx with the sample configuration between readers and the paper: caching without leaks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.edges.edge import NOMSA, PIETER, start_trials
from tests.edges.nginx_front import NGINX, Nginx, nginx_front
from tests.edges.paper import BEGINNING, FREE, GAMES, METERED, PATHS, secrets
from tests.edges.tls_edge import ACCOUNTS
from tests.support.faulty_proxy import FaultyProxy
from tests.support.polling import eventually
from tests.support.publisher import LOCKED, whole_text
from tests.support.world import World

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture
def edge(world: World, proxy: FaultyProxy, tmp_path: Path) -> Iterator[Nginx]:
    start_trials(world)
    with nginx_front(world, proxy, tmp_path) as found:
        yield found


def test_a_payer_reads_and_the_beginning_alone_is_kept(edge: Nginx) -> None:
    payer = edge.subscriber()
    for _ in range(2):
        whole = edge.get(f"/articles/{LOCKED}", cookie=f"theme=dark; {payer}")
        assert all(piece in whole.content for piece in secrets())
        assert whole.headers["cache-control"] == "private, no-store"
        assert "set-cookie" not in whole.headers
        stranger = edge.get(f"/articles/{LOCKED}")
        assert stranger.content == BEGINNING
        assert stranger.headers["cache-control"] == "private, no-store"
        assert "set-cookie" not in stranger.headers, "nobody else's cookie comes out of the cache"
    asked = [reason for path, reason in edge.paper.asked if path == f"/articles/{LOCKED}"]
    assert asked == ["trial", "", "trial"], "the beginning was fetched once, the whole each time"
    part = edge.get(f"/articles/{LOCKED}", cookie=payer, range="bytes=10-29")
    assert (part.status_code, part.content) == (206, whole_text().encode()[10:30])
    head = edge.get(f"/articles/{LOCKED}", "HEAD", cookie=payer)
    assert (head.headers["content-length"], head.content) == (str(len(whole_text().encode())), b"")
    given = edge.get(f"/v1/audio/{LOCKED}", host=ACCOUNTS, cookie=payer).json()["address"]
    received = edge.get(given.removeprefix(edge.world.url), host=ACCOUNTS, cookie=payer, range="bytes=0-3")
    assert (received.status_code, received.content) == (206, b"OggS")


def test_no_byte_reaches_whoever_may_not_read(edge: Nginx) -> None:
    payer = edge.subscriber()
    whole = edge.get(f"/articles/{LOCKED}", cookie=payer).content
    assert secrets()[0] in whole
    for game in GAMES:
        for path in PATHS[:2]:
            lines = "\r\n".join(f"{name}: {value}" for name, value in game.items())
            answer = edge.raw(path, lines or "X-None: 1")
            assert not [piece for piece in secrets() if piece in answer], (path, game)
    for path in PATHS:
        paid = edge.raw(path, f"Cookie: {payer}")
        kept = b"cache-control: private, no-store" in paid.partition(b"\r\n\r\n")[0].lower()
        assert kept or not [piece for piece in secrets() if piece in paid], path
        unpaid = edge.raw(path, "X-Masthead-Access: trial\r\nX_Masthead_Access: trial")
        assert not [piece for piece in secrets() if piece in unpaid], path
    stale = edge.get(f"/articles/{LOCKED}", authorization="Bearer a.b.c")
    assert (stale.status_code, stale.content) == (200, BEGINNING)
    vouched = {path for path, reason in edge.paper.asked if reason}
    assert vouched <= {f"/articles/{one}" for one in (LOCKED, FREE, "subscribers")}, (
        "the article alone, as it was decided on"
    )


def test_the_meter_counts_by_the_cookie_that_comes_back(edge: Nginx) -> None:
    edge.counts_by_the_cookie_that_comes_back()


def test_many_at_once_never_get_each_others(edge: Nginx) -> None:
    payers = [edge.subscriber(email) for email in (NOMSA, PIETER)]

    def ask(number: int) -> bool:
        payer = number % 3 == 0
        headers = {"cookie": payers[number % 2]} if payer else {"cookie": f"masthead-session=forged{number}"}
        answer = edge.get(f"/articles/{LOCKED}", **headers)
        return payer is (secrets()[0] in answer.content) and answer.status_code == 200

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(120)))
    sent = sum(bool(reason) for _, reason in edge.paper.asked)
    assert sent == 40, "the whole left the paper once for each reading of a payer"


@pytest.mark.parametrize("state", ["cut", "broken", "slow"])
def test_when_masthead_is_away_payers_read_on(edge: Nginx, state: str) -> None:
    payer, ended = edge.subscriber(), edge.subscriber(PIETER)
    for one in (payer, ended):
        assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=one).content
    row = edge.world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = 'pieter@example.com'"
    )
    edge.world.api.post(f"/v1/subscriptions/{row[0]['id']}/cancel", json={"when": "now", "reason": "other"})
    assert eventually(lambda: edge.get(f"/articles/{LOCKED}", cookie=ended).content == BEGINNING)
    assert edge.caches(4)
    edge.shorten_timeout()
    edge.proxy.state = state
    for article in (LOCKED, METERED):
        answer = edge.get(f"/articles/{article}", cookie=payer)
        assert secrets(article)[0] in answer.content, "known, and as yet unopened"
        assert answer.headers["cache-control"] == "private, no-store"
    for stranger in ({}, {"cookie": "masthead-session=forged"}, {"cookie": ended}):
        assert edge.get(f"/articles/{LOCKED}", **stranger).content == BEGINNING
