"""How often something may be tried, by anyone (SEC-8)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from billing.http.client_ip import client_ip
from billing.platform.actors import WORKER
from billing.platform.errors import TooMany
from billing.readers import rate
from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.world import World


def from_address(browser: Browser, ip: str) -> None:
    browser.http.headers["x-forwarded-for"] = ip


def asks(browser: Browser, email: str) -> int:
    browser.get("/sign-in")
    return browser.post("/sign-in", email=email).status


def test_one_network_address_asks_for_twenty_links_and_no_more(world: World) -> None:
    browser = world.browser()
    assert [asks(browser, f"reader{n}@example.com") for n in range(22)] == [200] * 20 + [429] * 2


def type_code(browser: Browser, csrf: str) -> int:
    form = {"code": "12345678", "csrf": csrf}
    return browser.http.post(
        "/sign-in/code", data=form, headers={"sec-fetch-site": "same-origin"}
    ).status_code


def test_one_network_address_types_thirty_codes_and_no_more(world: World) -> None:
    attempts = []
    for n in range(8):
        browser = world.browser()
        asks(browser, f"reader{n}@example.com")
        csrf = browser.page.text.partition('name="csrf" value="')[2].partition('"')[0]
        attempts += [type_code(browser, csrf) for _ in range(4)]
    assert attempts == [422] * 30 + [429] * 2


def test_one_network_address_begins_twenty_times_and_no_more(world: World) -> None:
    browser, seen = world.browser(), []
    for n in range(22):
        browser.get("/subscribe")
        seen.append(browser.post("/subscribe", email=f"reader{n}@example.com").status)
    assert seen == [200] * 20 + [429] * 2
    world.advance(minutes=12)
    browser.get("/subscribe")
    assert browser.post("/subscribe", email="reader99@example.com").status == 200


def test_one_network_address_opens_thirty_card_pages_an_hour(world: World) -> None:
    in_trial_by_pages(world)
    browser = signed_in(world, "thandi@example.com")
    browser.http.follow_redirects = False
    csrf = browser.get("/account").text.partition('name="csrf" value="')[2].partition('"')[0]
    form = {"csrf": csrf}
    headers = {"sec-fetch-site": "same-origin"}
    seen = [browser.http.post("/account/card", data=form, headers=headers).status_code for _ in range(31)]
    assert seen == [303] * 29 + [429] * 2


def test_a_refusal_says_when_to_come_back(world: World) -> None:
    browser = world.browser()
    for n in range(21):
        asks(browser, f"reader{n}@example.com")
    answer = browser.page.response
    assert answer.status_code == 429
    wait = int(answer.headers["retry-after"])
    world.advance(seconds=wait)
    assert asks(browser, "reader99@example.com") == 200


def test_a_forged_forwarded_for_gives_no_new_allowance(world: World) -> None:
    browser, seen = world.browser(), []
    for n in range(22):
        from_address(browser, f"10.0.0.{n}")
        seen.append(asks(browser, f"reader{n}@example.com"))
    assert seen[-2:] == [429, 429]


def test_behind_a_proxy_its_last_word_counts_and_nothing_before_it(make_world: Callable[..., World]) -> None:
    world = make_world(proxy_count=1)
    browser, seen = world.browser(), []
    for n in range(22):
        from_address(browser, f"10.0.0.{n}, 196.25.1.9")
        seen.append(asks(browser, f"reader{n}@example.com"))
    assert seen[-2:] == [429, 429]
    from_address(browser, "196.25.1.9, 196.25.1.10")
    assert asks(browser, "reader99@example.com") == 200
    kept = world.rows("SELECT bucket FROM rate_count")
    assert not any("196.25" in row["bucket"] or "reader" in row["bucket"] for row in kept)


@pytest.mark.parametrize(
    ("count", "forwarded", "expected"),
    [
        (0, None, "127.0.0.1"),
        (0, "1.1.1.1", "127.0.0.1"),
        (1, None, "127.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        (2, "9.9.9.9, 1.1.1.1", "9.9.9.9"),
        (2, "1.1.1.1", "127.0.0.1"),
        (1, " , ", "127.0.0.1"),
        (1, ",,,1.1.1.1 ,", "1.1.1.1"),
        (1, "9.9.9.9 | 1.1.1.1", "1.1.1.1"),  # a proxy that writes a line of its own, behind the caller's
        (2, "9.9.9.9, 8.8.8.8 | 1.1.1.1", "8.8.8.8"),
    ],
)
def test_whose_word_on_the_address_is_believed(
    world: World, count: int, forwarded: str | None, expected: str
) -> None:
    settings = world.services.settings.model_copy(update={"proxy_count": count})
    lines = [] if forwarded is None else forwarded.split("|")
    headers = [(b"x-forwarded-for", line.strip().encode()) for line in lines]
    request = Request({"type": "http", "client": ("127.0.0.1", 5), "headers": headers})
    assert client_ip(request, replace(world.services, settings=settings)) == expected


def test_in_no_stretch_of_the_window_are_there_more_than_the_limit(world: World) -> None:
    _tokens, start = world.services.site.tokens, world.now

    @settings(max_examples=30)
    @given(st.lists(st.integers(0, 3_000), min_size=1, max_size=60).map(sorted), st.uuids())
    def runs(seconds: list[int], who: object) -> None:
        allowed = []
        for second in seconds:
            at = start + timedelta(seconds=second)
            try:
                with world.services.database.begin(world.services.site, at, WORKER) as ctx:
                    rate.count(ctx, "it", str(who), limit=3, per=timedelta(minutes=10))
            except TooMany:
                continue
            allowed.append(second)
        for first in allowed:
            assert sum(first <= each < first + 600 for each in allowed) <= 3

    runs()


def test_what_is_counted_is_not_readable(world: World) -> None:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        rate.count(ctx, "it", "Me@Example.com", limit=1, per=timedelta(hours=1))
    with pytest.raises(TooMany), world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        rate.count(ctx, "it", "me@example.com", limit=1, per=timedelta(hours=1))
    assert "xample" not in str(world.rows("SELECT * FROM rate_count"))
