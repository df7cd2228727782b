"""An edge between readers, a paper and Masthead, as a test asks it."""

import socket
from dataclasses import dataclass

import httpx

from tests.edges.conftest import Line, signed_in
from tests.edges.paper import BEGINNING, METERED, Paper, secrets
from tests.support.world import World


@dataclass
class Edge:
    """One at work; `line` is its way to Masthead."""

    world: World
    line: Line
    paper: Paper
    url: str

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """As a browser asks, which keeps nothing."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as http:
            return http.request(method, path, headers=headers)

    def raw(self, path: str, headers: str) -> bytes:
        """Asked for, and answered, as it was written."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as line:
            line.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n\r\n".encode()
            )
            return b"".join(iter(lambda: line.recv(65536), b""))

    def subscriber(self, email: str = "nomsa@example.com") -> str:
        """Somebody in a trial: their cookie."""
        self.world.start_trial(email, f"pm_card_visa__{email.partition('@')[0]}")
        return f"masthead-session={signed_in(self.world, email)}"

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
        assert [row["used"] for row in self.world.rows("SELECT used FROM meter_month")] == [1]
