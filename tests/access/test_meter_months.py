"""The meter: a number of metered articles a month, each counted once for each visitor."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.articles import metered
from tests.support.cancel_helpers import cancel
from tests.support.meter import counted, used
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

LIMIT = 10
AHEAD = (
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
)


def ended_reader(world: World) -> str:
    """A reader with an account and no subscription."""

    def live() -> str:
        begun = world.start_trial("naledi@example.com")
        cancel(world, begun["subscription"]["id"], when="now")
        return str(begun["reader"]["id"])

    return world.once("a reader starts a trial and ends it", live)


def test_a_registered_reader_reads_ten_a_month_again_and_again_and_ten_more_in_the_next(
    world: World,
) -> None:
    reader, articles = ended_reader(world), metered(world, LIMIT + 2)
    for number, article in enumerate(articles[:LIMIT], start=1):
        answer = world.access(article, reader)
        assert answer["reason"] == "meter"
        assert answer["meter"] == {"used": number, "limit": LIMIT}
    for article in articles[LIMIT:]:
        answer = world.access(article, reader)
        assert (answer["allowed"], answer["reason"]) == (False, "meter_used")
        assert answer["meter"] == {"used": LIMIT, "limit": LIMIT}
    for article in articles[:LIMIT]:
        assert world.access(article, reader)["allowed"], "reading again is free"

    world.advance_to(local(2027, 3, 31, 23, 59, 59))
    assert not world.access(articles[-1], reader)["allowed"]
    world.advance_to(local(2027, 4, 1))
    assert world.access(articles[-1], reader)["meter"] == {"used": 1, "limit": LIMIT}
    assert world.access(articles[0], reader)["meter"] == {"used": 2, "limit": LIMIT}


def test_a_browser_without_an_account_reads_three_and_a_prefetch_reads_nothing(world: World) -> None:
    browser, articles = world.browser(), metered(world, 5)
    limit = world.settings.meter_anonymous
    assert limit == 3
    pages = world.articles["metered"]
    assert len(pages) == 3
    for header, value in AHEAD:
        for article in pages:
            ahead = browser.http.get(f"/articles/{article}", headers={header: value})
            assert (ahead.status_code, ahead.content) == (503, b""), (
                "so that the browser asks again at the click"
            )
            browser.http.get(f"/v1/access/{article}", headers={header: value}).raise_for_status()
            head = browser.http.head(f"/articles/{article}")
            assert (head.status_code, head.content) == (200, b"")
    assert counted(world) == []

    for number, article in enumerate(pages, start=1):
        page = browser.get(f"/articles/{article}")
        assert f"{number} of 3 free articles this month" in page.words
        assert f"{number} of 3 free articles this month" in browser.get(f"/articles/{article}").words
    ahead = browser.http.get(f"/articles/{pages[0]}", headers={"sec-purpose": "prefetch"})
    assert ahead.status_code == 200, "one that is read already is fetched ahead like any other"
    answer: dict[str, Any] = browser.http.get(f"/v1/access/{articles[0]}").json()
    assert (answer["reason"], answer["meter"]) == ("meter_used", {"used": 3, "limit": 3})
    another = world.browser().http.get(f"/v1/access/{articles[0]}").json()
    assert another["allowed"], "another browser has its own"


def test_reading_at_once_never_exceeds_the_limit(world: World) -> None:
    reader, articles = ended_reader(world), metered(world, 24)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda article: world.access(article, reader), articles * 2))
    opened = {answer["article"] for answer in answers if answer["allowed"]}
    assert len(opened) == LIMIT
    assert used(world) == [LIMIT]


def test_a_subscriber_uses_up_nothing(world: World, in_trial: Subscriber) -> None:
    articles = metered(world, LIMIT + 5)
    for article in articles:
        answer = world.access(article, in_trial.reader_id)
        assert (answer["reason"], answer["meter"]) == ("trial", None)
    assert world.rows("SELECT * FROM meter_month") == []


def test_an_article_opened_in_the_public_interest_is_everybodys_until_it_closes(world: World) -> None:
    article = world.articles["subscriber"][0]
    body = {"until": "2027-03-03T08:00:00Z", "reason": "flood warning"}
    opened = world.api.post(f"/v1/articles/{article}/open", json=body)
    assert opened.json()["open_reason"] == "flood warning"
    browser = world.browser()
    page = browser.get(f"/articles/{article}")
    assert "Open to everyone, in the public interest." in page.words
    answer = browser.http.get(f"/v1/access/{article}").json()
    assert (answer["reason"], answer["features"]) == ("open", ["read"]), "listening stays the subscribers'"
    assert answer["until"] == "2027-03-03T08:00:00Z"
    assert browser.get(f"/v1/audio/{article}").status == 403
    world.advance_to(local(2027, 3, 3, 9, 59, 59))
    assert browser.http.get(f"/v1/access/{article}").json()["reason"] == "open"
    world.advance_to(local(2027, 3, 3, 10))
    assert browser.http.get(f"/v1/access/{article}").json()["reason"] == "subscribe"
    again = world.api.post(f"/v1/articles/{article}/open", json=body)
    assert (again.status_code, again.json()["code"]) == (422, "past_moment")


def test_what_a_browser_read_goes_over_to_the_account_that_signs_in_once(world: World) -> None:
    browser, pages = world.browser(), world.articles["metered"]
    for article in pages:
        browser.get(f"/articles/{article}")
    more = metered(world, LIMIT)
    assert browser.http.get(f"/v1/access/{more[0]}").json()["reason"] == "meter_used"
    browser.sign_in("naledi@example.com")
    assert browser.http.get(f"/v1/access/{pages[0]}").json()["meter"] == {"used": 3, "limit": LIMIT}
    opened = [browser.http.get(f"/v1/access/{article}").json()["allowed"] for article in more]
    assert opened.count(True) == LIMIT - 3, "ten in all, the three among them"
    assert used(world) == [3, LIMIT]

    # Signing out gives no new ones, and whoever signs in next on this browser does not pay for them again.
    browser.get("/account")
    browser.post("/sign-out")
    assert browser.http.get(f"/v1/access/{more[0]}").json()["reason"] == "meter_used"
    browser.sign_in("sipho@example.com")
    assert browser.http.get(f"/v1/access/{more[0]}").json()["meter"] == {"used": 1, "limit": LIMIT}


def test_whoever_calls_itself_a_crawler_gets_what_a_stranger_without_articles_left_gets(world: World) -> None:
    crawler, article = world.browser(), world.articles["metered"][0]
    crawler.http.headers["user-agent"] = (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    )
    page = crawler.get(f"/articles/{article}")
    assert (page.status, "The rest is for subscribers" in page.words) == (200, True)
    assert crawler.http.get(f"/v1/access/{article}").json()["reason"] == "meter_used"
    assert "set-cookie" not in crawler.http.get(f"/v1/access/{article}").headers
    assert world.rows("SELECT * FROM meter_month") == []


def test_a_program_asks_for_somebody_anonymous_with_the_token_that_it_was_given(world: World) -> None:
    articles = metered(world, 5)
    first = world.api.get(f"/v1/access/{articles[0]}").json()
    assert (first["reason"], first["meter"]) == ("meter", {"used": 1, "limit": 3})
    kept = {"visitor": first["visitor"]}
    for number, article in enumerate(articles[:3], start=1):
        answer = world.api.get(f"/v1/access/{article}", params=kept).json()
        assert (answer["meter"], answer["visitor"]) == ({"used": number, "limit": 3}, kept["visitor"])
    for _ in range(2):
        refused = world.api.get(f"/v1/access/{articles[3]}", params=kept).json()
        assert (refused["allowed"], refused["reason"]) == (False, "meter_used")
    forged = kept["visitor"][:-1] + ("A" if kept["visitor"][-1] != "A" else "B")
    stranger = world.api.get(f"/v1/access/{articles[3]}", params={"visitor": forged}).json()
    assert stranger["visitor"] not in (forged, kept["visitor"]), "a token of our own making, or a new one"
    ahead = world.api.get(f"/v1/access/{articles[4]}", params={**kept, "prefetch": "true"}).json()
    assert (ahead["meter"], "visitor" in ahead) == ({"used": 3, "limit": 3}, False)
    assert "visitor" not in world.api.get(f"/v1/access/{world.articles['free'][0]}").json()


def test_counts_are_forgotten_forty_days_after_their_month_began(world: World) -> None:
    reader, articles = ended_reader(world), metered(world, 2)
    world.access(articles[0], reader)
    world.advance_to(local(2027, 4, 2))
    world.access(articles[1], reader)
    assert len(counted(world)) == 2
    world.advance_to(local(2027, 4, 11))
    assert counted(world) == [articles[1]]
    assert len(world.rows("SELECT * FROM meter_month")) == 1
