"""Every kind of article for every kind of reader: the decision, the page, and its bytes."""

from dataclasses import dataclass
from http.cookiejar import Cookie

import pytest

from billing.dev.paper.sample_articles import SampleArticle, sample_articles
from tests.support.browser import Browser
from tests.support.meter import counted
from tests.support.world import World, local

LEVELS = ("free", "registered", "metered", "subscriber")
READS = {
    #                free    registered    metered         subscriber
    "anonymous": ("free", "register", "meter", "subscribe"),
    "ended": ("free", "registered", "meter", "subscribe"),
    "trialing": ("free", "trial", "trial", "trial"),
    "cancelled in trial": ("free", "trial", "trial", "trial"),
    "active": ("free", "subscription", "subscription", "subscription"),
    "cancelled in the month": ("free", "subscription", "subscription", "subscription"),
    "grace": ("free", "grace", "grace", "grace"),
}
HOLDERS = set(READS) - {"anonymous", "ended"}
REFUSALS = {"register", "subscribe", "meter_used"}


@dataclass
class Visitors:
    """A world with a reader of each kind in it, each with the cookies of a browser."""

    world: World
    cookies: dict[str, list[Cookie]]
    ids: dict[str, str]

    def browser(self, kind: str) -> Browser:
        """That of a reader of this kind."""
        return self.world.browser().with_cookies(self.cookies[kind])


def _settle_in(world: World) -> tuple[dict[str, list[Cookie]], dict[str, str]]:
    """Their cookies and their ids."""
    browsers: dict[str, Browser] = {}

    def start(kind: str, number: str = "5555555555554444") -> None:
        """By pages, so that there is a browser."""
        name = kind.replace(" ", "-")
        browsers[kind] = world.browser()
        browsers[kind].start(f"{name}@example.com", f"{number}__{name}")

    def cancel(kind: str) -> None:
        browsers[kind].get("/account/cancel")
        browsers[kind].post("/account/cancel")

    for kind in ("active", "cancelled in the month", "ended"):
        start(kind)
    start("grace", "4000000000000341")
    cancel("ended")
    world.advance_to(local(2027, 3, 16, 12))
    for kind in ("trialing", "cancelled in trial"):
        start(kind)
    for kind in ("cancelled in the month", "cancelled in trial"):
        cancel(kind)
    browsers["anonymous"] = world.browser()
    named = {row["email"].partition("@")[0]: row["id"] for row in world.rows("SELECT id, email FROM reader")}
    ids = {kind: named[kind.replace(" ", "-")] for kind in browsers if kind != "anonymous"}
    return {kind: browser.cookies for kind, browser in browsers.items()}, ids


@pytest.fixture
def visitors(world: World) -> Visitors:
    """On 16 March, noon."""
    return Visitors(world, *world.once("a reader of each kind settles in", lambda: _settle_in(world)))


def _sentences(article: SampleArticle) -> list[str]:
    """Pieces of the locked text, from the middle of each paragraph, that occur nowhere else."""
    return [
        block.text[len(block.text) // 3 : len(block.text) // 3 + 60].split("&")[0].strip()
        for block in article.paragraphs
        if block.kind == "paragraph" and len(block.text) > 180
    ]


@pytest.mark.parametrize("kind", READS)
def test_what_is_open_to_whom_and_why(visitors: Visitors, kind: str) -> None:
    world = visitors.world
    for level, reason in zip(LEVELS, READS[kind], strict=True):
        article = world.articles[level][0]
        mine = visitors.browser(kind).http.get(f"/v1/access/{article}")
        answer = mine.json()
        assert (answer["reason"], answer["allowed"]) == (reason, reason not in REFUSALS), level
        assert answer["article"] == article
        assert (answer["subscribe_url"] is None) == answer["allowed"]
        assert (answer["meter"] is None) == (reason != "meter")
        listens = kind in HOLDERS
        assert answer["features"] == (
            ["listen", "read"] if listens else ["read"] if answer["allowed"] else []
        )
        assert mine.headers["cache-control"] == "private, no-store"
        if kind in visitors.ids:
            assert world.access(article, visitors.ids[kind])["reason"] == reason, "a program is told the same"


@pytest.mark.parametrize("kind", READS)
def test_locked_text_is_in_no_byte_of_the_page_and_open_text_is_all_there(
    visitors: Visitors, kind: str
) -> None:
    browser = visitors.browser(kind)
    for article in sample_articles():
        reason = READS[kind][LEVELS.index(article.teaser.access)]
        page = browser.get(f"/articles/{article.teaser.id}")
        assert page.status == 200
        shared = page.response.headers["cache-control"] == "public, max-age=0, s-maxage=60"
        assert shared or page.response.headers["cache-control"] == "private, no-store"
        assert not shared or (kind == "anonymous" and reason in ("free", "register", "subscribe"))
        text = page.text.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
        found = [sentence in text for sentence in _sentences(article)]
        assert len(found) >= 3
        assert all(found) if reason not in REFUSALS else not any(found), (article.teaser.id, reason)
        assert article.teaser.lead[:40] in text, "the lead is for everybody"
        assert ("incl. VAT" in page.words) >= (reason in REFUSALS), "every price says so"
        api = browser.http.get(f"/v1/access/{article.teaser.id}").text
        assert not any(sentence in api for sentence in _sentences(article))
    front = browser.get("/articles").text
    assert not [
        sentence for article in sample_articles() for sentence in _sentences(article) if sentence in front
    ]


@pytest.mark.parametrize("kind", READS)
def test_only_holders_listen(visitors: Visitors, kind: str) -> None:
    spoken = next(article for article in sample_articles() if article.teaser.audio)
    browser = visitors.browser(kind)
    answer = browser.http.get(f"/v1/audio/{spoken.teaser.id}")
    page = browser.get(f"/articles/{spoken.teaser.id}")
    assert answer.headers["cache-control"] == "private, no-store" or kind not in HOLDERS
    if kind in HOLDERS:
        received = browser.http.get(answer.json()["address"])
        assert received.status_code == 200
        assert received.headers["content-type"] == "audio/ogg"
        assert received.headers["cache-control"] == "private, no-store"
        assert received.content[:4] == b"OggS"
        assert "<audio" in page.text
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "listening_not_included")
        assert b"OggS" not in answer.content
        assert "/listen/" not in page.text, "not even its address"


def test_the_page_tells_search_engines_what_is_locked_and_none_of_it(visitors: Visitors) -> None:
    for article in sample_articles():
        text = visitors.world.browser().get(f"/articles/{article.teaser.id}").text
        free = article.teaser.access == "free"
        assert f'"isAccessibleForFree":{"true" if free else "false"}' in text
        assert ('"cssSelector":".paywall"' in text) is not free
        assert "articleBody" not in text


def test_an_unknown_article_is_not_found(visitors: Visitors) -> None:
    world = visitors.world
    answer = world.api.get("/v1/access/no-such-article")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_article")
    browser = world.browser()
    assert browser.get("/articles/no-such-article").status == 404
    assert browser.get("/v1/audio/no-such-article").status == 404
    silent = next(article for article in sample_articles() if not article.teaser.audio)
    answer = visitors.browser("active").http.get(f"/v1/audio/{silent.teaser.id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_recording")


def test_an_unknown_reader_is_nobody_in_particular(visitors: Visitors) -> None:
    world = visitors.world
    assert world.access(world.articles["subscriber"][0], "rdr_nobody")["reason"] == "subscribe"
    assert world.access(world.articles["registered"][0], "rdr_nobody")["reason"] == "register"


def test_many_articles_are_answered_in_the_order_asked(visitors: Visitors) -> None:
    world = visitors.world
    wanted = [world.articles[level][0] for level in ("subscriber", "free", "registered", "subscriber")]
    asked = {"articles": wanted, "reader_id": visitors.ids["grace"]}
    answer = world.api.post("/v1/access", json=asked)
    assert answer.status_code == 200
    assert [one["article"] for one in answer.json()] == wanted
    assert [one["reason"] for one in answer.json()] == ["grace", "free", "grace", "grace"]
    assert answer.headers["cache-control"] == "private, no-store"
    mine = visitors.browser("active").http.post("/v1/access", json=asked).json()
    assert {one["reason"] for one in mine} == {"subscription", "free"}, "a browser asks for itself alone"
    for wrong in ([], ["x"] * 501, "x", [1]):
        assert world.api.post("/v1/access", json={"articles": wrong}).status_code == 422
    assert world.api.post("/v1/access", json={"articles": [*wanted, "no-such"]}).status_code == 404
    assert counted(world, visitors.ids["grace"]) == []
