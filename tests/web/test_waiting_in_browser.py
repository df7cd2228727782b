"""The waiting page keeps waiting while there is no result, then shows any result, even a refusal."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

import billing.web
from tests.support.shared_chromium import Chromium

SCRIPT = Path(billing.web.__file__).parent / "static" / "wait.js"
WAITS = '<!doctype html><script src="/wait.js" defer></script><p data-waiting="/ask" data-seconds="0.05">One moment'

pytestmark = pytest.mark.browser


class Answers(BaseHTTPRequestHandler):
    """Gives `/ask` the answers in order, the last one for ever. `/there` shows its text once."""

    then: list[tuple[int, str]]
    asked: int

    def do_GET(self) -> None:
        """One answer."""
        kind = type(self)
        if self.path == "/wait.js":
            self.say(200, SCRIPT.read_text(), "text/javascript")
        elif self.path == "/there":
            seen = "flash=paid" in self.headers.get("Cookie", "")
            self.say(200, "It was told: paid" if seen else "Nothing was told", cookie="flash=; Max-Age=0")
        elif self.path == "/ask":
            status, page = kind.then[min(kind.asked, len(kind.then) - 1)]
            kind.asked += 1
            self.say(status, page)
        else:
            self.say(200, WAITS)

    def say(self, status: int, page: str, content: str = "text/html", cookie: str | None = None) -> None:
        """Status, headers, body."""
        self.send_response(status)
        self.send_header("Content-Type", content)
        if status == 303:
            self.send_header("Location", page)
            cookie = "flash=paid"
        if cookie is not None:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def answers() -> Iterator[tuple[type[Answers], str]]:
    class Mine(Answers):
        then: list[tuple[int, str]] = []
        asked = 0

    with ThreadingHTTPServer(("127.0.0.1", 0), Mine) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Mine, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("last", "shown"),
    [
        pytest.param((200, "Your trial runs"), "Your trial runs", id="a page"),
        pytest.param((402, "Your card was declined"), "Your card was declined", id="a refusal"),
        pytest.param((409, "This card has had its trial"), "This card has had its trial", id="a conflict"),
        pytest.param((303, "/there"), "It was told: paid", id="a redirect, with what is said once"),
    ],
)
def test_it_waits_until_there_is_something_to_see_and_shows_that(
    chromium: Chromium, answers: tuple[type[Answers], str], last: tuple[int, str], shown: str
) -> None:
    mine, address = answers
    mine.then = [(200, WAITS), (503, "away"), (429, "too often"), last]
    with chromium.context() as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("body")).to_contain_text(shown, timeout=20_000)
    assert mine.asked >= len(mine.then)
