"""Strangers flood the access API. Known readers keep their places, and no network takes all places of strangers
(v5.0.0-2.4.1, v5.0.0-15.2.2).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from billing.access_cache import waiting_places
from billing.access_cache.false_keys import MOST
from billing.edges.masthead import Masthead
from billing.edges.who import Who
from tests.support.http_client import http_client
from tests.support.locked_table import locked_table
from tests.support.polling import until
from tests.support.signed_in import in_trial_by_pages
from tests.support.statements import statements
from tests.support.world import World

PLACES = 40
FALSE = "Bearer mk_" + "a" * 49


@pytest.fixture
def behind_proxy(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    """Masthead behind a proxy that forwards each request's address, with few places in the gate."""
    monkeypatch.setattr(waiting_places, "MOST", PLACES)
    return make_world(proxy_count=1)


@contextmanager
def crowd(world: World, table: str, asks: list[Callable[[], httpx.Response]], waits: int) -> Iterator[None]:
    """During the block all these requests wait: some for the table, the others for a place."""
    with ThreadPoolExecutor(len(asks)) as pool:
        asked: list[Future[httpx.Response]] = []
        with locked_table(world, table) as locked:
            asked += [pool.submit(ask) for ask in asks]
            until(lambda: locked.waiting >= waits, "the crowd to fill the places")
            until(lambda: sum(each.done() for each in asked) >= 1, "one of the crowd to be sent away")
            yield
        for each in asked:
            each.result()


def busy(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and answer.json()["code"] == "busy"


def bulk(world: World, article: str, **headers: str) -> httpx.Response:
    with http_client(world.url, headers=headers, timeout=60) as client:
        return client.post("/v1/access", json={"articles": [article]})


def oddly(world: World, article: str, **headers: str) -> httpx.Response:
    """The same, written in a way that the access cache leaves to the framework."""
    return bulk(world, f" {article}", **headers)


def cookie_of_reading(world: World, article: str) -> str:
    """The Cookie header of a browser that has read an article, so that its counts are looked up."""
    stranger = world.browser().http
    stranger.get(f"/v1/access/{article}")
    return "; ".join(f"{name}={value}" for name, value in stranger.cookies.items())


def read(world: World, article: str, **headers: str) -> httpx.Response:
    with http_client(world.url, headers=headers, timeout=60) as client:
        return client.get(f"/v1/access/{article}")


def test_false_keys_take_no_place_of_a_program(world: World) -> None:
    article, metered, first = world.articles["subscriber"][0], *world.articles["metered"][:2]
    cookie = cookie_of_reading(world, first)
    with crowd(world, "meter_month", [lambda: oddly(world, metered, cookie=cookie)] * 60, 1):
        assert busy(oddly(world, article, authorization=FALSE)), "it counts as a stranger"
        for _ in range(20):
            assert oddly(world, article, authorization=f"Bearer {world.api_key}").status_code == 200


def test_a_reader_is_answered_while_strangers_of_many_networks_take_their_places(behind_proxy: World) -> None:
    world = behind_proxy
    reader = in_trial_by_pages(world)
    token = reader.http.get("/v1/access-token").json()["token"]
    article, metered, first = world.articles["subscriber"][0], *world.articles["metered"][:2]
    cookie = cookie_of_reading(world, first)

    def ask(number: int) -> Callable[[], httpx.Response]:
        return lambda: read(world, metered, cookie=cookie, **{"x-forwarded-for": f"196.{number}.25.9"})

    with crowd(world, "meter_month", [ask(number) for number in range(PLACES + 10)], 1):
        for path in (f"/v1/access/{article}", f"/v1/access/{article}?prefetch=true"):
            answer = reader.http.get(path).json()
            assert (answer["allowed"], answer["reason"]) == (True, "trial"), path
        by_token = world.browser().http
        by_token.headers["authorization"] = f"Bearer {token}"
        for known in (reader.http, by_token):
            assert known.get(f"/v1/access/{article}?prefetch=0").status_code == 200, "by the framework"
        masthead = Masthead(world.url, timeout=30)
        for _ in range(4):
            assert masthead.ask(metered, Who(cookies=cookie)).reason == "away"
        known_there = Who(cookies="; ".join(f"{n}={v}" for n, v in reader.http.cookies.items()))
        answer_there = masthead.ask(article, known_there)
        assert (answer_there.reason, answer_there.remembered) == ("trial", False), "nobody else is away"


def test_one_network_takes_half_of_the_strangers_places(behind_proxy: World) -> None:
    world, article = behind_proxy, behind_proxy.articles["subscriber"][0]
    metered, first = world.articles["metered"][:2]
    network = {"x-forwarded-for": "2001:db8:1:7::9", "cookie": cookie_of_reading(world, first)}
    with crowd(world, "meter_month", [lambda: oddly(world, metered, **network)] * 12, 1):
        assert busy(oddly(world, article, **{"x-forwarded-for": "2001:db8:1:8::9"})), "the same site"
        assert not busy(oddly(world, article, **{"x-forwarded-for": "41.0.0.1"}))


def test_ahead_of_a_click_memory_answers_what_would_not_be_counted(world: World) -> None:
    reader = in_trial_by_pages(world)
    for client in (reader.http, world.browser().http):
        for article in (world.articles["subscriber"][0], world.articles["free"][0]):
            plain = client.get(f"/v1/access/{article}").json()
            with statements(world.services.database) as sent:
                assert client.get(f"/v1/access/{article}?prefetch=true").json() == plain
            assert not [one for one in sent if "article" in one], "the framework isn't asked"
            assert client.get(f"/v1/access/{article}?prefetch=1").json() == plain
    metered = world.browser().http.get(f"/v1/access/{world.articles['metered'][0]}?prefetch=true")
    assert metered.json()["allowed"]
    assert "set-cookie" not in metered.headers
    assert world.rows("SELECT * FROM meter_month") == []


def test_keys_that_a_network_makes_up_take_one_connection_of_the_cache(behind_proxy: World) -> None:
    world, article = behind_proxy, behind_proxy.articles["metered"][0]

    def made_up(number: int, network: str) -> httpx.Response:
        key = f"{FALSE[:-3]}{number:03}"
        return bulk(world, article, authorization=key, **{"x-forwarded-for": network})

    for number in range(MOST):
        assert made_up(number, "196.25.1.9").status_code == 401
    with ThreadPoolExecutor(40) as pool:
        with locked_table(world, "api_key") as locked:
            asked = [pool.submit(made_up, 100 + number, "196.25.1.9") for number in range(12)]
            until(lambda: locked.waiting == 1, "the first to be looked up")
            asked += [pool.submit(made_up, 200 + number, "41.0.0.1") for number in range(4)]
            until(lambda: locked.waiting >= 5, "the other network's to be looked up")
            assert locked.waiting == 5
            assert not any(each.done() for each in asked)
        assert {each.result().status_code for each in asked} <= {401, 503}
    key = {"authorization": f"Bearer {world.api_key}", "x-forwarded-for": "196.25.1.9"}
    assert bulk(world, article, **key).status_code == 200
