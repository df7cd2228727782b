"""The sample paper's feed and sitemaps."""

from fastapi import APIRouter
from sqlmodel import Session

from billing.access.articles import newest
from billing.container import Services
from billing.dev.paper import feeds
from billing.dev.paper.feeds import FeedItem
from billing.dev.paper.sample_articles import sample_article
from billing.web.api.shared_documents import Written, answer

router = APIRouter(include_in_schema=False)
FEED = "/feed.xml"
SITEMAPS = SITEMAP, NEWS_SITEMAP = "/sitemap.xml", "/sitemap-news.xml"
PAGES = ("/articles", "/", "/newsletters", "/who-charged-me", "/contact")
MOST_IN_FEED = 30
MOST_IN_SITEMAP = 10_000
MOST_NEWS = 1_000
for path in (FEED, *SITEMAPS):
    router.get(path)(answer)


def written(services: Services) -> dict[str, Written]:
    """The writer and media type of each document, by path."""
    return {
        FEED: (lambda: _feed(services), "application/atom+xml; charset=utf-8"),
        SITEMAP: (lambda: _sitemap(services), "application/xml; charset=utf-8"),
        NEWS_SITEMAP: (lambda: _news_sitemap(services), "application/xml; charset=utf-8"),
    }


def _feed(services: Services) -> bytes:
    own, page = services.site.page(FEED), services.site.page("/articles")
    return feeds.atom(services.sender.house, page, own, _listed(services, MOST_IN_FEED), services.clock.now())


def _sitemap(services: Services) -> bytes:
    pages = [services.site.page(path) for path in PAGES]
    return feeds.sitemap(pages, _listed(services, MOST_IN_SITEMAP))


def _news_sitemap(services: Services) -> bytes:
    return feeds.news_sitemap(services.sender.house, _listed(services, MOST_NEWS), services.clock.now())


def _listed(services: Services, most: int) -> list[FeedItem]:
    """The published articles that have a page here, newest first."""
    at = services.clock.now()
    with services.database.transaction() as session:
        return [found for found in _all(services, session, most) if found.published_at <= at]


def _all(services: Services, session: Session, most: int) -> list[FeedItem]:
    pairs = ((row, sample_article(row.id)) for row in newest(session, most))
    return [
        FeedItem(
            url=services.site.page(f"/articles/{row.id}"),
            title=row.title,
            lead=sample.teaser.lead,
            section=row.section,
            published_at=row.published_at,
        )
        for row, sample in pairs
        if sample is not None
    ]
