"""A publisher's own servers beside Masthead, on `www.paper.example` and elsewhere, and the text behind the paywall."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from billing.dev.paper.sample_articles import sample_article

LOCKED = "the-water-nobody-counted"
ACCOUNTS, WWW = "http://accounts.paper.example", "http://www.paper.example"
ELSEWHERE = "http://elsewhere.example"


def sentinels(article_id: str = LOCKED) -> list[str]:
    """Pieces of an article's text that occur nowhere else."""
    found = sample_article(article_id)
    assert found is not None
    return [
        block.text[30:70] for block in found.paragraphs if len(block.text) > 120 and "&" not in block.text
    ]


def whole_text(article_id: str = LOCKED) -> str:
    """The whole text as HTML, as a publisher's server has it."""
    found = sample_article(article_id)
    assert found is not None
    return "".join(f"<p>{block.text}</p>" for block in found.paragraphs)


Answer = tuple[int, dict[str, str], bytes]


class Publisher(ThreadingHTTPServer):
    """A server with a thread for each request and a long backlog."""

    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serve(answer: Callable[[BaseHTTPRequestHandler], Answer]) -> Iterator[int]:
    """Run a publisher's server on loopback and yield its port. `answer` is called for each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                status, headers, body = answer(self)
            except ConnectionAbortedError:
                return
            self.send_response(status)
            sized = {} if status in (204, 304) else {"Content-Length": str(len(body))}
            for name, value in (sized | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if status in (204, 304):
                return
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

        do_HEAD = do_GET  # noqa: N815 - the library's name

    server = Publisher(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
