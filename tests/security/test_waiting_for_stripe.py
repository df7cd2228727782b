"""Strangers who cause calls to Stripe: few calls by few threads, and all others are answered meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

from billing.payments import return_polls
from billing.payments.models import CardSetup
from billing.platform.actors import WORKER
from billing.web.kit.bulkhead import PLACES_A_THREAD, THREADS, Side
from tests.support.browser import Browser
from tests.support.http_client import http_client
from tests.support.polling import until
from tests.support.starting_points import Subscriber
from tests.support.world import World

EMAIL = "thandi@example.com"
HITS = 45
"""More than the lane of pages has places."""
TOO_LONG = 20
"""Seconds after which an answer counts as withheld; only a failing test waits for them."""
SHARE = THREADS[Side.READERS] // 2
LOOKS = {"effect": "slow", "method": "GET", "path": "/v1/checkout/sessions/*", "seconds": 600, "times": None}
OPENS = {"effect": "slow", "method": "POST", "path": "/v1/checkout/sessions", "seconds": 600, "times": None}


def asked(world: World) -> int:
    """How many calls the slow Stripe has got."""
    return sum(rule["hit"] for rule in world.sandbox.http.get("/_sandbox/faults").json()["faults"])


@contextmanager
def slow(world: World, rule: dict[str, object]) -> Iterator[None]:
    """Stripe answers the rule's requests only at the end of the block."""
    world.sandbox.faults(rule)
    try:
        yield
    finally:
        world.sandbox.faults()


@contextmanager
def hitting(asks: list[Callable[[], httpx.Response]]) -> Iterator[list[Future[httpx.Response]]]:
    """All at once, each on a connection of its own."""
    with ThreadPoolExecutor(len(asks)) as pool:
        yield [pool.submit(ask) for ask in asks]


@contextmanager
def rush(
    world: World, rule: dict[str, object], asks: list[Callable[[], httpx.Response]]
) -> Iterator[list[Future[httpx.Response]]]:
    """The same after Stripe has stopped answering the rule's requests. It answers at the end of the block."""
    with ThreadPoolExecutor(len(asks)) as pool, slow(world, rule):
        yield [pool.submit(ask) for ask in asks]


def answered(hits: list[Future[httpx.Response]], count: int) -> list[httpx.Response]:
    """So many of them, which must come while Stripe is silent."""
    waiting, done = set(hits), set[Future[httpx.Response]]()
    while len(done) < count:
        came, waiting = wait(waiting, TOO_LONG, FIRST_COMPLETED)
        assert came, f"{len(done)} of {count} were answered while Stripe was silent"
        done |= came
    return [each.result() for each in done]


def on_its_own(world: World, browser: Browser, path: str) -> Callable[[], httpx.Response]:
    """Request a page with the browser's cookies, on a separate connection."""
    cookies = {each.name: str(each.value) for each in browser.cookies}

    def ask() -> httpx.Response:
        with http_client(world.url, cookies=cookies, headers={"accept": "text/html"}) as client:
            return client.get(path)

    return ask


def everybody_else_is_answered(world: World) -> None:
    """Pages, probes, the access API and programs with a key all get answers within their time-outs."""
    with http_client(world.url, timeout=TOO_LONG) as client:
        article = world.articles["subscriber"][0]
        for path in ("/", "/sign-in", "/subscribe", "/healthz", f"/v1/access/{article}"):
            assert client.get(path).status_code == 200, path
    assert world.try_trial("app@example.com", "pm_card_visa__77").status_code == 201


def at_the_card_page(world: World) -> tuple[Browser, str]:
    """A browser that was sent to the card page, and its card setup."""
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    browser.open_card_page()
    return browser, str(world.rows("SELECT id FROM card_setup")[0]["id"])


def test_a_card_page_that_is_looked_at_in_a_rush_is_asked_for_once(world: World) -> None:
    browser, setup = at_the_card_page(world)
    look = on_its_own(world, browser, f"/subscribe/back?setup={setup}")
    with rush(world, LOOKS, [look] * HITS) as hits:
        early = answered(hits, HITS - 1)
        assert asked(world) == 1
        everybody_else_is_answered(world)
        assert all("data-waiting=" in each.text for each in early), "each is told to look again"
    assert all(each.result().status_code == 200 for each in hits)
    browser.get("/subscribe/review")
    assert browser.agree_and_pay().path == "/subscribe/started"


def test_many_card_pages_at_once_hold_few_threads(world: World) -> None:
    browser, _ = at_the_card_page(world)
    world.execute(
        "INSERT INTO card_setup SELECT (jsonb_populate_record(s, jsonb_build_object('id', s.id || n,"
        " 'session_ref', s.session_ref || n))).* FROM card_setup s, generate_series(1, :more) n",
        more=HITS - 1,
    )
    setups = [row["id"] for row in world.rows("SELECT id FROM card_setup")]
    looks = [on_its_own(world, browser, f"/subscribe/back?setup={each}") for each in setups]
    places = THREADS[Side.READERS] * PLACES_A_THREAD // 2
    with rush(world, LOOKS, looks) as hits:
        early = answered(hits, HITS - places)
        assert all("data-waiting=" in each.text for each in early), "what has no room looks again by itself"
        until(lambda: asked(world) == SHARE, "the threads of one network address to be taken")
        everybody_else_is_answered(world)
        assert asked(world) == SHARE
    assert {each.result().status_code for each in hits} == {200}


def test_opening_card_pages_has_a_queue_with_an_end(make_world: Callable[..., World]) -> None:
    world = make_world(proxy_count=1)
    browser = world.browser()
    browser.get("/subscribe")
    browser.http.headers["x-forwarded-for"] = "196.25.1.9"
    browser.post("/subscribe", email=EMAIL)
    form = browser.filled("/subscribe/review", consent="yes")

    def agree() -> httpx.Response:
        with http_client(world.url) as client:
            return client.send(httpx.Request("POST", form.url, headers=form.headers, content=form.content))

    with rush(world, OPENS, [agree] * HITS) as hits:
        places = THREADS[Side.READERS] * PLACES_A_THREAD // 2
        early = answered(hits, HITS - places)
        everybody_else_is_answered(world)
        full = [each for each in early if each.status_code == 503]
        assert full
        assert {each.status_code for each in early} <= {503, 429}
        assert {each.headers["retry-after"] for each in full} == {"60"}
        assert all("Nothing was charged and nothing is lost" in each.text for each in full)

        other = world.browser()  # somebody elsewhere comes through all the same
        other.http.headers["x-forwarded-for"] = "41.0.0.7"
        other.get("/subscribe")
        other.post("/subscribe", email="sipho@example.com")
        other.http.follow_redirects = False
        with hitting([lambda: other.http.send(other.filled("/subscribe/review", consent="yes"))]) as [mine]:
            until(lambda: asked(world) == SHARE + 1, "a call of another network address")
            world.sandbox.faults()
            assert mine.result().status_code == 303
    assert sum(each.result().status_code == 303 for each in hits) == places


def test_a_payment_page_that_is_looked_at_in_a_rush_is_asked_for_once(
    world: World, owing: Subscriber
) -> None:
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    page = browser.sent_to("/pay/page")
    [attempt] = world.rows("SELECT id FROM attempt WHERE hosted")
    look = on_its_own(world, browser, f"/pay/back?attempt={attempt['id']}")
    with rush(world, LOOKS, [look] * HITS) as hits:
        early = answered(hits, HITS - 1)
        assert asked(world) == 1
        everybody_else_is_answered(world)
        assert {each.status_code for each in early} == {200}
    assert browser.get(world.sandbox.fill_in(page, "5555555555554444")).path == "/pay"
    assert world.rows("SELECT state FROM attempt WHERE hosted") == [{"state": "charged"}]


def test_a_card_page_is_asked_for_every_few_seconds_and_no_oftener(make_world: Callable[..., World]) -> None:
    world = make_world(return_poll_seconds=3)
    browser, setup = at_the_card_page(world)
    world.sandbox.exchanges.clear()

    def looks() -> int:
        return sum(each["path"].startswith("/v1/checkout/sessions/") for each in world.sandbox.exchanges)

    for _ in range(20):
        browser.get(f"/subscribe/back?setup={setup}")
    assert looks() == 1
    world.advance(seconds=3)
    for _ in range(20):
        browser.get(f"/subscribe/back?setup={setup}")
    assert looks() == 2


def test_who_died_while_asking_holds_up_the_next_question_for_less_than_a_minute(world: World) -> None:
    _, setup = at_the_card_page(world)

    def claims(after: timedelta) -> bool:
        with world.services.database.begin(world.services.site, world.now + after, WORKER) as ctx:
            return return_polls.claim(ctx, CardSetup, setup)

    assert claims(timedelta())
    assert not claims(timedelta(seconds=44))
    assert claims(timedelta(seconds=45))


@pytest.mark.parametrize("path", ["/subscribe/back?setup=set_none", "/pay/back?attempt=att_none"])
def test_looks_at_a_returning_page_are_counted(world: World, path: str) -> None:
    world.browser().get(path)
    [counted] = world.rows("SELECT tries FROM rate_count")
    assert counted == {"tries": 1}
    world.execute("UPDATE rate_count SET tries = 600")
    assert world.browser().get(path).status == 429
