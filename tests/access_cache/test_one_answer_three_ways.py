"""The server sends what the gate has in memory in one way, and what takes a look-up in another; where neither is possible, ASGI's
messages. A client can't tell them apart."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from billing.access.articles import register
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.platform.actors import Command
from billing.platform.db import Database
from billing.platform.site import Site
from billing.rules.access import AccessLevel
from tests.access_cache.serving import TOKENS, WebProcess, cookie, furnish, web_process
from tests.support.databases import Databases

BY_MESSAGES = {"connection": "close"}
ITS_OWN = {"date", "x-request-id", "connection"}
"""Headers that differ between two answers, or between the ways."""


@pytest.fixture(scope="module")
def running(databases: Databases) -> Iterator[WebProcess]:
    """A process whose cache has nothing yet, with an article of each level."""
    with databases.fresh() as url:
        furnish(url)
        database, at = Database(url), datetime.now(UTC)
        site = Site(ZoneInfo("Africa/Johannesburg"), "https://pay.example", TOKENS)
        with database.begin(site, at, Command("test")) as ctx:
            for level in (AccessLevel.FREE, AccessLevel.METERED):
                row = Article(id=level.value, title="t", url="u", section="Town", published_at=at)
                register(ctx, row, AccessTerms(level))
        database.close()
        with web_process(url) as process:
            yield process


def seen(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """What a client sees of an answer, without what is another each time: a new visitor's token, a reader's token."""
    headers = {name: value for name, value in answer.headers.items() if name not in ITS_OWN}
    cookie = headers.get("set-cookie", "")
    body = re.sub(r'"(token|expires_at)":"[^"]*"', "", answer.text)
    return answer.status_code, headers | {"set-cookie": re.sub(r"vis_[^;]*", "vis_", cookie)}, body


ASKED: dict[str, tuple[str, dict[str, str]]] = {
    "a subscriber": ("/v1/access/bridge", cookie(0)),
    "a subscriber's page": ("/v1/gate/bridge", cookie(0)),
    "a stranger at a locked article": ("/v1/access/bridge", {}),
    "a stranger's page": ("/v1/gate/bridge", {}),
    "a free article": ("/v1/access/free", {}),
    "a newcomer's first reading": ("/v1/access/metered", {}),
    "a newcomer's page": ("/v1/gate/metered", {}),
    "a prefetch": ("/v1/gate/metered", {"sec-purpose": "prefetch"}),
    "one who asks ahead": ("/v1/access/metered?prefetch=true", {}),
    "a query that is refused": ("/v1/access/metered?prefetch=maybe", {}),
    "no such article": ("/v1/gate/nowhere", {}),
    "an unregistered one": ("/v1/access/nowhere", {}),
    "a token": ("/v1/access-token", cookie(1)),
}


@pytest.mark.parametrize("what", ASKED)
def test_an_answer_is_the_same_in_each_way(running: WebProcess, what: str) -> None:
    path, headers = ASKED[what]

    def ask(**more: str) -> httpx.Response:
        running.client.cookies.clear()
        return running.client.get(path, headers=headers | more)

    looked_up, from_memory, by_messages = ask(), ask(), ask(**BY_MESSAGES)
    assert seen(looked_up) == seen(from_memory) == seen(by_messages)
    assert len({answer.headers["x-request-id"] for answer in (looked_up, from_memory, by_messages)}) == 3


def test_a_list_is_the_same_in_each_way(running: WebProcess) -> None:
    asked = {"articles": ["bridge", "free", "metered"]}
    answers = [
        running.client.post("/v1/access", json=asked, headers=cookie(2) | more)
        for more in ({}, {}, BY_MESSAGES)
    ]
    assert seen(answers[0]) == seen(answers[1]) == seen(answers[2])
    assert [each["allowed"] for each in answers[0].json()] == [True, True, True]


@pytest.mark.parametrize(
    ("name", "status"), [(" bridge ", 200), ("bridge\0", 422), ("x" * 201, 422), ("", 404), ("nowhere", 404)]
)
def test_a_name_that_no_article_has_is_for_the_framework(running: WebProcess, name: str, status: int) -> None:
    asked = {"articles": ["bridge", name]}
    first, again = (running.client.post("/v1/access", json=asked, headers=cookie(2)) for _ in range(2))
    assert seen(first) == seen(again)
    assert first.status_code == status, first.text
    if status == 200:
        assert [each["article"] for each in first.json()] == ["bridge", "bridge"]


def test_an_answer_without_a_body_keeps_the_connection(running: WebProcess) -> None:
    """Nginx asks so for each article; it would drop a connection on which chunks follow."""
    for path in ("/v1/gate/bridge", "/v1/gate/free"):
        running.client.cookies.clear()
        answer = running.client.get(path)
        assert "transfer-encoding" not in answer.headers
        assert answer.headers.get("content-length", "0") == "0"
        assert answer.headers.get("connection", "keep-alive") == "keep-alive"
