"""The CDN worker in Node: tokens are checked offline, else Masthead is asked, and other visitors get no byte."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.edge import NOMSA
from tests.edges.paper import BEGINNING, FREE, GAMES, PATHS, secrets
from tests.edges.worker_at_cdn import NODE, Worker, token_in, worker_at_cdn
from tests.support.faulty_proxy import FaultyProxy
from tests.support.publisher import LOCKED
from tests.support.world import World

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


@pytest.fixture
def edge(world: World, proxy: FaultyProxy, tmp_path: Path) -> Iterator[Worker]:
    with worker_at_cdn(world, proxy, tmp_path) as found:
        yield found


def test_a_token_opens_without_asking_and_a_stale_one_asks(edge: Worker) -> None:
    session = edge.subscriber()
    first = edge.get(f"/articles/{LOCKED}", cookie=f"theme=dark; {session}")
    assert all(piece in first.content for piece in secrets())
    assert first.headers["cache-control"] == "private, no-store"
    token = token_in(first)
    edge.proxy.asked.clear()
    for _ in range(3):
        assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=f"{session}; {token}").content
    assert [path for path in edge.proxy.asked if "jwks" not in path] == [], "checked offline"
    edge.world.advance(minutes=6)
    edge.follow()
    again = edge.get(f"/articles/{LOCKED}", cookie=f"{session}; {token}")
    assert secrets()[0] in again.content
    assert token_in(again) != token
    assert len([path for path in edge.proxy.asked if path.startswith("/v1/access/")]) == 1


def test_a_payer_with_a_stale_token_reads_while_masthead_is_away_until_what_is_paid_ends(
    edge: Worker,
) -> None:
    session = edge.subscriber()
    token = token_in(edge.get(f"/articles/{LOCKED}", cookie=session))
    for state in ("cut", "slow", "broken"):
        edge.world.skip_to(edge.world.now.replace(minute=edge.world.now.minute + 10))
        edge.follow(timeout=300)
        edge.proxy.state = state
        assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=f"{session}; {token}").content, state
        stranger = edge.get(f"/articles/{LOCKED}", cookie=session)
        assert stranger.content == BEGINNING, "nothing is known of them"
    edge.clock((edge.world.now.timestamp() + 40 * 86400) * 1000, timeout=300)
    assert edge.get(f"/articles/{LOCKED}", cookie=token).content == BEGINNING


def test_no_byte_reaches_whoever_may_not_read(edge: Worker) -> None:
    session = edge.subscriber()
    token = token_in(edge.get(f"/articles/{LOCKED}", cookie=session)).partition("=")[2]
    head, body, seal = token.split(".")
    forged = [
        {"authorization": f"Bearer {head}.{body}.{seal[:-4]}AAAA"},
        {"cookie": f"masthead-token={head}.{body[:-2]}.{seal}"},
        {"authorization": f"Bearer eyJhbGciOiJub25lIn0.{body}."},
        {"authorization": f"Bearer eyJhbGciOiJIUzI1NiJ9.{body}.{seal}"},
    ]
    edge.get(f"/articles/{LOCKED}", authorization=f"Bearer {token}")  # the whole has passed by, once more
    games = [{name.lower(): value for name, value in game.items() if name != "Connection"} for game in GAMES]
    for headers in games + forged:
        answer = edge.get(f"/articles/{LOCKED}", **headers)
        assert answer.content in (BEGINNING, BEGINNING[: len(answer.content)]), headers
    for path in PATHS:
        unpaid = edge.raw(path, "X-Masthead-Access: trial\r\nX-Masthead-Key: x")
        assert not [piece for piece in secrets() if piece in unpaid], path
        paid = edge.raw(path, f"Cookie: masthead-token={token}")
        head_of, _, _ = paid.partition(b"\r\n\r\n")
        kept = b"private, no-store" in head_of.lower()
        assert kept or not [piece for piece in secrets() if piece in paid], path
    assert edge.get(f"/articles/{FREE}").content != BEGINNING, "what is free needs nobody's token"


def test_the_meter_counts_by_the_cookie_that_comes_back_and_never_ahead(edge: Worker) -> None:
    edge.counts_by_the_cookie_that_comes_back()


def test_a_gift_opens_its_article_by_the_query_of_its_address(edge: Worker) -> None:
    world = edge.world
    (reader,) = world.rows("SELECT id FROM reader WHERE email = :email", email=NOMSA)
    body = {"reader_id": reader["id"]}
    gift = world.api.post(f"/v1/articles/{LOCKED}/gifts", json=body).raise_for_status().json()["token"]
    for query, opens in ((f"gift={gift}", True), ("gift=gft_1.x", False), ("gift=%0d%0a", False)):
        assert (secrets()[0] in edge.get(f"/articles/{LOCKED}?{query}").content) is opens, query
