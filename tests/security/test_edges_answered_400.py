"""A visitor sends cookies so large that a proxy before Masthead refuses the request. This never makes the visitor
count as an earlier payer (v5.0.0-8.3.2, v5.0.0-16.5.3). nginx, Node and PHP are real.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from billing.dev.demo.folder import free_port
from billing.edges.masthead import Masthead, Who
from tests.edges.paper import BEGINNING, METERED, secrets
from tests.edges.php_site import PHP, php_site
from tests.edges.worker_at_cdn import NODE, token_in, worker_at_cdn
from tests.support import publisher
from tests.support.faulty_proxy import faulty_proxy
from tests.support.http_client import http_client
from tests.support.polling import eventually
from tests.support.publisher import LOCKED
from tests.support.signed_in import session_secret
from tests.support.starting_points import Subscriber
from tests.support.world import World

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")
needs_php = pytest.mark.skipif(PHP is None, reason="PHP is not installed")
PLAIN = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors.log warn;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {masthead}; }} }}
}}
"""
HTML = {"Content-Type": "text/html"}
PAGE = b"<html><h1>Request Header Or Cookie Too Large</h1>"
REFUSALS: list[publisher.Answer] = [
    *((status, HTML, PAGE) for status in (400, 403, 404, 413, 414, 431, 200)),
    (302, {"Location": "/v1/access/market-day-comes-back"}, b""),
    (200, {}, b'{"allowed": "no"}'),
    (200, HTML, b" " * 200_000),
]
LARGE = [
    f"masthead-gift={'x' * 12_000}",
    f"masthead-session={'x' * 12_000}",
    "; ".join(f"masthead-gift=gft_{number}" for number in range(800)),
    f"__Host-masthead-visitor={'x' * 12_000}",
]
DAY = 86_400


@contextmanager
def plain_nginx(world: World, folder: Path) -> Iterator[str]:
    """An unconfigured nginx before Masthead. It answers 400 in HTML to a header line of more than 8 kB."""
    assert NGINX is not None
    port = free_port(0)
    (folder / "nginx.conf").write_text(PLAIN.format(folder=folder, port=port, masthead=world.url))
    with subprocess.Popen(
        [NGINX, "-p", folder, "-e", folder / "errors.log", "-c", folder / "nginx.conf"]
    ) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            with http_client(url) as http:
                assert eventually(lambda: _is_there(http))
                refused = http.get("/healthz", headers={"cookie": LARGE[0]})
                assert (refused.status_code, "html" in refused.headers["content-type"]) == (400, True)
            yield url
        finally:
            server.terminate()


def _is_there(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def refund_and_end(world: World, reader: Subscriber) -> None:
    """Refund everything and end access."""
    body = {"when": "now", "refund": "last", "reason": "other"}
    world.api.post(f"/v1/subscriptions/{reader.subscription_id}/cancel", json=body).raise_for_status()


@needs_nginx
@needs_node
def test_a_refunded_reader_of_a_year_reads_nothing_200_days_later(
    world: World, yearly: Subscriber, tmp_path: Path
) -> None:
    """The token says that a year was paid. It was, and was refunded."""
    with faulty_proxy(world) as proxy, plain_nginx(world, tmp_path) as masthead:
        with worker_at_cdn(world, proxy, tmp_path, masthead) as edge:
            session = edge.subscriber(yearly.email)
            token = token_in(edge.get(f"/articles/{LOCKED}", cookie=session))
            refund_and_end(world, yearly)
            edge.clock((world.now.timestamp() + 200 * DAY) * 1000)
            for large in LARGE:
                cookie = f"{session}; {token}; {large}"
                assert edge.get(f"/articles/{LOCKED}", cookie=cookie).content == BEGINNING, large[:40]


@needs_nginx
@needs_node
def test_a_payer_with_large_cookies_still_reads(world: World, yearly: Subscriber, tmp_path: Path) -> None:
    with faulty_proxy(world) as proxy, plain_nginx(world, tmp_path) as masthead:
        with worker_at_cdn(world, proxy, tmp_path, masthead) as edge:
            for large in LARGE:
                cookie = f"ad={'x' * 12_000}; {edge.subscriber(yearly.email)}; {large}"
                assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=cookie).content, large[:40]


@needs_node
def test_a_worker_takes_every_4xx_for_an_answer_and_reads_offline_for_an_hour(
    world: World, yearly: Subscriber, tmp_path: Path
) -> None:
    with faulty_proxy(world) as proxy, worker_at_cdn(world, proxy, tmp_path) as edge:
        session = edge.subscriber(yearly.email)
        token = token_in(edge.get(f"/articles/{LOCKED}", cookie=session))
        cookie, ends = f"{session}; {token}", world.now.timestamp() + 300

        def reads(at: float) -> bool:
            edge.clock(at * 1000)
            return secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=cookie).content

        for refusal in REFUSALS:
            proxy.state = refusal
            assert reads(ends - 2), "a live token needs no question"
            assert not reads(ends + 1), refusal
        for status in (429, 500, 503):
            proxy.state = (status, HTML, PAGE)
            assert [reads(ends + after) for after in (1, 3_590, 3_601, 200 * DAY)] == [
                True,
                True,
                False,
                False,
            ]
        proxy.state = "cut"
        assert [reads(ends + after) for after in (1, 3_590, 3_601, 200 * DAY)] == [True, True, False, False]


@needs_node
def test_a_worker_whose_token_can_not_be_renewed_still_asks(
    world: World, yearly: Subscriber, tmp_path: Path
) -> None:
    """Whatever `/v1/access-token` says, the decision is another question's."""
    with faulty_proxy(world) as proxy, worker_at_cdn(world, proxy, tmp_path) as edge:
        proxy.affects = lambda request: request.path == "/v1/access-token"
        states: list[str | publisher.Answer] = [*REFUSALS, "cut", "broken"]
        for said in states:
            proxy.state = said
            whole = edge.get(f"/articles/{LOCKED}", cookie=edge.subscriber(yearly.email))
            assert secrets()[0] in whole.content, said
            assert "set-cookie" not in whole.headers


@needs_php
def test_a_page_in_php_takes_every_4xx_for_an_answer_and_reads_offline_for_an_hour(
    world: World, yearly: Subscriber, tmp_path: Path
) -> None:
    payer = {"cookie": f"masthead-session={session_secret(world, yearly.email)}"}
    with faulty_proxy(world) as proxy, php_site(proxy, tmp_path) as site:
        http = site()

        def reads() -> bool:
            return secrets()[0] in http.get(f"/articles/{LOCKED}", headers=payer).content

        assert reads()
        for refusal in REFUSALS:
            proxy.state = refusal
            assert not reads(), refusal
        for status in (429, 500, 503):
            proxy.state = (status, HTML, PAGE)
            assert reads()
        (kept,) = (tmp_path / "kept").iterdir()
        for age, may in ((3_500, True), (3_700, False)):
            os.utime(kept, (time.time() - age,) * 2)
            assert reads() is may


@needs_nginx
@needs_php
def test_a_page_in_php_sends_on_what_the_check_needs_and_nothing_large(
    world: World, yearly: Subscriber, tmp_path: Path
) -> None:
    payer = f"masthead-session={session_secret(world, yearly.email)}"
    with (
        faulty_proxy(world) as proxy,
        plain_nginx(world, tmp_path) as masthead,
        php_site(proxy, tmp_path) as site,
    ):
        http = site(masthead=masthead)
        for large in LARGE:
            whole = http.get(
                f"/articles/{LOCKED}", headers={"cookie": f"ad={'x' * 12_000}; {payer}; {large}"}
            )
            assert secrets()[0] in whole.content, large[:40]
        for odd in (b"\x80", b"\xff", b"x" * 20_000):
            whole = http.get(
                f"/articles/{LOCKED}", headers=[(b"cookie", payer.encode()), (b"user-agent", odd)]
            )
            assert secrets()[0] in whole.content


@needs_nginx
def test_a_site_in_python_sends_on_nothing_large(world: World, yearly: Subscriber, tmp_path: Path) -> None:
    payer = f"masthead-session={session_secret(world, yearly.email)}"
    with plain_nginx(world, tmp_path) as url:
        masthead = Masthead(url, timeout=30)
        for large in LARGE:
            answer = masthead.ask(METERED, Who.of("GET", {"cookie": f"ad={'x' * 12_000}; {payer}; {large}"}))
            assert (answer.reason, answer.remembered) == ("subscription", False), large[:40]
        refund_and_end(world, yearly)
        assert masthead.ask(LOCKED, Who.of("GET", {"cookie": f"{payer}; {LARGE[1]}"})).reason == "subscribe"
