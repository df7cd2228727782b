"""The PHP file, run by PHP: readers with and without access, and Masthead away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.paper import BEGINNING, GAMES, METERED, secrets
from tests.edges.php_site import PHP, Site, php_site
from tests.support.faulty_proxy import FaultyProxy
from tests.support.meter import used_by
from tests.support.publisher import LOCKED
from tests.support.signed_in import session_secret
from tests.support.starting_points import Subscriber
from tests.support.world import World

pytestmark = pytest.mark.skipif(PHP is None, reason="PHP is not installed")


@pytest.fixture
def site(proxy: FaultyProxy, tmp_path: Path) -> Iterator[Site]:
    with php_site(proxy, tmp_path) as found:
        yield found


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
    assert used_by(world, visitor) == 1
    assert world.rows("SELECT 1 FROM meter_month") == []


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


def test_on_two_hosts_a_reader_is_known_by_the_token_in_a_cookie_of_the_site(
    world: World, in_trial: Subscriber, site: Site
) -> None:
    http = site()
    token = world.api.get("/v1/access-token", params={"reader_id": in_trial.reader_id}).json()["token"]
    cookie = {"cookie": f"theme=dark; __Host-masthead-token={token}"}
    assert secrets()[0] in http.get(f"/articles/{LOCKED}", headers=cookie).content
    world.advance(minutes=6)
    assert http.get(f"/articles/{LOCKED}", headers=cookie).content.strip() == BEGINNING


def test_a_gift_opens_its_article_by_the_query_of_its_address(
    world: World, in_trial: Subscriber, site: Site
) -> None:
    body = {"reader_id": in_trial.reader_id}
    gift = world.api.post(f"/v1/articles/{LOCKED}/gifts", json=body).raise_for_status().json()["token"]
    queries = {"gift=gft_1.x": False, "gift[]=x": False, "gift=%0d%0a": False, f"gift={gift}": True}
    for http in (site(), site(key=world.api_key)):
        for query, opens in queries.items():
            whole = http.get(f"/articles/{LOCKED}?{query}")
            assert (secrets()[0] in whole.content) is opens, query
