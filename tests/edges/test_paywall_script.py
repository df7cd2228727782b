"""`paywall.js` in Chromium on a static page of another host: what is shown, fetched, and withheld."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from billing.dev.paper.static_page import PAGE
from billing.edges.masthead import Masthead, Who
from billing.web.kit.static_files import STATIC
from tests.support.meter import counted, used_by
from tests.support.publisher import ACCOUNTS, ELSEWHERE, LOCKED, WWW, Answer, sentinels, serve, whole_text
from tests.support.signed_in import session_secret
from tests.support.world import World

MOST_BYTES = 5000
METERED = "the-bridge-that-waited"
NOMSA = "nomsa@example.com"
Visit = Callable[..., BrowserContext]


@dataclass
class Paper:
    """The publisher's site: one static page for everybody, and the text for those whom the Python client lets read."""

    world: World
    masthead: Masthead
    page: bytes
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> Answer:
        path = urlsplit(request.path).path
        self.asked.append(path)
        if path.startswith("/demo/text/"):
            return self._text(path.rpartition("/")[2], request)
        if path == "/static/site.css":
            return 200, {"Content-Type": "text/css"}, (STATIC / "site.css").read_bytes()
        if path in ("/story", "/metered"):
            page = self.page if path == "/story" else self.page.replace(LOCKED.encode(), METERED.encode())
            kept = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "public, max-age=60"}
            return 200, kept, page
        return 404, {}, b""

    def _text(self, article: str, request: BaseHTTPRequestHandler) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = self.masthead.ask(article, Who.of("GET", headers))
        if not found.allowed:
            return 403, {"Cache-Control": "no-store"}, b""
        given = {"Set-Cookie": found.cookies[0]} if found.cookies else {}
        return 200, given | {"Content-Type": "text/html; charset=utf-8"}, whole_text(article).encode()


@dataclass
class Sites:
    """Masthead and the paper, on two hosts of one site."""

    world: World
    paper: Paper
    hosts: dict[str, int]


@pytest.fixture
def sites(make_world: Callable[..., World]) -> Iterator[Sites]:
    world = make_world(public_url=ACCOUNTS, sites=WWW)
    world.once("Nomsa starts a trial", lambda: world.start_trial(NOMSA))
    page = PAGE.read_bytes().replace(b'src="/paywall.js"', f'src="{ACCOUNTS}/paywall.js"'.encode())
    page = page.replace(b'<div class="paywall" data-', b'<div class="paywall" data-masthead-token data-')
    assert b"data-masthead-token data-masthead-text" in page
    paper = Paper(world, Masthead(world.url, timeout=30), page)
    with ExitStack() as ends:
        paper.port = ends.enter_context(serve(paper.answer))
        port = int(world.url.rpartition(":")[2])
        yield Sites(world, paper, {ACCOUNTS: port, WWW: paper.port, ELSEWHERE: paper.port})


def open_page(context: BrowserContext, address: str) -> tuple[Page, list[bytes], list[str]]:
    """The page, every body sent to the browser, and the console's errors."""
    page = context.new_page()
    bodies: list[bytes] = []
    troubles: list[str] = []
    page.on("requestfinished", lambda request: bodies.append(_body(request)))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.add_init_script(
        # what has no node is inside the browser's own player, whose buttons appear with its recording
        "window.moved = []; new PerformanceObserver(list => { for (const one of list.getEntries())"
        " for (const each of one.sources) if (each.node) moved.push(each.node.className || each.node.nodeName); })"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(address)
    return page, bodies, troubles


def _body(request: object) -> bytes:
    try:
        return bytes(request.response().body())  # type: ignore[attr-defined]
    except Exception:
        return b""  # a redirect or a recording has none to show


def state(page: Page, word: str) -> None:
    expect(page.locator("article")).to_have_attribute("data-masthead-state", word)
    expect(page.locator("article")).not_to_have_attribute("aria-busy", "true")


def stands_still(page: Page, word: str) -> None:
    """Assert that nothing moved. A page that moved is checked again: a busy machine may show it half-way through its
    entrance.
    """
    if page.evaluate("moved"):
        page.reload()
        state(page, word)
    assert page.evaluate("moved") == []


def test_it_is_small_and_kept_and_renewed_only_when_it_changed(world: World) -> None:
    http = world.browser().http
    answer = http.get("/paywall.js", headers={"accept-encoding": "identity"})
    assert len(answer.content) < MOST_BYTES
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers
    tag = answer.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = http.get("/paywall.js", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert http.get("/paywall.js", headers={"if-none-match": '"other"'}).status_code == 200
    assert not [piece for piece in sentinels() if piece in answer.text]


def test_only_the_sites_that_are_named_may_ask_for_their_readers(make_world: Callable[..., World]) -> None:
    world = make_world(sites=f"{WWW}, https://m.paper.example")
    http = world.browser().http
    for origin, may in ((WWW, True), ("https://m.paper.example", True), (ELSEWHERE, False), ("null", False)):
        for path in (f"/v1/access/{LOCKED}", f"/v1/audio/{LOCKED}", "/v1/access-token"):
            asked = http.get(path, headers={"origin": origin})
            assert asked.headers["vary"] == "Origin", path
            assert (asked.headers.get("access-control-allow-origin") == origin) is may, (origin, path)
            assert (asked.headers.get("access-control-allow-credentials") == "true") is may
            before = http.options(path, headers={"origin": origin, "access-control-request-method": "GET"})
            assert ("access-control-allow-origin" in before.headers) is may
            assert before.status_code == 204 or not may
        page = http.get("/account", headers={"origin": origin})
        assert "access-control-allow-origin" not in page.headers, "the rest is our own"
    unknown_reader = make_world().browser().http.get(f"/v1/access/{LOCKED}", headers={"origin": WWW})
    assert "access-control-allow-origin" not in unknown_reader.headers


@pytest.mark.browser
def test_a_subscriber_reads_on_another_host_and_a_stranger_gets_no_byte(sites: Sites, visit: Visit) -> None:
    stranger, bodies, troubles = open_page(visit(sites.hosts), f"{WWW}/story")
    state(stranger, "refused")
    expect(stranger.locator(".wall")).to_be_visible()
    expect(stranger.locator("[data-masthead-offer]")).to_have_attribute(
        "href", f"{ACCOUNTS}/?article=the-water-nobody-counted"
    )
    expect(stranger.locator("audio")).to_be_hidden()
    stands_still(stranger, "refused")
    content = stranger.content().encode() + b"".join(bodies)
    assert not [piece for piece in sentinels() if piece.encode() in content]
    assert not [path for path in sites.paper.asked if path.startswith("/demo/text/")], "nor even asked for"
    assert troubles == []

    context = visit(sites.hosts, session=session_secret(sites.world, NOMSA))
    page, bodies, troubles = open_page(context, f"{WWW}/story")
    state(page, "allowed")
    expect(page.locator(".paywall")).to_contain_text(sentinels()[0])
    expect(page.locator(".wall")).to_be_hidden()
    expect(page.locator("[data-masthead-when=trial]")).to_be_visible()
    stands_still(page, "allowed")
    script = next(body for body in bodies if b"data-masthead" in body and b"fetch(" in body)
    assert not [piece for piece in sentinels() if piece.encode() in script + sites.paper.page]
    _listen(sites, page)
    assert troubles == []


def test_a_newsletters_link_takes_its_issue_along_to_the_offer(sites: Sites, visit: Visit) -> None:
    stranger, _, _ = open_page(visit(sites.hosts), f"{WWW}/story?issue=iss_0123abc")
    state(stranger, "refused")
    expect(stranger.locator("[data-masthead-offer]")).to_have_attribute(
        "href", f"{ACCOUNTS}/?article={LOCKED}&issue=iss_0123abc"
    )


def _listen(sites: Sites, page: Page) -> None:
    """The player's address expires after five minutes. The player gets another and continues at the same place."""
    audio = page.locator("audio")
    expect(audio).to_be_visible()
    page.wait_for_function(
        "one => one.src", arg=audio.element_handle()
    )  # it is asked for once the player is there
    first = audio.evaluate("one => one.src")
    assert first.startswith(f"{ACCOUNTS}/listen/")
    sites.world.advance(hours=1)
    received = audio.evaluate(
        """async audio => {
            audio.muted = true;
            audio.currentTime = 7;
            audio.play().catch(() => {});
            await new Promise(done => { audio.ontimeupdate = () => audio.currentTime > 7.3 && done(); setTimeout(done, 20000); });
            audio.pause();
            return [audio.currentTime, audio.src, audio.error && audio.error.message];
        }"""
    )
    assert received[2] is None
    assert 7 < received[0] < 12
    assert received[1] != first


@pytest.mark.browser
def test_from_another_site_no_cookie_comes_along_so_it_stays_closed(sites: Sites, visit: Visit) -> None:
    context = visit(sites.hosts, session=session_secret(sites.world, NOMSA))
    page, bodies, _ = open_page(context, f"{ELSEWHERE}/story")
    state(page, "away")
    expect(page.locator(".wall")).to_be_visible()
    assert not [piece for piece in sentinels() if piece.encode() in b"".join(bodies)]


@pytest.mark.browser
def test_without_scripts_the_beginning_and_the_offer_remain(sites: Sites, visit: Visit) -> None:
    page = visit(sites.hosts, java_script_enabled=False).new_page()
    page.goto(f"{WWW}/story")
    expect(page.locator(".story-lead")).to_be_visible()
    expect(page.locator("[data-masthead-offer]")).to_be_visible()
    expect(page.locator("audio")).to_be_hidden()
    assert not [piece for piece in sentinels() if piece in page.content()]


@pytest.mark.browser
def test_nothing_counts_until_somebody_looks(sites: Sites, visit: Visit) -> None:
    """A prerendered page sends no request. Once it is shown, it sends one and is counted once."""
    context = visit(sites.hosts)
    page = context.new_page()
    page.add_init_script(
        "window.ahead = true; Object.defineProperty(document, 'prerendering', {get: () => window.ahead, configurable: true})"
    )
    page.goto(f"{WWW}/metered")
    expect(page.locator("article")).to_have_attribute("data-masthead-state", "asking")
    expect(page.locator(".wall")).to_be_visible()
    assert counted(sites.world) == []
    page.evaluate("window.ahead = false; document.dispatchEvent(new Event('prerenderingchange'))")
    state(page, "allowed")
    expect(page.locator("[data-masthead-when=meter]")).to_be_hidden()
    page.reload()
    page.evaluate("window.ahead = false; document.dispatchEvent(new Event('prerenderingchange'))")
    state(page, "allowed")
    [visitor] = [one for one in context.cookies() if one["name"].endswith("masthead-visitor")]
    assert used_by(sites.world, f"{visitor['name']}={visitor['value']}") == 1
    assert sites.world.rows("SELECT 1 FROM meter_month") == []
