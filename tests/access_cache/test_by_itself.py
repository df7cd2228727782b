"""What the gate answers by itself: the framework, which takes a hundred times as long, isn't asked."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from tests.support.articles import metered
from tests.support.erasures import ask_for, left_over
from tests.support.signed_in import in_trial_by_pages
from tests.support.starting_points import Subscriber
from tests.support.statements import statements
from tests.support.world import World

PREFETCH = {"sec-purpose": "prefetch"}
CRAWLER = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}
Asking = Callable[[httpx.Client, list[str], str], httpx.Response]


def access(article: int, **headers: str) -> Asking:
    return lambda client, articles, _: client.get(f"/v1/access/{articles[article]}", headers=headers)


def gate(article: int, **headers: str) -> Asking:
    return lambda client, articles, _: client.get(f"/v1/gate/{articles[article]}", headers=headers)


ASKED: dict[str, tuple[Asking, ...]] = {
    "a newcomer's first reading": (access(0),),
    "a first reading, counted": (access(0), access(1)),
    "reading again": (access(0), access(1), access(0), access(1)),
    "at the wall": (access(0), access(1), access(2), access(3), gate(3)),
    "a head": (lambda client, articles, _: client.head(f"/v1/access/{articles[0]}"),),
    "a prefetch": (access(0, **PREFETCH), gate(0, **PREFETCH), access(0), gate(1, **PREFETCH)),
    "a crawler": (access(0, **CRAWLER), gate(0, **CRAWLER)),
    "a locked article": (access(0), lambda client, _, locked: client.get(f"/v1/gate/{locked}")),
    "a list": (
        access(0),
        lambda client, articles, locked: client.post("/v1/access", json={"articles": [*articles, locked]}),
    ),
    "an article that doesn't exist": (lambda client, *_: client.get("/v1/gate/no-such"),),
    "an ended session": (
        lambda client, articles, _: client.get(
            f"/v1/access/{articles[0]}", headers={"cookie": "masthead-session=ended-long-ago"}
        ),
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_strangers_are_answered_without_the_framework(world: World, what: str) -> None:
    articles, stranger = metered(world, 4), world.browser().http
    with statements(world.services.database) as sent:
        answers = [ask(stranger, articles, world.articles["subscriber"][0]) for ask in ASKED[what]]
    assert {answer.status_code for answer in answers} <= {200, 204, 403}
    assert sent == []


def test_a_reader_gets_a_token_without_the_framework_and_never_after_signing_out(world: World) -> None:
    reader = in_trial_by_pages(world)
    with statements(world.services.database) as sent:
        given = reader.http.get("/v1/access-token")
        again = reader.http.get("/v1/access-token")
    assert sent == []
    assert (given.status_code, given.json()["expires_in"]) == (200, 300)
    by_token = world.browser().http
    by_token.headers["authorization"] = f"Bearer {again.json()['token']}"
    article = world.articles["subscriber"][0]
    assert by_token.get(f"/v1/access/{article}").json()["reason"] == "trial"
    cookies = dict(reader.http.cookies)
    reader.get("/account")
    reader.post("/sign-out")
    reader.http.cookies.update(cookies)
    assert reader.http.get("/v1/access-token").json()["code"] == "not_signed_in"
    assert by_token.get(f"/v1/access/{article}").json()["code"] == "session_ended"


def opened_gift(world: World, reader_id: str) -> tuple[str, httpx.Client, dict[str, str]]:
    """An article, a friend's browser that has read it twice by this reader's gift, and the gift."""
    article, friend = world.articles["subscriber"][0], world.browser()
    given = world.api.post(f"/v1/articles/{article}/gifts", json={"reader_id": reader_id})
    gift = given.raise_for_status().json()
    friend.get(gift["url"].removeprefix(world.settings.public_url))
    assert friend.http.get(f"/v1/access/{article}").json()["reason"] == "gift"
    with statements(world.services.database) as sent:
        again = friend.http.get(f"/v1/access/{article}").json()
    assert (again["reason"], sent) == ("gift", [])
    return article, friend.http, gift


def test_an_opened_gift_is_read_again_until_it_is_revoked(world: World) -> None:
    giver = in_trial_by_pages(world)
    article, friend, gift = opened_gift(world, world.rows("SELECT id FROM reader")[0]["id"])
    world.api.delete(f"/v1/gifts/{gift['id']}").raise_for_status()
    assert friend.get(f"/v1/access/{article}").json()["reason"] == "subscribe"
    assert giver.http.get(f"/v1/access/{article}").json()["reason"] == "trial"


def test_a_gift_ends_with_the_account_of_its_giver(world: World, in_trial: Subscriber) -> None:
    article, friend, _ = opened_gift(world, in_trial.reader_id)
    ask_for(world, in_trial.reader_id)
    (due,) = world.rows("SELECT erases_at FROM erasure")
    world.skip_to(due["erases_at"] + timedelta(minutes=1))
    assert friend.get(f"/v1/access/{article}").json()["reason"] == "gift"
    world.settle()
    assert left_over(world, in_trial.reader_id) == []
    assert friend.get(f"/v1/access/{article}").json()["reason"] == "subscribe"


def test_an_article_is_found_once_it_is_registered(world: World) -> None:
    stranger = world.browser().http
    for _ in range(2):
        unknown = stranger.get("/v1/gate/story-0")
        assert (unknown.status_code, unknown.headers["x-access-reason"]) == (403, "unknown_article")
    metered(world, 1)
    assert stranger.get("/v1/gate/story-0").headers["x-access-reason"] == "meter"
