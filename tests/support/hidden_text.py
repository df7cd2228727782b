"""Text behind the paywall, and requests that try to get it."""

import socket
from urllib.parse import urlsplit

from billing.dev.paper.sample_articles import SampleArticle, sample_articles

LOCKED = [
    article
    for article in sample_articles()
    if article.teaser.access in ("subscriber", "registered") and not article.fresh
]
METERED = [article for article in sample_articles() if article.teaser.access == "metered"]
HEADERS: list[dict[str, str]] = [
    {},
    {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    {"user-agent": "Googlebot-News", "x-forwarded-for": "66.249.66.1", "from": "googlebot(at)googlebot.com"},
    {"user-agent": "facebookexternalhit/1.1"},
    {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "forwarded": "for=127.0.0.1"},
    {"x-reader-id": "rdr_1", "x-entitled": "true", "x-masthead-access": "subscription"},
    {"x-original-url": "/articles/market-day-comes-back", "x-rewrite-url": "/staff"},
    {"x-forwarded-host": "127.0.0.1", "x-forwarded-proto": "https", "x-forwarded-prefix": "/staff"},
    {
        "x-forwarded-uri": "/v1/gate/market-day-comes-back",
        "x-original-method": "PURGE",
        "x-http-method": "PATCH",
    },
    {
        "x-masthead-reason": "subscription",
        "x-reader": "rdr_1",
        "x-features": "read,listen",
        "x-user": "admin",
    },
    {"user-agent": "Googlebot/2.1", "cf-connecting-ip": "66.249.66.1", "true-client-ip": "66.249.66.1"},
    {
        "user-agent": "AdsBot-Google",
        "forwarded": "for=66.249.66.1;by=127.0.0.1",
        "x-client-ip": "66.249.66.1",
    },
    {"user-agent": "Mozilla/5.0 (compatible; Google-Read-Aloud)", "x-real-ip": "66.249.81.1"},
    {"x-middleware-subrequest": "middleware", "x-accel-redirect": "/articles", "x-sendfile": "articles"},
    {"surrogate-capability": "fastly=ESI/1.0", "x-varnish-purge": "1", "fastly-debug": "1"},
    {"x-http-method-override": "PUT", "x-method-override": "DELETE"},
    {"referer": "https://www.google.com/", "origin": "https://news.google.com"},
    {"authorization": "Bearer mk_wrong"},
    {"authorization": "Bearer null"},
    {"accept": "application/json"},
    {"accept": "application/rss+xml, application/atom+xml"},
    {"accept": "application/ld+json"},
    {"accept": "text/plain"},
    {"range": "bytes=0-99999"},
    {"range": "bytes=-4000"},
    {"range": "bytes=0-1,4000-9999", "if-range": "*"},
    {"if-none-match": 'W/"a", "b"', "if-match": "*", "if-unmodified-since": "Mon, 01 Jan 2029 00:00:00 GMT"},
    {"expect": "100-continue", "te": "trailers", "upgrade": "h2c"},
    {"accept": "*/*;q=0, text/markdown", "accept-language": "../en"},
    {"accept": "audio/ogg", "icy-metadata": "1"},
    {"if-none-match": "*", "if-modified-since": "Mon, 01 Jan 2029 00:00:00 GMT"},
    {"cache-control": "only-if-cached, max-stale=99999", "pragma": "no-cache"},
    {"sec-purpose": "prefetch;prerender", "purpose": "prefetch"},
    {"x-moz": "prefetch"},
    {"accept-encoding": "gzip;q=0, identity"},
    {"save-data": "on", "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site"},
    {"cookie": "masthead-session=x; masthead-visitor=vis_1.x; masthead-gift=gft_1.x"},
    {
        "cookie": "masthead-visitor=vis_a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; masthead-session=; masthead-staff=admin"
    },
    {"cookie": "masthead-flash=signed-in; admin=1; paid=true; subscriber=1; __Host-masthead-session=x"},
    {"turbo-frame": "paywall", "x-requested-with": "XMLHttpRequest", "hx-request": "true"},
    {"amp-cache-transform": "google;v=1..100", "x-amp": "1"},
]
"""Headers that an attacker might send to get more."""


def pieces(article: SampleArticle) -> list[bytes]:
    """40 bytes from the middle of each paragraph, heading and quotation: long enough to be unique."""
    texts = [block.text for block in article.paragraphs if len(block.text) > 60]
    return [text[len(text) // 3 : len(text) // 3 + 40].encode() for text in texts if "&" not in text]


def plain(answer: bytes) -> bytes:
    """The answer with its HTML escapes undone."""
    for escaped, letter in ((b"&#39;", b"'"), (b"&#34;", b'"'), (b"&amp;", b"&")):
        answer = answer.replace(escaped, letter)
    return answer


def raw_request(url: str, method: str, path: str, headers: dict[str, str]) -> bytes:
    """Send a request over a bare socket; return every byte of the answer. The path is sent exactly as given."""
    parts = urlsplit(url)
    lines = [f"{method} {path} HTTP/1.1", f"host: {parts.netloc}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=30) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return b"".join(iter(lambda: line.recv(65536), b""))
