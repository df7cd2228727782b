"""What crawlers and feed readers fetch: robots.txt, the licence, sitemaps and the feed. The same for everybody, so caches may keep it."""

import hashlib

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from billing.access.articles import newest
from billing.errors import NotFound
from billing.parts import Parts
from billing.rules import robots
from billing.setting_types import OWN_LICENSE
from billing.web import syndicate
from billing.web.sample_articles import sample_article
from billing.web.syndicate import Listed
from billing.web.visit import parts_of

router = APIRouter(include_in_schema=False)
KEPT = {"Cache-Control": "public, max-age=300"}
FEED = "/feed.xml"
SITEMAPS = ("/sitemap.xml", "/sitemap-news.xml")
LICENSE = "/license.xml"
PAGES = ("/articles", "/", "/newsletters", "/who-charged-me", "/contact")
MOST_IN_FEED = 30
MOST_IN_SITEMAP = 10_000


class NoLicense(NotFound):
    """This paper publishes no licence for machines."""

    code = "no_license"


@router.get("/robots.txt")
def robots_txt(request: Request) -> Response:
    """Who may fetch what."""
    parts = parts_of(request)
    text = robots.robots_txt(
        parts.settings.refused_crawlers,
        sitemaps=[parts.office.page(path) for path in SITEMAPS],
        license_url=_license_url(parts),
    )
    return _kept(request, text.encode(), "text/plain")


def _license_url(parts: Parts) -> str | None:
    given = parts.settings.license
    return parts.office.page(LICENSE) if given == OWN_LICENSE else given or None


@router.get(LICENSE)
def licence(request: Request) -> Response:
    """The policy of robots.txt in RSL's words. Raises NoLicense."""
    parts = parts_of(request)
    if parts.settings.license != OWN_LICENSE:
        raise NoLicense
    permitted, prohibited = robots.uses(parts.settings.refused_crawlers)
    house, terms = parts.sender.house, parts.office.page("/contact")
    return _kept(request, syndicate.licence(house, terms, permitted, prohibited), "application/rsl+xml")


@router.get(FEED)
def feed(request: Request) -> Response:
    """What is new, with its leads."""
    parts = parts_of(request)
    own, page = parts.office.page(FEED), parts.office.page("/articles")
    at, found = parts.clock.now(), _listed(parts, MOST_IN_FEED)
    return _kept(request, syndicate.atom(parts.sender.house, page, own, found, at), "application/atom+xml")


@router.get("/sitemap.xml")
def sitemap(request: Request) -> Response:
    """Every page for everybody, locked articles with their leads among them."""
    parts = parts_of(request)
    pages = [parts.office.page(path) for path in PAGES]
    return _kept(request, syndicate.sitemap(pages, _listed(parts, MOST_IN_SITEMAP)), "application/xml")


@router.get("/sitemap-news.xml")
def news_sitemap(request: Request) -> Response:
    """The news among them."""
    parts = parts_of(request)
    body = syndicate.news_sitemap(parts.sender.house, _listed(parts, 1000), parts.clock.now())
    return _kept(request, body, "application/xml")


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


def _kept(request: Request, body: bytes, kind: str) -> Response:
    """With a tag, so that whoever has it already isn't sent it again."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = KEPT | {"ETag": tag}
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known or f"W/{tag}" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers | {"Content-Type": f"{kind}; charset=utf-8"})
