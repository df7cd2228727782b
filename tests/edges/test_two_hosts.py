"""Accounts and articles on separate hosts, over TLS, behind the sample nginx, in Chromium. The articles' host
recognises its reader and never gets the session (SEC-5, v5.0.0-3.5.4).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from billing.web.kit.static_files import STATIC
from tests.edges.edge import NOMSA, start_trials
from tests.edges.nginx_front import NGINX, Nginx, nginx_front
from tests.edges.paper import METERED
from tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from tests.support.meter import counted
from tests.support.publisher import LOCKED, Answer, sentinels, whole_text
from tests.support.signed_in import session_secret
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]
REGISTERED, GIVEN = "the-school-on-platform-two", "reeds-below-the-drift"
ACCOUNTS, WWW = "https://accounts.paper.example", "https://www.paper.example"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{article}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/site.css">
<script src="{accounts}/paywall.js" async></script>
<body class="reading"><main id="main"><article class="story" data-masthead-article="{article}">{body}</article></main>"""
BEGINNING = """<h1>The beginning</h1><p class="story-lead">Everybody may read this much.</p>
<section class="wall" data-masthead-when="refused" data-masthead-token="reload"><h2>The rest is for subscribers</h2>
<p class="actions"><a class="button" data-masthead-offer href="{accounts}/">See the offer</a></p></section>"""
WHOLE = '<h1>The whole</h1><div class="paywall" data-masthead-token>{text}</div>'
Visit = Callable[..., BrowserContext]


@dataclass
class Paper:
    """Two pages for each article, made by the publisher's server. It records requests and their cookies."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, request: BaseHTTPRequestHandler) -> Answer:
        """The whole where nginx says that it is open."""
        path, reason = urlsplit(request.path).path, request.headers.get("x-masthead-access", "")
        self.asked.append((f"{path} {reason}".strip(), request.headers.get("cookie", "")))
        if path == "/site.css":
            return 200, {"Content-Type": "text/css"}, (STATIC / "site.css").read_bytes()
        article = path.rpartition("/")[2]
        body = WHOLE.format(text=text_of(article)) if reason else BEGINNING.format(accounts=ACCOUNTS)
        page = PAGE.format(accounts=ACCOUNTS, article=article, body=body)
        return 200, {"Content-Type": "text/html; charset=utf-8"}, page.encode()

    def shown(self, article: str) -> list[str]:
        """The reason of each whole page, empty for a teaser."""
        return [
            asked.partition(" ")[2] for asked, _ in self.asked if asked.startswith(f"/articles/{article}")
        ]


@dataclass
class Sites:
    """Masthead and the paper, on two hosts of one site."""

    world: World
    paper: Paper
    edge: Nginx
    proxy: FaultyProxy
    """Between nginx and Masthead."""

    @property
    def hosts(self) -> dict[str, int]:
        """Where Chromium finds them."""
        return {ACCOUNTS: self.edge.port, WWW: self.edge.port}


@contextmanager
def sites_of(world: World, folder: Path, *, can_fail: bool) -> Iterator[Sites]:
    """`can_fail`: Masthead is reached through the proxy, which forwards one cookie an answer."""
    start_trials(world)
    paper = Paper()
    with (
        faulty_proxy(world) as proxy,
        nginx_front(world, proxy, folder, pages=paper, masthead="" if can_fail else world.url) as edge,
    ):
        yield Sites(world, paper, edge, proxy)


@pytest.fixture
def sites(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Sites]:
    with sites_of(make_world(public_url=ACCOUNTS, sites=WWW), tmp_path, can_fail=False) as found:
        yield found


@pytest.fixture
def failing_sites(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Sites]:
    with sites_of(make_world(public_url=ACCOUNTS, sites=WWW), tmp_path, can_fail=True) as found:
        yield found


def text_of(article: str) -> str:
    return "<p>Given away.</p>" if article == GIVEN else whole_text(article)


def state(page: Page, word: str) -> None:
    expect(page.locator("article")).to_have_attribute("data-masthead-state", word)
    expect(page.locator("article")).not_to_have_attribute("aria-busy", "true")


def cookies(context: BrowserContext, host: str) -> dict[str, str]:
    return {str(each.get("name")): str(each.get("value")) for each in context.cookies(host)}


def test_a_reader_who_is_signed_in_at_accounts_reads_the_servers_own_pages(
    sites: Sites, visit: Visit
) -> None:
    context = visit(sites.hosts, session=session_secret(sites.world, NOMSA), ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{WWW}/articles/{LOCKED}")
    expect(page.locator("h1")).to_have_text("The whole")
    state(page, "allowed")
    assert sentinels()[0] in page.content()
    assert sites.paper.shown(LOCKED) == ["", "trial"], "the beginning, then a token, then the whole"
    assert set(cookies(context, WWW)) == {"__Host-masthead-token"}
    page.goto(f"{WWW}/articles/{METERED}")
    expect(page.locator("h1")).to_have_text("The whole")
    assert sites.paper.shown(METERED) == ["trial"], "whole at once, as the server knows its reader now"
    sites.world.advance(minutes=6)
    page.goto(f"{WWW}/articles/{REGISTERED}")
    expect(page.locator("h1")).to_have_text("The whole")
    assert sites.paper.shown(REGISTERED) == ["", "trial"], "a stale token is renewed"
    assert not [sent for _, sent in sites.paper.asked if "session" in sent], (
        "which no server of the paper's ever gets"
    )


def test_a_stranger_sees_the_wall_and_no_byte_more(sites: Sites, visit: Visit) -> None:
    context = visit(sites.hosts, ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{WWW}/articles/{LOCKED}")
    state(page, "refused")
    expect(page.locator(".wall")).to_be_visible()
    expect(page.locator("[data-masthead-offer]")).to_have_attribute("href", f"{ACCOUNTS}/?article={LOCKED}")
    assert not [piece for piece in sentinels() if piece in page.content()]
    assert cookies(context, WWW) == {}
    page.goto(f"{WWW}/articles/{METERED}")
    state(page, "allowed")
    assert set(cookies(context, WWW)) == {"__Host-masthead-visitor"}, "counted on the paper's own host"
    assert counted(sites.world) == [], "the first reading stays in the cookie"


def test_signing_out_at_accounts_ends_reading_at_the_paper(sites: Sites, visit: Visit) -> None:
    context = visit(sites.hosts, session=session_secret(sites.world, NOMSA), ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{WWW}/articles/{LOCKED}")
    expect(page.locator("h1")).to_have_text("The whole")
    account = context.new_page()
    account.goto(f"{ACCOUNTS}/account")
    account.get_by_role("button", name="Sign out", exact=True).click()
    account.wait_for_url(lambda url: not url.endswith("/account"))
    page.goto(f"{WWW}/articles/{LOCKED}")
    state(page, "refused")
    page.wait_for_function("document.cookie === ''")  # the token is thrown away


def test_a_script_of_an_advertiser_on_the_paper_reaches_no_account(sites: Sites, visit: Visit) -> None:
    """It can get only what the paper's own page gets: the reader's rights for five minutes."""
    context = visit(sites.hosts, session=session_secret(sites.world, NOMSA), ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{WWW}/articles/{LOCKED}")
    expect(page.locator("h1")).to_have_text("The whole")
    attempts = page.evaluate(
        """async (accounts) => {
            const tell = async (path, options) => {
                try { const got = await fetch(accounts + path, {credentials: "include", ...options}); return got.type + await got.text(); }
                catch { return "kept out"; }
            };
            return {
                account: await tell("/account"),
                cancel: await tell("/account/cancel", {method: "POST"}),
                json: await tell("/v1/access", {method: "DELETE"}),
                frame: await new Promise((done) => {
                    const frame = document.createElement("iframe");
                    frame.src = accounts + "/account";
                    frame.onload = () => { try { done(frame.contentDocument?.body.innerText ?? "kept out"); } catch { done("kept out"); } };
                    document.body.append(frame);
                }),
                cookie: document.cookie.includes("session"),
            };
        }""",
        ACCOUNTS,
    )
    assert attempts == {
        "account": "kept out",
        "cancel": "kept out",
        "json": "kept out",
        "frame": "kept out",
        "cookie": False,
    }
    page.evaluate(  # it arrives, and is refused there
        "accounts => fetch(accounts + '/account/cancel', {method: 'POST', credentials: 'include', mode: 'no-cors'}).catch(() => 0)",
        ACCOUNTS,
    )
    rows = sites.world.rows("SELECT cancel_request_at FROM subscription")
    assert {row["cancel_request_at"] for row in rows} == {None}


def test_a_gift_opens_its_article_at_the_paper(sites: Sites, visit: Visit) -> None:
    world = sites.world
    (reader,) = world.rows("SELECT id FROM reader WHERE email = :email", email=NOMSA)
    at = {
        "title": "-",
        "section": "-",
        "access": "subscriber",
        "published_at": (world.now - timedelta(days=9)).isoformat(),
    }
    world.api.put(f"/v1/articles/{GIVEN}", json=at | {"url": f"{WWW}/articles/{GIVEN}"}).raise_for_status()
    gift = world.api.post(f"/v1/articles/{GIVEN}/gifts", json={"reader_id": reader["id"]}).raise_for_status()
    page = visit(sites.hosts, ignore_https_errors=True).new_page()
    page.goto(gift.json()["url"])
    assert page.url.startswith(f"{WWW}/articles/{GIVEN}?gift=")
    expect(page.locator("h1")).to_have_text("The whole")
    assert sites.paper.shown(GIVEN) == ["gift"]


def test_a_page_that_renewed_the_token_locks_nobody_out_when_masthead_goes_away(
    failing_sites: Sites, visit: Visit
) -> None:
    """The cookie then holds a token that the paper's nginx doesn't know."""
    context = visit(
        failing_sites.hosts, session=session_secret(failing_sites.world, NOMSA), ignore_https_errors=True
    )
    page = context.new_page()
    page.goto(f"{WWW}/articles/{LOCKED}")
    expect(page.locator("h1")).to_have_text("The whole")
    state(page, "allowed")
    known = cookies(context, WWW)["__Host-masthead-token"]
    failing_sites.world.advance(minutes=4)
    with page.expect_response(lambda got: got.url.endswith("/v1/access-token")):
        page.goto(f"{WWW}/articles/{LOCKED}")
    page.wait_for_function("known => !document.cookie.includes(known)", arg=known)
    assert failing_sites.edge.caches(2)
    failing_sites.proxy.state = "broken"
    for article in (LOCKED, METERED):
        page.goto(f"{WWW}/articles/{article}")
        expect(page.locator("h1")).to_have_text("The whole")
    assert failing_sites.paper.shown(METERED) == ["away"]
