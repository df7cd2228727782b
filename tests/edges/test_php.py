"""The page of PHP, run by PHP: who reads, who doesn't, and what happens when Masthead is away."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import billing.edges
from billing.demo.folder import free_port
from tests.edges.paper import BEGINNING, GAMES, METERED, secrets
from tests.support.faulty_proxy import FaultyProxy
from tests.support.http_client import http_client
from tests.support.polling import eventually
from tests.support.publisher import LOCKED, whole_text
from tests.support.signed_in import session_secret
from tests.support.starting_points import Subscriber
from tests.support.world import World

PHP = shutil.which("php")
pytestmark = pytest.mark.skipif(PHP is None, reason="PHP is not installed")
FILE = Path(billing.edges.__file__).parent / "masthead.php"
Site = Callable[..., httpx.Client]


@pytest.fixture
def site(world: World, proxy: FaultyProxy, tmp_path: Path) -> Iterator[Site]:
    """`site(timeout=30, key="")`: a publisher's site in PHP."""
    assert PHP is not None
    for article in (LOCKED, METERED):
        (tmp_path / article).write_text(whole_text(article))
    with ExitStack() as ends:

        def begin(timeout: float = 30, key: str = "") -> httpx.Client:
            port = free_port(0)
            given = {
                "MASTHEAD_PHP": str(FILE),
                "MASTHEAD": proxy.url,
                "KEY": key,
                "TIMEOUT": str(timeout),
                "TEXTS": str(tmp_path),
                "FOLDER": str(tmp_path / "kept"),
                "BEGINNING": BEGINNING.decode(),
            }
            page = str(Path(__file__).parent / "php_page.php")
            server = subprocess.Popen(
                [str(PHP), "-S", f"127.0.0.1:{port}", page],
                env=os.environ | given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            ends.callback(server.wait)
            ends.callback(server.terminate)
            http = ends.enter_context(http_client(f"http://127.0.0.1:{port}"))
            assert eventually(lambda: _answers(http))
            proxy.asked.clear()
            return http

        yield begin


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/articles/nothing").status_code == 200
    except httpx.TransportError:
        return False


def test_a_payer_reads_and_no_byte_reaches_anybody_else(
    world: World, in_trial: Subscriber, site: Site
) -> None:
    http = site()
    payer = {"cookie": f"a=b; masthead-session={session_secret(world, in_trial.email)}"}
    whole = http.get(f"/articles/{LOCKED}", headers=payer)
    assert all(piece in whole.content for piece in secrets())
    assert whole.headers["cache-control"] == "private, no-store"
    for game in GAMES:
        answer = http.get(f"/articles/{LOCKED}", headers=game)
        assert answer.content.strip() == BEGINNING, game
    first = http.get(f"/articles/{METERED}")
    assert secrets(METERED)[0] in first.content
    visitor = first.headers["set-cookie"].partition(";")[0]
    http.get(f"/articles/{METERED}", headers={"cookie": visitor})
    http.get(f"/articles/{METERED}", headers={"sec-purpose": "prefetch"})
    assert [row["used"] for row in world.rows("SELECT used FROM meter_month")] == [1]


@pytest.mark.parametrize("state", ["cut", "slow", "broken"])
def test_when_masthead_is_away_who_was_known_reads_on(
    world: World, in_trial: Subscriber, proxy: FaultyProxy, site: Site, state: str
) -> None:
    payer = {"cookie": f"masthead-session={session_secret(world, in_trial.email)}"}
    assert secrets()[0] in site().get(f"/articles/{LOCKED}", headers=payer).content
    quick = site(timeout=0.3)
    proxy.state = state
    assert secrets(METERED)[0] in quick.get(f"/articles/{METERED}", headers=payer).content
    for headers in ({}, {"cookie": "masthead-session=forged"}):
        answer = quick.get(f"/articles/{LOCKED}", headers=headers)
        assert (answer.content.strip(), answer.headers["cache-control"]) == (BEGINNING, "private, no-store")


def test_a_site_with_its_own_sign_in_names_the_reader(world: World, site: Site) -> None:
    world.start_trial("nomsa@example.com", external_id="42")
    http = site(key=world.api_key)
    assert secrets()[0] in http.get(f"/articles/{LOCKED}", headers={"x-test-login": "42"}).content
    assert http.get(f"/articles/{LOCKED}", headers={"x-test-login": "43"}).content.strip() == BEGINNING
    assert "masthead-visitor=vis_" in http.get(f"/articles/{METERED}").headers["set-cookie"]
