"""The publisher's own server behind an edge. It sends the whole text for requests that the edge vouches for, else the beginning.

It records each request and the access reason that the edge sent."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.publisher import LOCKED, Answer, sentinels, whole_text

BEGINNING = b"<p>The beginning, for everybody.</p>"
METERED, FREE = "the-bridge-that-waited", "market-day-comes-back"
GAMES: list[dict[str, str]] = [
    {},
    {"X-Masthead-Access": "subscription"},
    {"x-masthead-access": "away", "X-Masthead-Key": "the edge's key?", "X_Masthead_Access": "trial"},
    {"X-Access-Reason": "subscription", "X-Original-URI": "/articles/market-day-comes-back"},
    {"X-Original-URL": "/articles/market-day-comes-back", "X-Rewrite-URL": "/articles/market-day-comes-back"},
    {"Cookie": "masthead-session=forged"},
    {"Cookie": "masthead-session=; __Host-masthead-session=forged; masthead-token=a.b.c"},
    {"Cookie": "masthead-token=eyJhbGciOiJub25lIn0.eyJmZWF0dXJlcyI6WyJyZWFkIl0sImV4cCI6OTk5OTk5OTk5OX0."},
    {
        "Authorization": "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.eyJmZWF0dXJlcyI6WyJyZWFkIl0sImV4cCI6OTk5OTk5OTk5OX0.AAAA"
    },
    {"Authorization": "Bearer mk_wrong"},
    {"Range": "bytes=0-99999"},
    {"If-None-Match": "*", "If-Modified-Since": "Mon, 01 Jan 2029 00:00:00 GMT"},
    {"Cache-Control": "only-if-cached, max-stale=99999"},
    {"X-HTTP-Method-Override": "GET", "X-Original-Method": "POST"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Connection": "close, X-Masthead-Access", "X-Masthead-Access": "subscription"},
]
PATHS = (
    f"/articles/{LOCKED}",
    f"/articles/{LOCKED}/",
    f"/articles/{LOCKED}/x.css",
    f"/articles/{LOCKED}.css",
    f"/articles/{LOCKED}?x.css",
    f"/articles/{LOCKED}?masthead=whole",
    f"/articles/{LOCKED};x.css",
    f"/articles/{LOCKED}%2fx.css",
    f"/articles/{LOCKED}%00.css",
    f"/articles/{LOCKED}%3fx.css",
    f"/articles//{LOCKED}",
    f"//articles/{LOCKED}",
    f"/./articles/{LOCKED}",
    f"/x/..%2farticles/{LOCKED}",
    f"/articles/{FREE}%2f..%2f{LOCKED}",
    f"/articles/{LOCKED}%2f..%2f{FREE}",
    f"/articles/{FREE}/../{LOCKED}",
    f"/ARTICLES/{LOCKED}",
    f"/print/{LOCKED}",
    f"/amp/{LOCKED}",
    "/_decide",
    "/_holds",
    "/articles/subscribers",
)


def secrets(article: str = LOCKED) -> list[bytes]:
    return [piece.encode() for piece in sentinels(article)]


@dataclass
class Paper:
    """`vouched(headers, query)` recognises the edge. Paths are matched loosely, as real servers do."""

    vouched: Callable[[dict[str, str], str], bool]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, request: BaseHTTPRequestHandler) -> Answer:
        """Answer, and record the path and the access reason."""
        url = urlsplit(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((url.path, headers.get("x-masthead-access", "")))
        found = re.search(rf"{LOCKED}|{METERED}|{FREE}", url.path)
        if found is None:
            return 404, {"Cache-Control": "public, max-age=60"}, b"nothing here"
        if not self.vouched(headers, url.query):
            kept = {"Cache-Control": "public, s-maxage=60", "Content-Type": "text/html; charset=utf-8"}
            return 200, kept | {"Set-Cookie": "of-the-paper=1"}, BEGINNING
        body = whole_text(found.group()).encode()
        plain = {"Content-Type": "text/html; charset=utf-8", "Accept-Ranges": "bytes"}
        byte_range = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        if byte_range is None:
            return 200, plain, body
        start, end = int(byte_range[1]), int(byte_range[2]) + 1
        return 206, plain | {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"}, body[start:end]
