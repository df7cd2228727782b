"""A visitor without cookies leaves no rows behind, however often it comes; one with cookies is metered (PW-4)."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.articles import metered
from tests.support.http_client import http_client
from tests.support.meter import counted, used
from tests.support.routes import routes
from tests.support.table_contents import changed, contents
from tests.support.world import World, local

COUNTED = ("rate_count",)
"""One row for each network and tenth of a window, however often it comes; swept after two days."""
LIMIT = 3
VISITOR = "masthead-visitor"


def with_cookie(world: World, cookie: str) -> httpx.Client:
    """A browser that has this cookie of a visitor's, and keeps no other."""
    client = world.browser().http
    client.headers["cookie"] = f"{VISITOR}={cookie}"
    return client


def meter(client: httpx.Client, article: str) -> tuple[str, int]:
    """What is said of the article, and how much is used."""
    answer = client.get(f"/v1/access/{article}").json()
    return answer["reason"], answer["meter"]["used"]


@pytest.mark.parametrize("path", ["/v1/access/{}", "/v1/gate/{}", "/articles/{}", "/articles/{}/print"])
def test_readings_without_a_cookie_leave_no_row(world: World, path: str) -> None:
    address, before = path.format(world.articles["metered"][0]), contents(world)
    given = set()
    for _ in range(20):
        with http_client(world.url) as stranger:
            answer = stranger.get(address)
            assert answer.status_code in (200, 204)
            given.add(answer.cookies[VISITOR])
    assert len(given) == 20, "each could come back"
    assert changed(before, contents(world)) == []


def test_a_program_that_sends_no_token_along_leaves_no_row(world: World) -> None:
    article, before = world.articles["metered"][0], contents(world)
    for _ in range(20):
        answer = world.api.get(f"/v1/access/{article}").json()
        assert (answer["reason"], answer["meter"]) == ("meter", {"used": 1, "limit": LIMIT})
    assert changed(before, contents(world)) == []


def test_no_page_leaves_a_row_for_a_stranger_who_looks(world: World) -> None:
    named = {"article_id": world.articles["metered"][0]}
    addresses = [route.at(**named) for route in routes(world) if route.method == "GET"]
    assert len(addresses) > 30
    before = contents(world, but=COUNTED)
    for address in addresses:
        for _ in range(2):
            with http_client(world.url, headers={"accept": "text/html"}) as stranger:
                assert stranger.get(f"{address}?a=b").status_code < 500, address
    assert changed(before, contents(world, but=COUNTED)) == []
    assert len(world.rows("SELECT 1 FROM rate_count")) < 10


def test_who_comes_back_is_counted_and_the_first_cookie_resets_nothing(world: World) -> None:
    articles = metered(world, LIMIT + 2)
    cookie = world.browser().http.get(f"/v1/access/{articles[0]}").cookies[VISITOR]
    visitor = with_cookie(world, cookie)
    for _ in range(3):
        assert meter(visitor, articles[0]) == ("meter", 1), "reading again is free"
    assert world.rows("SELECT * FROM meter_month") == [], "and needs no row"
    assert meter(visitor, articles[1]) == ("meter", 2)
    assert meter(visitor, articles[2]) == ("meter", 3)
    for _ in range(2):
        assert meter(visitor, articles[3]) == ("meter_used", 3)
    assert meter(with_cookie(world, cookie), articles[4]) == ("meter_used", 3)
    assert [meter(visitor, article)[0] for article in articles[:3]] == ["meter"] * 3
    assert counted(world) == articles[:3]


def test_many_at_once_with_the_first_cookie_never_exceed_the_limit(world: World) -> None:
    articles = metered(world, 12)
    cookie = world.browser().http.get(f"/v1/access/{articles[0]}").cookies[VISITOR]

    def read(article: str) -> str:
        with http_client(world.url, headers={"cookie": f"{VISITOR}={cookie}"}) as client:
            return str(client.get(f"/v1/access/{article}").json()["reason"])

    with ThreadPoolExecutor(12) as pool:
        reasons = list(pool.map(read, articles[1:] * 2))
    opened = {article for article, reason in zip(articles[1:] * 2, reasons, strict=True) if reason == "meter"}
    assert len(opened) == LIMIT - 1
    assert read(articles[0]) == "meter"
    assert used(world) == [LIMIT]


def test_a_program_that_sends_the_token_along_is_counted_alike(world: World) -> None:
    articles = metered(world, LIMIT + 1)
    token = world.api.get(f"/v1/access/{articles[0]}").json()["visitor"]

    def used(article: str) -> tuple[str, int]:
        answer = world.api.get(f"/v1/access/{article}", params={"visitor": token}).json()
        assert answer["visitor"] == token
        return answer["reason"], answer["meter"]["used"]

    assert [used(article) for article in articles] == [
        *(("meter", number) for number in (1, 2, 3)),
        ("meter_used", 3),
    ]


def test_what_the_cookie_remembers_counts_in_its_month_alone(world: World) -> None:
    articles = metered(world, LIMIT + 1)
    cookie = world.browser().http.get(f"/v1/access/{articles[0]}").cookies[VISITOR]
    world.advance_to(local(2027, 3, 31, 23, 59, 59))
    assert meter(with_cookie(world, cookie), articles[0]) == ("meter", 1)
    world.advance_to(local(2027, 4, 1))
    visitor = with_cookie(world, cookie)
    assert [meter(visitor, article) for article in articles[1:]] == [("meter", n) for n in (1, 2, 3)]
    assert meter(visitor, articles[0]) == ("meter_used", 3)


def test_what_the_cookie_remembers_goes_over_to_the_account_once(world: World) -> None:
    articles, browser = metered(world, 2), world.browser()
    assert meter(browser.http, articles[0]) == ("meter", 1)
    browser.sign_in("naledi@example.com")
    assert meter(browser.http, articles[1]) == ("meter", 2)
    browser.get("/account")
    browser.post("/sign-out")
    browser.sign_in("sipho@example.com")
    assert meter(browser.http, articles[1]) == ("meter", 1), "the second account doesn't pay for it again"
