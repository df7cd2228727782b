"""The sample paper's pages and the mailbox, with sample values."""

from collections.abc import Iterator
from dataclasses import fields, replace

from billing.access.gifts import GiftEnd
from billing.dev.demo.mailbox_pages import LetterRow, MailboxPage, OpenLetter
from billing.dev.paper import views as paper
from billing.dev.paper.news_article import news_article
from billing.dev.paper.sample_articles import AUDIO_MINUTES, SampleArticle, sample_articles
from billing.dev.previews.values import HOUSE, LOOK, NOW, PRICE, READER, STEPS, VISITOR
from billing.web.reader.gifts import OVER
from billing.web.views.frame import Frame, Page
from emails.languages import say


def pages() -> Iterator[tuple[str, Page, Frame]]:
    everything = tuple(article.teaser for article in sample_articles())
    by_access = {article.teaser.access: article for article in reversed(sample_articles())}
    at = replace(VISITOR, path="/articles")
    front = paper.ArticlesPage(articles=everything, price=PRICE, trial_days=14, step=STEPS["stranger"])
    yield "articles", front, at
    yield "articles-reader", replace(front, step=None), replace(READER, path="/articles")
    for name in ("paused", "payment_open", "ended"):
        stopped = replace(front, step=STEPS[name])
        yield f"articles-{name.replace('_', '-')}", stopped, replace(READER, path="/articles")
    subscriber = next(article for article in sample_articles() if article.teaser.audio)
    listen = paper.Listen(minutes=AUDIO_MINUTES, source="/listen/sample/0.seal")
    yield "article-open", replace(_open(subscriber), listen=listen), replace(READER, path="/articles/x")
    yield "article-free", _open(by_access["free"]), at
    sheet = {each.name: getattr(_open(subscriber), each.name) for each in fields(paper.ArticlePage)}
    yield "article-print", paper.PrintPage(**sheet), replace(READER, path="/articles/x/print")
    yield "article-metered", replace(_open(by_access["metered"]), meter=paper.MeterNote(used=2, limit=10)), at
    locked = paper.Wall(reason="subscribe", step=STEPS["stranger"], price=PRICE, trial_days=14)
    yield (
        "article-locked",
        replace(_locked(subscriber, locked), listen=paper.Listen(minutes=AUDIO_MINUTES)),
        at,
    )
    yield "article-register", _locked(by_access["registered"], replace(locked, reason="register")), at
    gift = replace(locked, gift_over=OVER[GiftEnd.EXPIRED])
    yield "article-gift-over", _locked(subscriber, gift), at
    given = replace(
        _open(subscriber),
        can_give=True,
        terms=say("Free for everyone from %(moment)s.", moment=LOOK.moment(NOW)),
    )
    yield "article-to-give", given, replace(READER, path="/articles/x")
    used = replace(locked, reason="meter_used", limit=3, registered_limit=10)
    yield "article-meter-used", _locked(by_access["metered"], used), at
    for name, step in STEPS.items():
        if name != "stranger":
            wall = replace(locked, step=step)
            reader = replace(READER, path="/articles/x", can_subscribe=step.can_start)
            yield f"wall-{name.replace('_', '-')}", _locked(subscriber, wall), reader
    last = paper.MeterNote(used=10, limit=10)
    yield "article-metered-last", replace(_open(by_access["metered"]), meter=last), at
    yield from _mailbox()


def _open(article: SampleArticle) -> paper.ArticlePage:
    return paper.ArticlePage(
        teaser=article.teaser,
        byline=article.byline,
        paragraphs=article.paragraphs,
        wall=None,
        json_ld=_described(article),
        canonical=f"{HOUSE.url}/articles/{article.teaser.id}",
        is_free=article.teaser.access == "free",
        more=tuple(other.teaser for other in sample_articles() if other is not article)[:3],
    )


def _locked(article: SampleArticle, wall: paper.Wall) -> paper.ArticlePage:
    return paper.ArticlePage(
        teaser=article.teaser, byline=article.byline, paragraphs=None, wall=wall, json_ld=_described(article)
    )


def _described(article: SampleArticle) -> dict[str, object]:
    house = HOUSE
    return news_article(article.teaser, house, f"{house.url}/articles/{article.teaser.id}", NOW)


def _mailbox() -> Iterator[tuple[str, Page, Frame]]:
    """Previews of the demo's mailbox, with a letter and empty."""
    at = replace(VISITOR, path="/mailbox")
    subjects = (
        "Your tax invoice INV-000148",
        "R75.00 incl. VAT will be charged on 8 December",
        "Your trial has begun",
        "Your link to sign in",
    )
    rows = tuple(
        LetterRow(
            id=f"l{n}",
            at=NOW,
            sender="The Swartberg Post <readers@swartberg-post.example>",
            recipient="thandi@example.org",
            subject=subject,
        )
        for n, subject in enumerate(subjects)
    )
    headers = (
        ("Message-ID", "<7f3a2c.1@swartberg-post.example>"),
        ("Date", "Mon, 23 Nov 2026 09:00:00 +0200"),
    )
    text = "Good morning,\n\nyour tax invoice is below.\n\nCancel at any time: http://127.0.0.1:8000/cancel\n"
    letter = OpenLetter(row=rows[0], headers=headers, text=text, has_html=True)
    yield "mailbox", MailboxPage(letters=rows, letter=letter), at
    yield (
        "mailbox-text",
        MailboxPage(letters=rows, letter=replace(letter, shown="text"), to="thandi@example.org"),
        at,
    )
    yield "mailbox-empty", MailboxPage(letters=()), at
    yield "mailbox-greylists", MailboxPage(letters=rows, greylists=True), at
