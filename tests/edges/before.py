"""An edge between readers, a paper and Masthead, as a test asks it."""

import socket
from dataclasses import dataclass

import httpx

from tests.edges.paper import BEGINNING, METERED, Paper, secrets
from tests.support.faulty_proxy import FaultyProxy
from tests.support.http_client import http_client
from tests.support.meter import used_by
from tests.support.signed_in import session_secret
from tests.support.world import World

NOMSA, PIETER = "nomsa@example.com", "pieter@example.com"


def start_trials(world: World) -> None:
    """Let NOMSA and PIETER be in a trial. Call it where `World.once` may be called."""

    def start() -> None:
        for email in (NOMSA, PIETER):
            world.start_trial(email, f"pm_card_visa__{email.partition('@')[0]}")

    world.once("Nomsa and Pieter start trials", start)


@dataclass
class Edge:
    """One at work; it reaches Masthead by `proxy`."""

    world: World
    proxy: FaultyProxy
    paper: Paper
    url: str

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """As a browser asks, which keeps nothing."""
        with http_client(self.url) as http:
            return http.request(method, path, headers=headers)

    def raw(self, path: str, headers: str) -> bytes:
        """Asked for, and answered, as it was written."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n\r\n".encode()
            )
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def subscriber(self, email: str = NOMSA) -> str:
        """The cookie of one of the readers in a trial."""
        return f"masthead-session={session_secret(self.world, email)}"

    def counts_by_the_cookie_that_comes_back(self) -> None:
        """A metered article is counted once for a browser, and not at all for one that fetches ahead."""
        ahead = self.get(f"/articles/{METERED}", **{"sec-purpose": "prefetch"})
        head = self.get(f"/articles/{METERED}", "HEAD")
        assert (ahead.content, head.content) == (BEGINNING, b"")
        assert self.world.rows("SELECT used FROM meter_month") == []
        first = self.get(f"/articles/{METERED}")
        assert secrets(METERED)[0] in first.content
        visitor = first.headers["set-cookie"].partition(";")[0]
        assert secrets(METERED)[0] in self.get(f"/articles/{METERED}", cookie=visitor).content
        assert used_by(self.world, visitor) == 1
        assert self.world.rows("SELECT 1 FROM meter_month") == []
