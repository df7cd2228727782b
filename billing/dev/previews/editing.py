"""Staff pages about access to articles, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from billing.dev.paper.sample_articles import sample_articles
from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW
from billing.web.staff.articles import LEVELS
from billing.web.views.article import ArticleLine, ArticleVersionRow, StaffArticlePage
from billing.web.views.editing import OpeningRow, SectionRow, StaffArticlesPage, StaffOpenSitePage
from billing.web.views.frame import Frame, Page
from billing.web.views.why import StaffWhyPage, WhyFact

UNTIL = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
OPENED = OpeningRow(
    opening_id="opn_1",
    what="section Town",
    until=UNTIL,
    reason="Flood warning for the lower valley.",
    by="staff:nandi@swartbergpost.example",
    opened_at=NOW,
)
TITLES = tuple((article.teaser.id, article.teaser.title) for article in sample_articles())


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    yield from _articles()
    yield from _why()


def _articles() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(STAFF, path="/staff/articles")
    line = ArticleLine(
        article_id=TITLES[0][0],
        title=TITLES[0][1],
        section="Environment",
        published_at=NOW,
        asks="free for everyone",
        because="a rule of time opens it",
        until=UNTIL,
        gifts=12,
        trials=7,
        paid_starts=1,
        opened=41,
    )
    rows = tuple(replace(line, article_id=name, title=title, until=None) for name, title in TITLES[1:6])
    shown = StaffArticlesPage(
        rows=(
            line,
            *(
                replace(
                    row,
                    asks="metered",
                    because="its section says so",
                    gifts=0,
                    opened=0,
                    trials=0,
                    paid_starts=0,
                )
                for row in rows
            ),
        ),
        more="after=2026-11-01T04%3A00%3A00%2B00%3A00~a",
        live=(OPENED,),
        past=(replace(OPENED, over_at=NOW, closed_by="staff:nandi@swartbergpost.example"),),
        scopes=(("site", "the whole site"), ("section:Town", "section: Town"), *TITLES),
        sections=(
            SectionRow("Education", access="registered"),
            SectionRow("Town", access="metered", free_hours="24", open_after_days="365"),
        ),
        levels=LEVELS,
        zone="Africa/Johannesburg",
        until="2026-12-01T06:00",
    )
    yield "staff-articles", shown, at
    wrong = replace(
        shown,
        live=(),
        past=(),
        what="site",
        error="Something can be opened only until a moment that is still to come.",
        sections=(
            SectionRow("Education", access="registered"),
            SectionRow(
                "Town",
                access="metered",
                free_hours="x",
                open_after_days="365",
                reason="The debate",
                error="Hours and days are whole numbers, or empty.",
            ),
        ),
    )
    yield "staff-articles-problem", wrong, at
    yield (
        "staff-articles-none",
        replace(wrong, rows=(), words="unicorn", level="free", is_first=False, more=None),
        at,
    )
    whole = StaffOpenSitePage(until=UNTIL, typed_until="2026-12-01T06:00", reason=OPENED.reason)
    yield "staff-open-site", whole, at
    one = StaffArticlePage(
        line=line,
        url="https://swartberg-post.example/articles/the-water-nobody-counted",
        levels=LEVELS,
        access="metered",
        free_hours="24",
        versions=(
            ArticleVersionRow(
                at=NOW,
                by="staff:nandi@swartbergpost.example",
                says="metered, free for 24 hours from publication",
            ),
            ArticleVersionRow(at=NOW, by="api:site", says="nothing of its own; in Environment"),
        ),
    )
    yield "staff-article", one, at
    yield (
        "staff-article-problem",
        replace(one, free_hours="x", error="Hours and days are whole numbers, or empty."),
        at,
    )


def _why() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(STAFF, path="/staff/readers/rdr_1/why")
    asked = StaffWhyPage(
        reader_id="rdr_1",
        email=LONG_ADDRESS,
        articles=TITLES,
        zone="Africa/Johannesburg",
        article=TITLES[0][0],
    )
    facts = (
        WhyFact(what="Registered", at=NOW, by="", reason="", holds=None),
        WhyFact(
            what="Subscription: cancel asked, cancels at 23 November 2026, 00:00; from then on active",
            at=NOW,
            by="reader",
            reason="It costs too much",
            holds=None,
        ),
        WhyFact(what="No subscription opens it now", at=None, by="", reason="", holds=False),
        WhyFact(
            what="An editor has it open to everyone, until 1 December 2026, 06:00",
            at=None,
            by="",
            reason="",
            holds=True,
        ),
    )
    yield (
        "staff-why",
        replace(
            asked,
            sentence="As of 23 November 2026, 09:00: this article is open to everyone, in the public interest.",
            allowed=True,
            reason="open",
            features=("listen", "read"),
            until=UNTIL,
            facts=facts,
            at="2026-11-23T09:00",
        ),
        at,
    )
    choices = tuple((f"/staff/readers/rdr_1/why?article={name}", title, NOW.date()) for name, title in TITLES)
    yield "staff-why-choice", replace(asked, article="dam", fitting=choices), at
    yield (
        "staff-why-no",
        replace(
            asked,
            sentence="All 10 of your free articles of this month are read, and you have no subscription.",
            allowed=False,
            reason="meter_used",
            meter="10 of 10 used",
            facts=facts[:3],
        ),
        at,
    )
    wrong = "What will be isn't decided yet. Ask about now, or about a moment that has passed."
    yield "staff-why-problem", replace(asked, error=wrong, at="2027-11-23T09:00"), at
