"""What search engines, feed readers and link previews get of articles, and what a proved crawler gets."""

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from warnings import catch_warnings, simplefilter
from xml.etree import ElementTree as ET

import httpx
import pytest

with catch_warnings():
    simplefilter("ignore")  # starlette would rather have a client that this repository doesn't install
    from starlette.testclient import TestClient

from billing.dev.demo_app import create_demo_app
from billing.dev.paper.googlebot import ProofByNames
from billing.dev.paper.googlebot_rules import IpAddress
from billing.dev.paper.sample_articles import SampleArticle, sample_articles
from billing.rules.robots import CLOSED_PATHS, OPEN_PATHS
from tests.support.http_client import http_client
from tests.support.meter import used_by
from tests.support.robots_reader import may
from tests.support.routes import fastapi_of, routes
from tests.support.signed_in import in_trial_by_pages
from tests.support.world import World

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GOOGLES, SPOOFED = "66.249.66.1", "198.51.100.7"
NAME = "crawl-66-249-66-1.googlebot.com"
LOCKED = next(article for article in sample_articles() if article.teaser.audio)
METERED = next(article for article in sample_articles() if article.teaser.access == "metered")
PATH = f"/articles/{LOCKED.teaser.id}"
ATOM, SITEMAP, NEWS = (
    "{http://www.w3.org/2005/Atom}",
    "{http://www.sitemaps.org/schemas/sitemap/0.9}",
    "{http://www.google.com/schemas/sitemap-news/0.9}",
)


class Zone:
    """Google's address, and one whose owner calls it by Google's name."""

    def names_of(self, address: IpAddress) -> list[str]:
        return [NAME] if str(address) in (GOOGLES, SPOOFED) else []

    def addresses_of(self, name: str) -> list[IpAddress]:
        return [ip_address(GOOGLES)] if name == NAME else []


class Hanging(Zone):
    """One that doesn't answer until its gate opens."""

    def __init__(self) -> None:
        self.gate, self.reached = threading.Event(), threading.Event()

    def names_of(self, address: IpAddress) -> list[str]:
        self.reached.set()
        self.gate.wait(60)
        return []


def described(page: str) -> dict[str, object]:
    return dict(json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)[0]))


def meta(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta property="([^"]+)" content="([^"]*)">', page))


def reads_whole(page: str, article: SampleArticle = LOCKED) -> bool:
    text = page.replace("&#39;", "'").replace("&amp;", "&")
    last = article.paragraphs[-1].text
    return last[len(last) // 3 : len(last) // 3 + 40] in text


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(make_world: Callable[..., World]) -> Ask:
    """`ask(path, ip)`, as Googlebot, where the option is on and the name system is `Zone`; `via`: behind a trusted proxy."""
    world = make_world(crawlers="dns")
    apps = {
        count: create_demo_app(
            replace(world.services, settings=world.settings.model_copy(update={"proxy_count": count})),
            ProofByNames(Zone()),
        )
        for count in (0, 1)
    }

    def get(path: str, ip: str, *, via: str = "", device: str = GOOGLEBOT, **headers: str) -> httpx.Response:
        client = TestClient(apps[1 if via else 0], base_url=world.url, client=(via or ip, 1))
        lines = [("user-agent", device), *headers.items()]
        return client.get(path, headers=lines, follow_redirects=False)  # type: ignore[no-any-return]

    return get


def test_googlebot_reads_whole_articles_once_its_address_has_proved_it(ask: Ask) -> None:
    whole, teaser = ask(PATH, GOOGLES), ask(PATH, SPOOFED)
    assert reads_whole(whole.text)
    assert not reads_whole(teaser.text), "a name that leads elsewhere"
    for answer in (whole, teaser):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert "etag" not in answer.headers
        assert "<audio" not in answer.text
        assert "noindex" not in answer.text
    assert described(whole.text) == described(teaser.text), "the lead and the whole carry the same"
    assert meta(whole.text) == meta(teaser.text)
    for answer in (whole, teaser):
        assert re.search(r'class="[^"]*\bpaywall\b', answer.text), "what the selector names is there"
    assert reads_whole(ask(f"/articles/{METERED.teaser.id}", GOOGLES).text, METERED)
    assert ask("/v1/audio/the-water-nobody-counted", GOOGLES).status_code == 403
    assert not reads_whole(ask(f"{PATH}/print", GOOGLES).text), "one form of it is enough"


def test_nobody_else_does(ask: Ask) -> None:
    for device in (
        "Mozilla/5.0 Chrome/141.0",
        "AdsBot-Google (+http://www.google.com/adsbot.html)",
        "Mediapartners-Google",
        "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
        "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
        "Mozilla/5.0 (compatible; Google-Read-Aloud)",
        "GoogleOther",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
    ):
        assert not reads_whole(ask(PATH, GOOGLES, device=device).text), device
    assert not reads_whole(ask(PATH, "203.0.113.80").text)
    assert not reads_whole(ask(PATH, "not an address").text)


def test_behind_a_proxy_it_is_the_address_that_the_proxy_tells(ask: Ask) -> None:
    proxy = "10.0.0.9"

    def whole(*forwarded: str) -> bool:
        client = {"via": proxy}
        if len(forwarded) == 1:
            return reads_whole(ask(PATH, proxy, **client, **{"x-forwarded-for": forwarded[0]}).text)
        return reads_whole(ask(PATH, proxy, **client).text)

    assert whole(GOOGLES)
    assert whole(f"203.0.113.80, {GOOGLES}")
    assert not whole(f"{GOOGLES}, 203.0.113.80"), "what the caller wrote before it counts for nothing"
    assert not whole()
    direct = ask(
        PATH,
        "203.0.113.80",
        **{"x-forwarded-for": GOOGLES, "forwarded": f"for={GOOGLES}", "x-real-ip": GOOGLES},
    )
    assert not reads_whole(direct.text), "no proxy is trusted that isn't there"


def test_a_name_system_that_hangs_holds_nobody_up(make_world: Callable[..., World]) -> None:
    """More requests claim to be Googlebot than there are threads. Readers are still answered."""
    world, zone = make_world(crawlers="dns", proxy_count=1), Hanging()
    proof = fastapi_of(world.app).state.googlebot
    assert isinstance(proof, ProofByNames)
    proof.names, proof.patience = zone, 300  # at the port, and waiting as if for ever

    def as_googlebot(number: int) -> httpx.Response:
        headers = {"user-agent": GOOGLEBOT, "x-forwarded-for": f"66.249.64.{number}"}
        with http_client(world.url) as http:
            return http.get(PATH, headers=headers)

    with ThreadPoolExecutor(60) as crowd:
        asked = [crowd.submit(as_googlebot, number) for number in range(60)]
        assert zone.reached.wait(30)
        person = httpx.get(f"{world.url}{PATH}", trust_env=False, timeout=60)
        assert (person.status_code, "The rest is for subscribers" in person.text) == (200, True)
        assert not zone.gate.is_set(), "nobody had answered by then"
        zone.gate.set()
        assert not any(reads_whole(each.result().text) for each in asked)


def test_off_is_off(world: World) -> None:
    """By default a crawler gets the teaser at any address."""
    app = create_demo_app(world.services)
    client = TestClient(app, base_url=world.url, client=(GOOGLES, 1))
    assert not reads_whole(client.get(PATH, headers={"user-agent": GOOGLEBOT}).text)


def test_an_article_describes_itself_and_keeps_its_text(world: World) -> None:
    browser = world.browser()
    page = browser.get(f"{PATH}?utm_source=x").text
    found, tags = described(page), meta(page)
    assert found["@type"] == "NewsArticle"
    assert found["isAccessibleForFree"] is False
    assert found["hasPart"] == {
        "@type": "WebPageElement",
        "isAccessibleForFree": False,
        "cssSelector": ".paywall",
    }
    assert found["datePublished"] == "2026-11-22T06:00:00+00:00"
    assert f'<link rel="canonical" href="{world.url}{PATH}">' in page
    assert (tags["og:url"], tags["og:type"], tags["article:content_tier"]) == (
        f"{world.url}{PATH}",
        "article",
        "locked",
    )
    assert tags["og:description"].startswith(LOCKED.teaser.lead[:30])
    assert "noindex" not in page
    free = browser.get(f"/articles/{world.articles['free'][0]}").text
    assert (described(free)["isAccessibleForFree"], "hasPart" in described(free)) == (True, False)
    assert (meta(free)["article:content_tier"], "paywall" in free) == ("free", False)


def test_other_forms_of_an_article_are_not_for_search_engines(world: World) -> None:
    reader = in_trial_by_pages(world)
    mine, printed = reader.get(PATH), reader.get(f"{PATH}/print")
    lead = world.browser().get(f"{PATH}/print")
    assert reads_whole(printed.text)
    assert not reads_whole(lead.text)
    assert "The rest is for subscribers" in lead.words
    for page in (mine, printed, lead, reader.get("/account"), reader.get("/articles")):
        assert page.response.headers["x-robots-tag"] == "noindex", page.path
        assert page.response.headers["cache-control"] == "private, no-store"
    for page in (mine, printed, lead):
        assert f'<link rel="canonical" href="{world.url}{PATH}">' in page.text
        assert '<meta name="robots" content="noindex">' in page.text


def test_printing_counts_as_reading_the_article_and_only_once(world: World) -> None:
    browser, path = world.browser(), f"/articles/{METERED.teaser.id}"
    ahead = browser.http.get(f"{path}/print", headers={"sec-purpose": "prefetch"})
    assert (ahead.status_code, ahead.content) == (503, b"")
    assert reads_whole(browser.get(f"{path}/print").text, METERED)
    browser.get(path)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    assert used_by(world, cookies) == 1


def test_feed_and_sitemaps_list_what_is_published_with_its_lead_alone(world: World) -> None:
    later = sample_articles()[3].teaser.id
    with world.services.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE article SET published_at = '2027-03-02T00:00:00Z' WHERE id = %s", (later,)
        )
    http = world.browser().http
    feed, everything, news = (
        ET.fromstring(http.get(path).content) for path in ("/feed.xml", "/sitemap.xml", "/sitemap-news.xml")
    )
    ours = {f"{world.url}/articles/{article.teaser.id}" for article in sample_articles()}
    ours -= {f"{world.url}/articles/{later}"}
    entries = feed.findall(f"{ATOM}entry")
    assert {entry.findtext(f"{ATOM}id") for entry in entries} == ours
    assert [link.get("href") for link in feed.findall(f"{ATOM}link")] == [
        f"{world.url}/feed.xml",
        f"{world.url}/articles",
    ]
    for entry in entries:
        article = next(
            one for one in sample_articles() if (entry.findtext(f"{ATOM}id") or "").endswith(one.teaser.id)
        )
        assert entry.findtext(f"{ATOM}summary") == article.teaser.lead
        assert entry.find(f"{ATOM}content") is None
    locs = {url.findtext(f"{SITEMAP}loc") for url in everything.findall(f"{SITEMAP}url")}
    assert locs == ours | {
        f"{world.url}{path}" for path in ("/", "/articles", "/newsletters", "/who-charged-me", "/contact")
    }
    fresh = [url.findtext(f"{SITEMAP}loc") for url in news.findall(f"{SITEMAP}url")]
    assert fresh == [f"{world.url}/articles/snow-closes-the-pass"]
    assert news.find(f".//{NEWS}publication/{NEWS}name").text == "The Swartberg Post"  # type: ignore[union-attr]
    world.advance(days=2, seconds=1)
    known = ET.fromstring(http.get("/sitemap-news.xml").content)
    assert [url.findtext(f"{SITEMAP}loc") for url in known.findall(f"{SITEMAP}url")] == [
        f"{world.url}/articles/{later}"
    ]


def test_they_are_for_caches_to_keep_and_set_no_cookie(world: World) -> None:
    with httpx.Client(base_url=world.url, trust_env=False) as http:
        for path, kind in (
            ("/robots.txt", "text/plain; charset=utf-8"),
            ("/feed.xml", "application/atom+xml; charset=utf-8"),
            ("/sitemap.xml", "application/xml; charset=utf-8"),
            ("/sitemap-news.xml", "application/xml; charset=utf-8"),
        ):
            answer = http.get(path, headers={"cookie": "masthead-session=x"})
            assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
            assert answer.headers["cache-control"] == "public, max-age=300"
            assert "set-cookie" not in answer.headers
            again = http.get(path, headers={"if-none-match": f'"x", {answer.headers["etag"]}'})
            assert (again.status_code, again.content) == (304, b"")


def test_robots_txt_follows_the_settings_and_the_licence_is_there_where_it_is_named(
    make_world: Callable[..., World],
) -> None:
    plain = make_world()
    text = plain.browser().http.get("/robots.txt").text
    assert "License:" not in text
    assert not may(text, "GPTBot", "/articles")
    assert may(text, "Googlebot", PATH)
    assert f"Sitemap: {plain.url}/sitemap-news.xml" in text
    assert plain.browser().http.get("/license.xml").status_code == 404

    own = make_world(license="own", refused_crawlers="training, answers")
    text = own.browser().http.get("/robots.txt").text
    assert text.startswith(f"License: {own.url}/license.xml\n")
    assert not may(text, "PerplexityBot", "/articles")
    answer = own.browser().http.get("/license.xml")
    assert answer.headers["content-type"] == "application/rsl+xml; charset=utf-8"
    rsl = ET.fromstring(answer.content)
    space = "{https://rslstandard.org/rsl}"
    assert rsl.tag == f"{space}rsl"
    content = rsl.find(f"{space}content")
    assert content is not None
    assert content.get("url") == "/"
    terms = {
        each.tag.removeprefix(space): (each.get("type"), each.text)
        for each in content.find(f"{space}license") or ()
    }
    assert terms == {"permits": ("usage", "search"), "prohibits": ("usage", "ai-input ai-train")}

    elsewhere = make_world(license="https://paper.example/terms.xml", refused_crawlers="")
    text = elsewhere.browser().http.get("/robots.txt").text
    assert text.startswith("License: https://paper.example/terms.xml\n")
    assert may(text, "GPTBot", "/articles")


def test_every_address_is_either_for_crawlers_or_in_a_room_that_is_not(world: World) -> None:
    text = world.browser().http.get("/robots.txt").text
    for route in routes(world):
        if route.method == "GET" and not route.path.startswith(("/.well-known/", "/paywall.js")):
            assert may(text, "Googlebot", route.at()) is (route.path in OPEN_PATHS), route
    assert all(not may(text, "Googlebot", room.replace("*", "x")) for room in CLOSED_PATHS)
    assert timedelta(seconds=world.settings.shared_seconds) <= timedelta(minutes=5)
