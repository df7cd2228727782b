"""An edge between readers, a publisher's server and Masthead, and requests to it."""

import socket
from dataclasses import dataclass

import httpx

from tests.edges.paper import BEGINNING, METERED, Paper, secrets
from tests.support.faulty_proxy import FaultyProxy
from tests.support.http_client import http_client
from tests.support.meter import counted, used_by
from tests.support.signed_in import session_secret
from tests.support.world import World

NOMSA, PIETER = "nomsa@example.com", "pieter@example.com"


def start_trials(world: World) -> None:
    """Start trials of NOMSA and PIETER. The rules of `World.once` apply."""

    def start() -> None:
        for email in (NOMSA, PIETER):
            world.start_trial(email, f"pm_card_visa__{email.partition('@')[0]}")

    world.once("Nomsa and Pieter start trials", start)


@dataclass
class Edge:
    """A running edge, which reaches Masthead through `proxy`."""

    world: World
    proxy: FaultyProxy
    paper: Paper
    url: str

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Request a path with a fresh client, without cookies."""
        with http_client(self.url) as http:
            return http.request(method, path, headers=headers)

    def raw(self, path: str, headers: str) -> bytes:
        """Send a raw request, without normalising the path; return the raw answer."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n\r\n".encode()
            )
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def subscriber(self, email: str = NOMSA) -> str:
        """The session cookie of a reader in a trial."""
        return f"masthead-session={session_secret(self.world, email)}"

    def counts_by_the_cookie_that_comes_back(self) -> None:
        """Assert that a metered article counts once per browser, and that a prefetch doesn't count."""
        ahead = self.get(f"/articles/{METERED}", **{"sec-purpose": "prefetch"})
        head = self.get(f"/articles/{METERED}", "HEAD")
        assert (ahead.content, head.content) == (BEGINNING, b"")
        assert counted(self.world) == []
        first = self.get(f"/articles/{METERED}")
        assert secrets(METERED)[0] in first.content
        visitor = first.headers["set-cookie"].partition(";")[0]
        assert secrets(METERED)[0] in self.get(f"/articles/{METERED}", cookie=visitor).content
        assert used_by(self.world, visitor) == 1
        assert self.world.rows("SELECT 1 FROM meter_month") == []
