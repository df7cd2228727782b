"""Attacks by Host, by redirect targets and by line breaks have no effect."""

import httpx
import pytest

from tests.support.table_contents import changed, contents
from tests.support.world import World

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    " https://evil.example",
    "",
    "account",
]
BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\u2028", "\x85"]


def stays_here(location: str, world: World) -> bool:
    """Where a browser would go, by the rules of addresses; tabs and line breaks it leaves out first."""
    cleaned = "".join(letter for letter in location if letter not in "\t\r\n").replace("\\", "/")
    return str(httpx.URL(world.url).join(cleaned)).startswith(f"{world.url}/")


@pytest.mark.parametrize("back", ELSEWHERE)
def test_the_clock_of_the_demo_sends_nobody_elsewhere(world_of_demo: World, back: str) -> None:
    world, browser = world_of_demo, world_of_demo.browser()
    csrf = browser.get("/sign-in").text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = browser.http.post(
        "/demo/clock",
        data={"csrf": csrf, "to": "next", "back": back},
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert stays_here(answer.headers["location"], world), answer.headers["location"]


def test_the_way_back_from_the_card_page_leads_to_our_own_pages(world_of_demo: World) -> None:
    for query in ("setup=https://evil.example", "setup=//evil.example", "setup=x&next=https://evil.example"):
        answer = httpx.get(f"{world_of_demo.url}/subscribe/back?{query}", trust_env=False)
        assert answer.status_code == 404
        assert "location" not in answer.headers


def test_links_in_mails_and_redirects_do_not_trust_the_host_header(world: World) -> None:
    browser = world.browser()
    browser.http.headers.update(
        {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    )
    browser.get("/sign-in")
    world.start_trial("thandi@example.com")
    browser.http.follow_redirects = False
    answer = browser.post("/sign-in", email="thandi@example.com")
    assert answer.response.headers["location"] == "/sign-in/sent"
    world.settle()
    for letter in world.letters("thandi@example.com"):
        assert "evil.example" not in letter.raw.decode()
        assert all(link.startswith((world.url, "mailto:", "tel:")) for link in letter.links)
    for path in (
        "/",
        "/articles",
        "/account",
        "/account/",
        "/articles/",
        "/sign-in/",
        "//evil.example",
        "//evil.example/..",
    ):
        reply = browser.http.request("GET", httpx.URL(world.url + path))
        assert "evil.example" not in reply.text, path
        assert "evil.example" not in reply.headers.get("location", ""), path


@pytest.mark.parametrize("broken", BREAKS)
def test_no_address_adds_a_line_to_a_mail(world: World, broken: str) -> None:
    """H13: header injection by way of the mail address, on every way in."""
    addresses = [
        f"a{broken}Bcc: everyone@example.com@example.com",
        f"a@example.com{broken}Bcc: everyone@example.com",
        f'"a{broken}b"@example.com',
        f"a@exam{broken}ple.com",
    ]
    before, browser = contents(world, but=("rate_count",)), world.browser()
    for address in addresses:
        assert world.try_trial(address).status_code == 422
        for path in ("/sign-in", "/subscribe"):
            browser.get(path)
            page = browser.post(path, email=address)
            assert page.status == 422, page.words
            assert "email address" in page.words
    assert changed(before, contents(world, but=("rate_count",))) == []
    world.settle()
    assert world.letters() == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "a",
        "@",
        "a@",
        "@b.example",
        "a@b",
        "a@@b.example",
        "a b@example.com",
        "a@[127.0.0.1]",
        "a@example.com,b@example.com",
        "<a@example.com>",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
        "☃@example.com",
        "a@-example.com",
        "a@example.com>",
        "%0d%0a@example.com@",
    ],
)
def test_what_is_no_address_is_refused_and_nothing_is_written(world_of_demo: World, address: str) -> None:
    world = world_of_demo
    before, browser = contents(world, but=("rate_count",)), world.browser()
    assert world.try_trial(address).status_code == 422
    browser.get("/subscribe")
    assert browser.post("/subscribe", email=address).status == 422
    assert changed(before, contents(world, but=("rate_count",))) == []


def test_a_subscriber_with_an_odd_but_true_address_gets_one_mail_to_it(world: World) -> None:
    for number, address in enumerate(
        ("o'hara+paper@example.com", "x_y-z.1@sub.example.com", "t{e}s|t~@example.com")
    ):
        world.start_trial(address, f"pm_card_visa__{number}")
    world.settle()
    assert sorted(letter.recipient for letter in world.letters()) == sorted(
        ["o'hara+paper@example.com", "x_y-z.1@sub.example.com", "t{e}s|t~@example.com"]
    )


def test_what_a_reader_types_is_shown_as_typed_and_never_runs(world_of_demo: World) -> None:
    browser = world_of_demo.browser()
    for path, field in (("/sign-in", "email"), ("/subscribe", "email")):
        browser.get(path)
        page = browser.post(path, **{field: '"><script>alert(1)</script>@x'})
        assert "<script>alert(1)" not in page.text
        assert "&lt;script&gt;" in page.text


def test_the_devices_name_can_not_write_into_the_page_or_the_mail(world: World) -> None:
    browser, other = world.browser(), world.browser()
    browser.start("thandi@example.com")
    other.http.headers["user-agent"] = "<img src=x onerror=alert(1)>" + "x" * 2_000
    other.sign_in("thandi@example.com")
    world.settle()
    assert "<img src=x" not in other.get("/account").text
    assert all("<img src=x" not in letter.html for letter in world.letters())
