"""Editors' articles: all of them with what each asks and why, found by words and level, changed with a reason."""

from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from billing.access.models import Article
from billing.platform.actors import WORKER
from billing.rules.asked import AskedBecause, AskedLevel, asked
from billing.rules.policies import UNSTATED, AccessLevel, ArticlePolicy, FreeSpan
from billing.staff.article_list import A_PAGE, article_page
from tests.support.articles import Put
from tests.support.plans import plans_of
from tests.support.staff_members import SignIn
from tests.support.world import World, local

AT = local(2027, 3, 1, 10)
SOON = AT + timedelta(hours=3)


@pytest.mark.parametrize(
    ("policy", "by", "open_until", "found"),
    [
        (UNSTATED, "nobody", None, AskedLevel(AccessLevel.SUBSCRIBER, AskedBecause.DEFAULT)),
        (
            ArticlePolicy(AccessLevel.METERED),
            "section",
            None,
            AskedLevel(AccessLevel.METERED, AskedBecause.SECTION),
        ),
        (
            ArticlePolicy(AccessLevel.FREE),
            "article",
            None,
            AskedLevel(AccessLevel.FREE, AskedBecause.ARTICLE),
        ),
        (
            ArticlePolicy(AccessLevel.METERED, (FreeSpan(AT, SOON),)),
            "section",
            None,
            AskedLevel(AccessLevel.FREE, AskedBecause.RULE, SOON),
        ),
        (
            ArticlePolicy(AccessLevel.METERED, (FreeSpan(SOON, None),)),
            "article",
            None,
            AskedLevel(AccessLevel.METERED, AskedBecause.ARTICLE, SOON),
        ),
        (UNSTATED, "nobody", SOON, AskedLevel(AccessLevel.FREE, AskedBecause.PUBLIC, SOON)),
    ],
)
def test_why_an_article_asks_what_it_asks(
    policy: ArticlePolicy, by: str, open_until: object, found: AskedLevel
) -> None:
    assert asked(policy, by, open_until, AT) == found  # type: ignore[arg-type]


def test_the_list_says_what_each_asks_and_why(world: World, put: Put, staff: SignIn) -> None:
    put("quiet"), put("own", "free"), put("timed", "subscriber", free_hours=48)
    put("ofsection", section="Weather")
    world.api.put("/v1/sections/Weather", json={"access": "registered"}).raise_for_status()
    put("opened", "subscriber")
    body = {"until": local(2027, 3, 2, 8).isoformat(), "reason": "flood"}
    world.api.post("/v1/articles/opened/open", json=body).raise_for_status()
    editor = staff("editor")

    def said(title: str) -> str:
        return editor.get(f"/staff/articles?words={title}").words

    assert "for subscribers nothing is said, so it is for subscribers" in said("quiet")
    assert "free for everyone an exception of its own" in said("own")
    assert "a rule of time opens it" in said("timed")
    assert "free for whoever is signed in its section says so" in said("ofsection")
    assert "until Tue 2 Mar 2027, 08:00 it is open in the public interest" in said("opened")
    assert "No article fits." in said("unicorn")
    assert "No article fits." in editor.get("/staff/articles?words=%26%21%28%27").words, "signs are no words"
    text = editor.get("/staff/articles?words=about&level=registered").text
    assert ("/ofsection/access" in text, "/own/access" in text) == (True, False)
    assert "/quiet/access" in editor.get("/staff/articles?words=about+qui&level=subscriber").text


def test_an_article_is_changed_with_a_reason_and_counts_at_once(
    world: World, put: Put, staff: SignIn
) -> None:
    article, editor = put("dam", "subscriber"), staff("editor")
    page = f"/staff/articles/{article}/access"
    assert "for subscribers an exception of its own" in editor.get(page).words.replace(" Because", "")

    def change(**typed: str) -> str:
        return editor.post(page, **{"free_hours": "", "open_after_days": "", **typed}).words

    assert "Say why; the reason is kept" in change(access="free", reason=" ")
    assert editor.page.status == 422
    assert '<option value="free" selected>' in editor.page.text, "what was typed is kept"
    assert "Hours and days are whole numbers" in change(access="metered", free_hours="x", reason="The debate")
    assert 'value="The debate"' in editor.page.text
    assert "Free for 1 to 8784 hours" in change(access="metered", free_hours="9999", reason="The debate")
    change(access="registered", reason="The debate")
    assert (editor.page.status, editor.page.path) == (200, page)
    assert world.browser().http.get(f"/v1/access/{article}").json()["reason"] == "register"
    change(access="nothing", reason="Over")
    assert world.browser().http.get(f"/v1/access/{article}").json()["reason"] == "subscribe"
    lines = world.rows(
        "SELECT reason, before, after FROM audit_line WHERE act = 'article_policy' AND outcome = 'done' ORDER BY id"
    )
    assert [(row["reason"], row["before"]["access"], row["after"]["access"]) for row in lines] == [
        ("The debate", "subscriber", "registered"),
        ("Over", "registered", "nothing said"),
    ]
    assert "nothing of its own; in Town staff:editor@paper.example" in editor.get(page).words
    assert editor.get("/staff/articles/nowhere/access").status == 404


def test_opening_the_whole_site_asks_twice(world: World, put: Put, staff: SignIn) -> None:
    article, editor = put("dam", "subscriber"), staff("editor")
    editor.get("/staff/articles")
    typed = {"what": "site", "until": "2027-03-02T06:00", "reason": "The dam is full."}
    words = editor.post("/staff/articles", **typed).words
    assert "Open the whole site to everyone?" in words
    assert "until Tuesday 2 March 2027 at 06:00" in words
    assert world.rows("SELECT * FROM public_window") == [], "nothing is open yet"
    editor.post("/staff/articles")
    assert "the whole site" in editor.page.words
    assert world.browser().http.get(f"/v1/access/{article}").json()["reason"] == "open"
    editor.get("/staff/articles")
    editor.post("/staff/articles", **{**typed, "until": "2027-02-01T06:00"})
    assert (editor.page.status, "still to come" in editor.page.words) == (422, True), (
        "asked first for what can be"
    )


def test_every_article_is_on_one_page_and_no_page_twice(world: World, staff: SignIn) -> None:
    at = world.now
    with world.services.database.transaction() as session:
        for number in range(A_PAGE * 2):
            session.add(
                Article(
                    id=f"a-{number:03}",
                    title=f"Number {number}",
                    url="https://news.example/a",
                    section="Town",
                    published_at=at - timedelta(hours=number // 7),
                )
            )
    everything = {row["id"] for row in world.rows("SELECT id FROM article")}
    editor, seen, page = staff("editor"), list[str](), "/staff/articles"
    while page:
        text = editor.get(page).text
        seen += [part.partition("/access")[0] for part in text.split('<td><a href="/staff/articles/')[1:]]
        _, more, rest = text.partition('href="/staff/articles?words=')
        page = unescape(f"/staff/articles?words={rest.partition(chr(34))[0]}") if more else ""
    assert len(seen) == len(set(seen))
    assert set(seen) == everything
    for damaged in ("x", "2027-03-01~a", f"{at.isoformat()}~"):
        assert editor.get(f"/staff/articles?after={quote(damaged)}").status == 422


@pytest.mark.parametrize("words", ["", "flood"])
def test_no_page_of_articles_reads_or_sorts_them_all(world: World, put: Put, words: str) -> None:
    put("flood")
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        with plans_of(ctx.session) as plans:
            article_page(ctx, words=words)
    assert [plan for plan in plans if "Seq Scan on article" in plan or "Seq Scan on gift" in plan] == []
