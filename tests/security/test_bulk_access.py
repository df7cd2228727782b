"""A request about many articles costs about as much as one about a few, for any caller (v5.0.0-2.4.1, v5.0.0-15.2.2)."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.articles import metered
from tests.support.http_client import http_client
from tests.support.locked_table import locked_table
from tests.support.polling import until
from tests.support.signed_in import in_trial_by_pages
from tests.support.statements import statements
from tests.support.table_contents import changed, contents
from tests.support.world import World

WITHOUT_KEY = 50
WITH_KEY = 500


def bulk(client: httpx.Client, articles: list[str]) -> httpx.Response:
    return client.post("/v1/access", json={"articles": articles})


def cost(world: World, client: httpx.Client, articles: list[str]) -> int:
    """How many statements an answer of the framework takes."""
    by_cache, odd = bulk(client, articles).json(), [f" {article}" for article in articles]
    bulk(client, odd)  # notes once that the key was used
    with statements(world.services.database) as sent:
        answer = bulk(client, odd)
    assert answer.status_code == 200
    assert [one["article"] for one in answer.json()] == articles
    assert answer.json() == by_cache
    assert sent, "the framework reads what is written less plainly"
    return len(sent)


def test_a_stranger_asks_about_fifty_metered_articles_for_the_price_of_one(world: World) -> None:
    stranger, articles = world.browser().http, metered(world, WITHOUT_KEY)
    before = contents(world, but=("rate_count",))
    one = cost(world, stranger, articles[:1])
    assert cost(world, stranger, articles) == one
    assert changed(before, contents(world, but=("rate_count",))) == []


def test_an_article_named_again_and_again_is_looked_at_once(world: World) -> None:
    article, other = metered(world, 2)
    one = cost(world, world.api, [article])
    assert cost(world, world.api, [article] * WITH_KEY) == one
    answers = bulk(world.api, [article, other, article]).json()
    assert answers[0] == answers[2]


def test_a_program_asks_about_five_hundred_articles_for_the_price_of_one(world: World) -> None:
    articles = metered(world, 30)
    assert cost(world, world.api, articles) == cost(world, world.api, articles[:1])


def test_without_a_key_at_most_fifty_are_answered_at_once(world: World) -> None:
    reader = in_trial_by_pages(world)
    token = reader.http.get("/v1/access-token").json()["token"]
    by_token = world.browser().http
    by_token.headers["authorization"] = f"Bearer {token}"
    article = world.articles["subscriber"][0]
    for who in (world.browser().http, reader.http, by_token):
        assert bulk(who, [article] * WITHOUT_KEY).status_code == 200
        refused = bulk(who, [article] * (WITHOUT_KEY + 1))
        assert (refused.status_code, refused.json()["code"]) == (422, "too_many_articles")
    assert bulk(world.api, [article] * WITH_KEY).status_code == 200
    false_key = world.browser().http
    false_key.headers["authorization"] = "Bearer mk_false"
    assert bulk(false_key, [article] * WITH_KEY).status_code == 401


@pytest.mark.parametrize("kind", ["reader", "external"])
def test_evaluations_about_many_subjects_cost_what_one_costs(world: World, kind: str) -> None:
    articles = metered(world, 20)

    def evaluated(count: int) -> int:
        each = [
            {
                "subject": {"type": kind, "id": f"{kind}_{number}"},
                "action": {"name": "read"},
                "resource": {"type": "article", "id": articles[number % len(articles)]},
            }
            for number in range(count)
        ]
        with statements(world.services.database) as sent:
            answer = world.api.post("/access/v1/evaluations", json={"evaluations": each})
        assert len(answer.json()["evaluations"]) == count
        return len(sent)

    assert evaluated(200) == evaluated(2)


def test_a_network_that_asks_and_asks_is_told_to_wait(world: World) -> None:
    stranger, article = world.browser().http, world.articles["metered"][0]
    plain, odd = [article], [f" {article}"]
    seen = {bulk(stranger, odd).status_code for _ in range(300)}
    refused = bulk(stranger, odd)
    assert bulk(stranger, plain).status_code == 200, (
        "what the access cache answers costs little, and isn't counted"
    )
    assert (seen, refused.status_code, refused.json()["code"]) == ({200}, 429, "too_many")
    assert int(refused.headers["retry-after"]) > 0
    assert bulk(world.api, [article]).status_code == 200, "a program with a key isn't counted"
    assert stranger.get(f"/v1/access/{article}").status_code == 200, "nor is one article"


@pytest.mark.parametrize(
    ("route", "at_once", "waiting"), [("many", 1, 8), ("one", 3, 64), ("many with a key", 4, 32)]
)
def test_a_flood_of_questions_takes_few_threads_and_what_is_too_much_is_sent_away(
    world: World, route: str, at_once: int, waiting: int
) -> None:
    """From one network, which has half of the places of strangers; a site has all of them with its key."""
    visitor: dict[str, Any]
    first, article = world.articles["metered"][:2]
    most = at_once + waiting
    if "key" in route:
        known = {"visitor": world.api.get(f"/v1/access/{first}").json()["visitor"]}
        visitor = {"params": known, "headers": {"authorization": f"Bearer {world.api_key}"}}
    else:
        stranger = world.browser().http
        stranger.get(f"/v1/access/{first}")
        visitor = {"cookies": dict(stranger.cookies)}

    def ask() -> httpx.Response:
        """By one who has read before, so that the counts are looked up."""
        with http_client(world.url, **visitor) as client:
            if route == "one":
                return client.get(f"/v1/access/{article}?prefetch=0")
            return bulk(client, [f" {article}"])

    flood = most + 5
    with ThreadPoolExecutor(flood) as pool:
        with locked_table(world, "meter_month") as locked:
            asked = [pool.submit(ask) for _ in range(flood)]
            until(lambda: sum(each.done() for each in asked) >= 5, "what finds no place to be sent away")
            refused = [each.result() for each in asked if each.done()]
            assert [(each.status_code, each.json()["code"]) for each in refused] == [(503, "busy")] * 5
            assert int(refused[0].headers["retry-after"]) > 0
            until(lambda: locked.waiting == at_once, "as many as have a place to ask the database")
            assert world.browser().get("/sign-in").status == 200
            assert world.browser().get("/").status == 200
            assert locked.waiting == at_once
        assert sorted(each.result().status_code for each in asked) == [200] * most + [503] * 5


def test_a_body_that_never_ends_holds_no_place(world: World) -> None:
    host = urlsplit(world.url)
    lines = (
        "POST /v1/access HTTP/1.1",
        f"Host: {host.netloc}",
        "Content-Type: application/json",
        "Content-Length: 64",
    )
    with ExitStack() as held:
        for _ in range(30):
            client = held.enter_context(socket.create_connection((host.hostname, host.port)))
            client.sendall("\r\n".join([*lines, "", "{"]).encode())
        assert bulk(world.browser().http, [world.articles["metered"][0]]).status_code == 200
