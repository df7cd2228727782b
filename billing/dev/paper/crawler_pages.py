"""What crawlers, feed readers and programmers fetch: robots.txt, the licence, sitemaps, the feed, the API's description. The same for
everybody, so caches may keep it, and it is made once for all who come within a minute."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from billing.access.articles import newest
from billing.container import Parts
from billing.dev.paper import feeds
from billing.dev.paper.feeds import Listed
from billing.dev.paper.sample_articles import sample_article
from billing.http.single_flight import SharedWork
from billing.platform.clock import HeldClock
from billing.platform.errors import NotFound
from billing.platform.setting_types import OWN_LICENSE
from billing.rules import robots

router = APIRouter(include_in_schema=False)
KEPT = {"Cache-Control": "public, max-age=300"}
KEPT_SECONDS = 60.0
ROBOTS, LICENSE, FEED, OPENAPI = "/robots.txt", "/license.xml", "/feed.xml", "/openapi.json"
SITEMAPS = SITEMAP, NEWS_SITEMAP = "/sitemap.xml", "/sitemap-news.xml"
PAGES = ("/articles", "/", "/newsletters", "/who-charged-me", "/contact")
MOST_IN_FEED = 30
MOST_IN_SITEMAP = 10_000
MOST_NEWS = 1_000


class NoLicense(NotFound):
    """This paper publishes no licence for machines."""

    code = "no_license"


@dataclass(frozen=True, slots=True)
class Document:
    """Something that is the same for everybody, with a tag by which it is known again."""

    body: bytes
    kind: str
    tag: str


Documents = dict[str, SharedWork[Document]]


def documents(parts: Parts, openapi: Callable[[], dict[str, Any]]) -> Documents:
    """By its address each document, which is made at most once a minute, whatever the query. Where the clock is held it is made
    each time: what was done is true at once."""
    made: dict[str, tuple[Callable[[], bytes], str]] = {
        ROBOTS: (lambda: _robots_txt(parts), "text/plain; charset=utf-8"),
        LICENSE: (lambda: _licence(parts), "application/rsl+xml; charset=utf-8"),
        FEED: (lambda: _feed(parts), "application/atom+xml; charset=utf-8"),
        SITEMAP: (lambda: _sitemap(parts), "application/xml; charset=utf-8"),
        NEWS_SITEMAP: (lambda: _news_sitemap(parts), "application/xml; charset=utf-8"),
        OPENAPI: (lambda: json.dumps(openapi(), ensure_ascii=False).encode(), "application/json"),
    }
    max_age = 0 if isinstance(parts.clock, HeldClock) else KEPT_SECONDS

    def document(make: Callable[[], bytes], kind: str) -> Document:
        body = make()
        return Document(body, kind, f'"{hashlib.sha256(body).hexdigest()[:24]}"')

    return {
        path: SharedWork(partial(document, *how), parts.monotonic.seconds, max_age)
        for path, how in made.items()
    }


@router.get(ROBOTS)
@router.get(LICENSE)
@router.get(FEED)
@router.get(SITEMAP)
@router.get(NEWS_SITEMAP)
@router.get(OPENAPI)
async def answer(request: Request) -> Response:
    """What is kept for this address, with a tag, so that whoever has it already isn't sent it again. Raises NoLicense."""
    shared: SharedWork[Document] = request.app.state.documents[request.url.path]
    found = await shared.outcome()
    headers = KEPT | {"ETag": found.tag}
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if found.tag in known or f"W/{found.tag}" in known:
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers | {"Content-Type": found.kind})


def _robots_txt(parts: Parts) -> bytes:
    return robots.robots_txt(
        parts.settings.refused_crawlers,
        sitemaps=[parts.office.page(path) for path in SITEMAPS],
        license_url=_license_url(parts),
    ).encode()


def _license_url(parts: Parts) -> str | None:
    given = parts.settings.license
    return parts.office.page(LICENSE) if given == OWN_LICENSE else given or None


def _licence(parts: Parts) -> bytes:
    if parts.settings.license != OWN_LICENSE:
        raise NoLicense
    permitted, prohibited = robots.uses(parts.settings.refused_crawlers)
    return feeds.licence(parts.sender.house, parts.office.page("/contact"), permitted, prohibited)


def _feed(parts: Parts) -> bytes:
    own, page = parts.office.page(FEED), parts.office.page("/articles")
    return feeds.atom(parts.sender.house, page, own, _listed(parts, MOST_IN_FEED), parts.clock.now())


def _sitemap(parts: Parts) -> bytes:
    pages = [parts.office.page(path) for path in PAGES]
    return feeds.sitemap(pages, _listed(parts, MOST_IN_SITEMAP))


def _news_sitemap(parts: Parts) -> bytes:
    return feeds.news_sitemap(parts.sender.house, _listed(parts, MOST_NEWS), parts.clock.now())


def _listed(parts: Parts, most: int) -> list[Listed]:
    """The articles that have their page here, the newest first; none before its time."""
    at = parts.clock.now()
    with parts.database.transaction() as session:
        return [found for found in _all(parts, session, most) if found.published_at <= at]


def _all(parts: Parts, session: Session, most: int) -> list[Listed]:
    pairs = ((row, sample_article(row.id)) for row in newest(session, most))
    return [
        Listed(
            url=parts.office.page(f"/articles/{row.id}"),
            title=row.title,
            lead=sample.teaser.lead,
            section=row.section,
            published_at=row.published_at,
        )
        for row, sample in pairs
        if sample is not None
    ]
