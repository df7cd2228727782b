"""The demo under a stranger's name that resolves to this machine (DNS rebinding), and its staff link after it has stopped."""

import socket

import httpx
import pytest

from billing.dev import seed
from billing.platform.actors import Command
from tests.support.world import World

STRANGERS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example",
    "127.0.0.1:{port}@evil.example",
    "127.0.0.1:{port}:80",
    "[::1",
    "0.0.0.0:{port}",
    "10.0.0.1",
    "",
]
OWN = ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]", "[::1]:{port}", "localhost:{port}"]
SECRET = [
    ("GET", "/mailbox.json"),
    ("GET", "/mailbox"),
    ("GET", "/"),
    ("GET", "/healthz"),
    ("POST", "/sign-in"),
    ("GET", "/v1/gate/art_none"),
]


def asked(url: str, method: str, path: str, *hosts: str) -> int:
    """The status that a request with these Host headers, and no other, is answered with."""
    at = httpx.URL(url)
    lines = "".join(f"Host: {host.format(port=at.port)}\r\n" for host in hosts)
    with socket.create_connection((at.host, at.port or 80), 60) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("host", STRANGERS)
def test_a_strangers_name_gets_nothing_of_the_demo(demo_world: World, host: str) -> None:
    assert {asked(demo_world.url, method, path, host) for method, path in SECRET} == {421}


def test_a_mailbox_elsewhere_than_in_the_demo_is_as_closed(world_of_demo: World) -> None:
    assert asked(world_of_demo.url, "GET", "/mailbox.json", "evil.example") == 421
    assert asked(world_of_demo.url, "GET", "/mailbox.json", "127.0.0.1:{port}") == 200


@pytest.mark.parametrize("hosts", [(), ("127.0.0.1:{port}", "evil.example"), ("evil.example", "localhost")])
def test_no_name_and_two_names_get_nothing(demo_world: World, hosts: tuple[str, ...]) -> None:
    assert asked(demo_world.url, "GET", "/mailbox.json", *hosts) == 421


@pytest.mark.parametrize("host", OWN)
def test_the_names_of_this_machine_lead_to_the_demo(demo_world: World, host: str) -> None:
    assert asked(demo_world.url, "GET", "/mailbox.json", host) == 307
    assert asked(demo_world.url, "GET", "/mailbox.json", "127.0.0.1:{port}") == 200


@pytest.mark.parametrize("path", ["/_sandbox", "/_sandbox/state", "/v1/charges", "/c/pay/cs_none"])
@pytest.mark.parametrize("host", STRANGERS)
def test_a_strangers_name_gets_nothing_of_the_sandbox(world: World, path: str, host: str) -> None:
    assert asked(world.sandbox.url, "GET", path, host) == 403


def test_the_link_for_staff_ends_with_the_start_that_printed_it(demo_world: World) -> None:
    def starts() -> str:
        with demo_world.services.database.begin(demo_world.services.site, demo_world.now, Command()) as ctx:
            seed.api_key(ctx)
            return seed.staff(ctx, "paper.example")

    first = starts()
    assert "Sign in as staff" in demo_world.browser().get(first).words
    browser = demo_world.browser().again(first)
    second = starts()
    assert "Sign in as staff" in demo_world.browser().get(second).words
    assert demo_world.browser().get(first).status == 404
    [member] = demo_world.rows("SELECT id FROM staff_member WHERE role = 'admin'")
    assert browser.post("/staff/demo", member=member["id"]).status == 404
    assert (
        browser.again(second).post("/staff/demo", member=member["id"]).path == "/staff/sign-in/authenticator"
    )


def test_no_link_for_staff_is_made_of_an_old_one(demo_world: World) -> None:
    """Links of earlier releases named no start."""
    demo_world.execute("UPDATE api_key SET revoked_at = created_at")
    for subject in ("demo", ""):
        token = demo_world.services.site.tokens.token(seed.STAFF_LINK, subject)
        assert demo_world.browser().get(f"/staff/demo/{token}").status == 404
