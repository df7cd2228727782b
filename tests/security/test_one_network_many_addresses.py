"""One network with more addresses than readers, and one mailbox with many spellings (SEC-8)."""

import ast
from collections.abc import Callable

import pytest

from billing.web.api import access
from billing.web.reader import start_shared
from tests.support.architecture.sources import sources
from tests.support.browser import Browser
from tests.support.newsroom import Newsroom
from tests.support.world import World

COUNTS = {f"billing.readers.rate.{name}" for name in ("add", "count", "counted")}


@pytest.fixture
def behind_proxy(make_world: Callable[..., World]) -> World:
    """Masthead, with newsletters, behind a proxy that forwards each request's address."""
    return Newsroom(make_world(proxy_count=1)).world


def from_network(world: World, address: str) -> Browser:
    browser = world.browser()
    browser.http.headers["x-forwarded-for"] = address
    return browser


def asks(world: World, address: str, email: str) -> int:
    browser = from_network(world, address)
    browser.get("/sign-in")
    return browser.post("/sign-in", email=email).status


def signs_up(world: World, address: str, email: str) -> int:
    browser = from_network(world, address)
    browser.get("/newsletters")
    return browser.post("/newsletters", newsletter=["first-light"], email=email).status


def returns(world: World, address: str) -> int:
    return from_network(world, address).get("/subscribe/back?setup=set_unknown").status


def asks_for_many(world: World, address: str) -> int:
    http = from_network(world, address).http
    return http.post("/v1/access", json={"articles": ["art_unknown"]}).status_code


@pytest.mark.parametrize(
    ("limit", "ask"), [((start_shared, "MOST_RETURNS"), returns), ((access, "MOST_ASKED"), asks_for_many)]
)
def test_addresses_of_one_customer_return_and_ask_together(
    behind_proxy: World,
    monkeypatch: pytest.MonkeyPatch,
    limit: tuple[object, str],
    ask: Callable[[World, str], int],
) -> None:
    monkeypatch.setattr(*limit, 3)
    seen = [ask(behind_proxy, f"2001:db8:1:2::{n:x}") for n in range(1, 6)]
    assert seen == [404] * 3 + [429] * 2
    assert ask(behind_proxy, "41.0.0.1") == 404


def test_no_network_address_is_counted_alone() -> None:
    """Each limit of a network goes through `rate.count_network`, which groups the addresses of one customer."""
    alone = [
        f"{source.module}:{line}"
        for source in sources()
        for line, name, call in source.calls
        if name in COUNTS
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
        for part in ast.walk(given)
        if getattr(part, "attr", getattr(part, "id", None)) == "ip"
    ]
    assert alone == []


@pytest.mark.parametrize(
    "written",
    [
        "2001:db8:1:2::{:x}",
        "[2001:db8:1:2::{:x}]:443",
        "196.25.1.9:{}",
        "::ffff:196.25.1.9:{}",
        "_hidden{}",
        "unknown{}",
    ],
)
def test_a_customer_is_one_however_its_address_is_written(behind_proxy: World, written: str) -> None:
    seen = [asks(behind_proxy, written.format(50_000 + n), f"reader{n}@example.com") for n in range(21)]
    assert seen == [200] * 20 + [429]
    assert asks(behind_proxy, "41.0.0.1", "else@example.com") == 200


def test_a_site_has_more_than_a_customer_and_not_without_end(behind_proxy: World) -> None:
    asks(behind_proxy, "2001:db8:1:1::1", "first@example.com")
    behind_proxy.execute("UPDATE rate_count SET tries = 200")
    assert asks(behind_proxy, "2001:db8:1:2::1", "second@example.com") == 429
    assert asks(behind_proxy, "2001:db8:2:1::1", "third@example.com") == 200


def test_no_network_closes_newsletter_sign_up_for_the_world(behind_proxy: World) -> None:
    """After any requests in the hour, a visitor from elsewhere gets a mail within half an hour."""
    assert signs_up(behind_proxy, "2001:db8:1:2::1", "bot@example.com") == 200
    behind_proxy.execute("UPDATE rate_count SET tries = 100000")
    assert signs_up(behind_proxy, "2001:db8:1:2::2", "more@example.com") == 429
    assert signs_up(behind_proxy, "41.0.0.1", "reader@example.com") == 200
    assert behind_proxy.subjects("reader@example.com") == []
    behind_proxy.advance(minutes=31)
    assert len(behind_proxy.letters("reader@example.com")) == 1


def test_above_the_cap_a_network_has_one_an_hour(behind_proxy: World) -> None:
    signs_up(behind_proxy, "41.0.0.1", "bot@example.com")
    behind_proxy.execute("UPDATE rate_count SET tries = 100000")
    assert signs_up(behind_proxy, "41.0.0.2", "one@example.com") == 200
    assert signs_up(behind_proxy, "41.0.0.2", "two@example.com") == 429
    assert signs_up(behind_proxy, "2001:db8:3:3::1", "three@example.com") == 200
    assert signs_up(behind_proxy, "2001:db8:3:3::2", "four@example.com") == 429
    assert signs_up(behind_proxy, "41.0.0.3", "five@example.com") == 200


@pytest.mark.parametrize("ask", [asks, signs_up])
def test_spellings_of_one_mailbox_share_its_mails(
    behind_proxy: World, ask: Callable[[World, str, str], int]
) -> None:
    for n in range(9):
        ask(behind_proxy, f"41.0.0.{n}", f"th.andi+{n}@gmail.com" if n % 2 else f"T.handi+{n}@googlemail.com")
    behind_proxy.settle()
    assert len(behind_proxy.letters()) == (5 if ask is asks else 1)


def test_spellings_of_one_mailbox_share_its_requests(behind_proxy: World) -> None:
    seen = []
    for n in range(6):
        browser = from_network(behind_proxy, f"41.0.0.{n}")
        browser.get("/contact")
        seen.append(
            browser.post("/contact", kind="other", email=f"thandi+{n}@example.com", words="Hello").status
        )
    assert seen == [200] * 5 + [429]


def test_a_reader_who_is_signed_in_can_write_whatever_strangers_do(behind_proxy: World) -> None:
    """Five requests by strangers with the reader's address don't use up the reader's own."""
    reader = from_network(behind_proxy, "41.0.0.1")
    reader.sign_in("thandi@example.com")
    for n in range(6):
        browser = from_network(behind_proxy, f"41.0.1.{n}")
        browser.get("/contact")
        browser.post("/contact", kind="other", email="thandi@example.com", words="Hello")
    reader.get("/contact")
    assert reader.post("/contact", kind="cancel", words="").status == 200


def test_what_the_evidence_keeps_is_an_address(behind_proxy: World) -> None:
    browser = from_network(behind_proxy, "[2001:DB8::9]:4711")
    browser.get("/contact")
    browser.post("/contact", kind="other", email="thandi@example.com", words="Hello")
    assert behind_proxy.rows("SELECT ip FROM reader_request") == [{"ip": "2001:db8::9"}]
