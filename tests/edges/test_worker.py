"""The worker for CDNs, hosted by Node: tokens checked offline, Masthead asked otherwise, and no byte for anybody else."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import billing.edges
from tests.edges.conftest import LOCKED, Line, serve, signed_in
from tests.edges.paper import BEGINNING, FREE, GAMES, METERED, PATHS, Paper, secrets
from tests.world import World

NODE = shutil.which("node")
WORKER = Path(billing.edges.__file__).parent / "worker.js"
HOST = Path(__file__).parent / "worker_host.mjs"
pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


@dataclass
class Edge:
    """The worker at work between readers and the paper; `line` is its way to Masthead."""

    world: World
    line: Line
    paper: Paper
    url: str

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as http:
            return http.request(method, path, headers=headers)

    def clock(self, ms: float, timeout: int = 5000) -> None:
        self.get(f"/_clock?ms={int(ms)}&timeout={timeout}")

    def follow(self, timeout: int = 5000) -> None:
        """The worker's clock goes with the world's."""
        self.clock(self.world.now.timestamp() * 1000, timeout)


@pytest.fixture
def edge(world: World, line: Line, tmp_path: Path) -> Iterator[Edge]:
    assert NODE is not None
    module = tmp_path / "worker.mjs"  # as a module, which is how every CDN takes it
    shutil.copy(WORKER, module)
    paper = Paper(
        lambda headers, query: headers.get("x-masthead-key") == "the edge's key" and query == "masthead=whole"
    )
    with serve(paper) as port:
        command = [
            NODE,
            "--no-warnings",
            str(HOST),
            str(module),
            line.url,
            f"http://127.0.0.1:{port}",
            world.url,
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
            assert host.stdout is not None
            assert host.stdin is not None
            found = Edge(world, line, paper, f"http://127.0.0.1:{int(host.stdout.readline())}")
            found.follow()
            yield found
            host.stdin.close()


def token_in(answer: httpx.Response) -> str:
    found = [line for line in answer.headers.get_list("set-cookie") if line.startswith("masthead-token=")]
    assert len(found) == 1
    assert "HttpOnly" in found[0]
    return found[0].partition(";")[0]


def session_of(world: World) -> str:
    world.start_trial("nomsa@example.com")
    return f"masthead-session={signed_in(world, 'nomsa@example.com')}"


def test_a_token_opens_without_asking_and_a_stale_one_asks(edge: Edge) -> None:
    session = session_of(edge.world)
    first = edge.get(f"/articles/{LOCKED}", cookie=f"theme=dark; {session}")
    assert all(piece in first.content for piece in secrets())
    assert first.headers["cache-control"] == "private, no-store"
    token = token_in(first)
    edge.line.asked.clear()
    for _ in range(3):
        assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=f"{session}; {token}").content
    assert [path for path in edge.line.asked if "jwks" not in path] == [], "checked offline"
    edge.world.advance(minutes=6)
    edge.follow()
    again = edge.get(f"/articles/{LOCKED}", cookie=f"{session}; {token}")
    assert secrets()[0] in again.content
    assert token_in(again) != token
    assert len([path for path in edge.line.asked if path.startswith("/v1/access/")]) == 1


def test_a_payer_with_a_stale_token_reads_while_masthead_is_away_until_what_is_paid_ends(edge: Edge) -> None:
    session = session_of(edge.world)
    token = token_in(edge.get(f"/articles/{LOCKED}", cookie=session))
    for state in ("cut", "slow", "broken"):
        edge.world.skip_to(edge.world.now.replace(minute=edge.world.now.minute + 10))
        edge.follow(timeout=300)
        edge.line.state = state
        assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=f"{session}; {token}").content, state
        stranger = edge.get(f"/articles/{LOCKED}", cookie=session)
        assert stranger.content == BEGINNING, "nothing is known of them"
    edge.clock((edge.world.now.timestamp() + 40 * 86400) * 1000, timeout=300)
    assert edge.get(f"/articles/{LOCKED}", cookie=token).content == BEGINNING


def test_no_byte_reaches_whoever_may_not_read(edge: Edge) -> None:
    session = session_of(edge.world)
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
        unpaid = raw(edge.url, path, "X-Masthead-Access: trial\r\nX-Masthead-Key: x")
        assert not [piece for piece in secrets() if piece in unpaid], path
        paid = raw(edge.url, path, f"Cookie: masthead-token={token}")
        head_of, _, _ = paid.partition(b"\r\n\r\n")
        kept = b"private, no-store" in head_of.lower()
        assert kept or not [piece for piece in secrets() if piece in paid], path
    assert edge.get(f"/articles/{FREE}").content != BEGINNING, "what is free needs nobody's token"


def raw(url: str, path: str, headers: str) -> bytes:
    """As it was written."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n\r\n".encode()
        )
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_the_meter_counts_by_the_cookie_that_comes_back_and_never_ahead(edge: Edge) -> None:
    ahead = edge.get(f"/articles/{METERED}", **{"sec-purpose": "prefetch"})
    head = edge.get(f"/articles/{METERED}", "HEAD")
    assert (ahead.content, head.content) == (BEGINNING, b"")
    assert edge.world.rows("SELECT used FROM meter_month") == []
    first = edge.get(f"/articles/{METERED}")
    assert secrets(METERED)[0] in first.content
    visitor = first.headers["set-cookie"].partition(";")[0]
    edge.get(f"/articles/{METERED}", cookie=visitor)
    assert [row["used"] for row in edge.world.rows("SELECT used FROM meter_month")] == [1]
