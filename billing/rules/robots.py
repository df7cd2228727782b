"""What crawlers may fetch, and use it for: a policy by class of crawler, written out as robots.txt (RFC 9309) and as a licence (RSL 1.0).

Both only ask. What must not be read is never sent, whatever a crawler makes of them (PW-11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CrawlerClass:
    """Crawlers with one purpose: their product tokens (letters, `_`, `-`), and their use in RSL's vocabulary."""

    name: str
    what: str
    tokens: tuple[str, ...]
    use: str = ""


CLASSES: Final = (
    CrawlerClass(
        "search",
        "search engines",
        ("Googlebot", "Googlebot-News", "Googlebot-Image", "Bingbot", "Applebot", "DuckDuckBot", "YandexBot"),
        "search",
    ),
    CrawlerClass(
        "previews",
        "what draws the preview of a link that somebody shares",
        ("facebookexternalhit", "Twitterbot", "LinkedInBot", "Slackbot", "TelegramBot", "WhatsApp"),
    ),
    CrawlerClass(
        "answers",
        "machines that answer questions with what they find",
        (
            *("OAI-SearchBot", "ChatGPT-User", "Claude-SearchBot", "Claude-User", "PerplexityBot"),
            *("Perplexity-User", "MistralAI-User", "DuckAssistBot", "Meta-ExternalFetcher"),
        ),
        "ai-input",
    ),
    CrawlerClass(
        "training",
        "collectors for the training of models",
        (
            *("GPTBot", "ClaudeBot", "anthropic-ai", "Google-Extended", "Applebot-Extended", "CCBot"),
            *("Meta-ExternalAgent", "Bytespider", "Amazonbot", "cohere-training-data-crawler", "Diffbot"),
        ),
        "ai-train",
    ),
    CrawlerClass(
        "analysis",
        "collectors for those who sell analyses of sites",
        ("AhrefsBot", "SemrushBot", "MJ12bot", "DotBot", "DataForSeoBot"),
    ),
)
NAMES: Final = tuple(each.name for each in CLASSES)

CLOSED_PATHS: Final = (
    *(
        "/account",
        "/address",
        "/sign-in",
        "/sign-out",
        "/staff",
        "/subscribe",
        "/cancel",
        "/card",
        "/pay",
        "/request",
    ),
    *("/u/", "/gift"),
    *("/newsletters/", "/contact/", "/v1/", "/access/", "/webhooks/", "/demo/", "/mailbox", "/healthz"),
    *("/readyz", "/metrics", "/openapi.json", "/listen/", "/articles/*/gift", "/articles/*/print"),
)
"""Paths that no crawler may fetch: a reader's own pages, staff, sign-in, programs, gifts, and other forms of an article."""
OPEN_PATHS: Final = (
    *("/", "/articles", "/articles/{article_id}", "/newsletters", "/contact", "/who-charged-me"),
    *(
        "/about",
        "/terms",
        "/privacy",
        "/refunds",
        "/terms/{number}",
        "/privacy/{number}",
        "/refunds/{number}",
    ),
    *(
        "/brand/logo.{kind}",
        "/brand/site.css",
        "/brand/paper.css",
        "/brand/listen.js",
    ),  # pages are rendered with them
    *(
        "/brand/share.png",
        "/brand/icon-{side}.png",
        "/favicon.ico",
        "/apple-touch-icon.png",
        "/manifest.webmanifest",
    ),
    *("/feed.xml", "/sitemap.xml", "/sitemap-news.xml", "/robots.txt", "/license.xml"),
)
"""Paths that crawlers may fetch. Every path is here or under one above."""
RSL_NAMESPACE: Final = "https://rslstandard.org/rsl"


class UnknownClass(ValueError):
    """There is no such class of crawlers."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no class of crawlers; there are {', '.join(NAMES)}")


def robots_txt(refused: Sequence[str], *, sitemaps: Sequence[str], license_url: str | None) -> str:
    """The file, for a policy that refuses these classes everything. Addresses are absolute. Raises UnknownClass.

    A crawler obeys only the group that names it, so each group repeats all rules. The licence's line belongs to no group."""
    _check(refused)
    lines = [f"License: {license_url}", ""] if license_url else []
    lines += ["User-agent: *", *_rooms(), ""]
    for each in CLASSES:
        lines += [f"# {each.what}", *(f"User-agent: {token}" for token in each.tokens)]
        lines += ["Disallow: /", ""] if each.name in refused else [*_rooms(), ""]
    lines += [f"Sitemap: {address}" for address in sitemaps]
    return "\n".join(lines) + "\n"


def _check(refused: Sequence[str]) -> None:
    for name in refused:
        if name not in NAMES:
            raise UnknownClass(name)


def _rooms() -> list[str]:
    return [*(f"Disallow: {room}" for room in CLOSED_PATHS), "Allow: /"]


def uses(refused: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same policy in RSL's words: the uses that it permits, and those that it prohibits. Raises UnknownClass."""
    _check(refused)
    named = [each for each in CLASSES if each.use]
    permitted = tuple(each.use for each in named if each.name not in refused)
    return permitted, tuple(each.use for each in named if each.name in refused)
